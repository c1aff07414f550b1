"""Text files from Windows: the mark goes, the text stays."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunnel_gateway.plain_text import utf8

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff"))


@given(TEXTS)
def test_a_text_with_any_mark_is_the_same_text(text: str) -> None:
    assert utf8(codecs.BOM_UTF8 + text.encode()) == text.encode()
    assert utf8(codecs.BOM_UTF16_LE + text.encode("utf-16-le")) == text.encode()
    assert utf8(codecs.BOM_UTF16_BE + text.encode("utf-16-be")) == text.encode()
    assert utf8(text.encode()) == text.encode()


@pytest.mark.parametrize("data", [b"", b"parol", b"\xe1\xe2", b"a\xff\xfe", bytes(4)])
def test_without_a_mark_every_byte_stays(data: bytes) -> None:
    assert utf8(data) == data


@pytest.mark.parametrize("data", [b"\xff\xfea", b"\xff\xfe\x00\xd8", b"\xff\xfe\x00\x00a\x00"])
def test_what_is_no_text_after_the_mark(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"utf-16|UTF-16"):
        utf8(data)

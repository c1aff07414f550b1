from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunnel_gateway.rest.base64_text import Base64Text


def read(pieces: list[bytes]) -> bytes:
    text = Base64Text()
    sizes = [text.decode(piece) for piece in pieces]
    data = text.finish()
    assert 0 <= len(data) - sum(sizes) <= 2
    return data


@given(st.binary(max_size=100), st.booleans(), st.integers(0, 140), st.integers(0, 140))
def test_it_is_read_in_any_pieces(data: bytes, url: bool, first: int, second: int) -> None:
    text = urlsafe_b64encode(data).rstrip(b"=") if url else b64encode(data)
    first, second = sorted((first, second))
    assert read([text[:first], text[first:second], b"", text[second:]]) == data


def test_line_ends_and_blanks_are_dropped() -> None:
    assert read([b" MI\r\nA=", b"\t \n"]) == bytes.fromhex("3080")


@pytest.mark.parametrize(
    ("pieces", "fault"),
    [
        ([b"MI!A"], "not Base64"),
        ([b"MIA%"], "not Base64"),
        ([b"MIA=", b"MIAG"], "behind the ="),
        ([b"MI=A"], "behind the ="),
        ([b"MI==", b"="], "too many ="),
        ([b"MIAG", b"="], "do not fit"),
        ([b"MIAGM"], "the last character"),
    ],
)
def test_anything_else_is_told(pieces: list[bytes], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        read(pieces)

"""PEM, read strictly."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunnel_gateway.pki.pem import armour, blocks, is_pem


@given(st.lists(st.tuples(st.sampled_from(["A", "PRIVATE KEY"]), st.binary(max_size=200))))
def test_what_is_written_is_read(content: list[tuple[str, bytes]]) -> None:
    text = b"".join(armour(label, data) for label, data in content)
    assert blocks(text) == content
    assert is_pem(text) == bool(content)


def test_lines_have_64_characters() -> None:
    lines = armour("A", bytes(100)).splitlines()
    assert lines[0] == b"-----BEGIN A-----"
    assert lines[-1] == b"-----END A-----"
    assert [len(line) for line in lines[1:-1]] == [64, 64, 8]


def test_what_other_programs_write() -> None:
    text = b"subject=CN = a\n\n" + armour("A", b"one") + b"between\n" + armour("B", b"two")
    assert blocks(text) == [("A", b"one"), ("B", b"two")]
    assert blocks(text.replace(b"\n", b"\r\n")) == [("A", b"one"), ("B", b"two")]
    one_line = b"-----BEGIN A-----\n" + base64.b64encode(bytes(200)) + b"\n-----END A-----"
    assert blocks(one_line) == [("A", bytes(200))]


@pytest.mark.parametrize(
    "text",
    [
        armour("A", b"one") + armour("A", bytes(90))[:-20],
        armour("A", b"one").replace(b"END A", b"END B"),
        armour("A", b"one").replace(b"-----\n", b"-----\nProc-Type: 4,ENCRYPTED\n\n", 1),
        armour("A", b"one").replace(b"b25l", b"b2!l"),
        armour("A", b"one").replace(b"b25l", b"b25"),
    ],
    ids=["cut off", "another end", "headers", "not base64", "bad padding"],
)
def test_damaged_text_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match="a PEM block is"):
        blocks(text)


@pytest.mark.parametrize("data", [b"", b"\x30\x82", b"text -----BEGIN A-----"])
def test_what_is_not_pem(data: bytes) -> None:
    assert not is_pem(data)
    assert blocks(data) == []

"""PEM, read strictly."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunnel_gateway.pki.encoding.pem import armour, blocks, is_pem


@given(st.lists(st.tuples(st.sampled_from(["A", "PRIVATE KEY"]), st.binary(max_size=200))))
def test_what_is_written_is_read(content: list[tuple[str, bytes]]) -> None:
    text = b"".join(armour(label, data) for label, data in content)
    assert [block[:2] for block in blocks(text)] == content
    assert is_pem(text) == bool(content)


def test_lines_have_64_characters() -> None:
    lines = armour("A", bytes(100)).splitlines()
    assert lines[0] == b"-----BEGIN A-----"
    assert lines[-1] == b"-----END A-----"
    assert [len(line) for line in lines[1:-1]] == [64, 64, 8]


def test_what_other_programs_write() -> None:
    text = b"subject=CN = a\n\n" + armour("A", b"one") + b"between\n" + armour("B", b"two")
    assert blocks(text) == [("A", b"one", 3), ("B", b"two", 7)]
    assert blocks(text.replace(b"\n", b"\r\n")) == [("A", b"one", 3), ("B", b"two", 7)]
    one_line = b"-----BEGIN A-----\n" + base64.b64encode(bytes(200)) + b"\n-----END A-----"
    assert blocks(one_line) == [("A", bytes(200), 1)]


ONE, TWO = armour("A", b"one"), armour("A", bytes(90))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (ONE + TWO[:-20], "line 4: the PEM block A is cut off"),
        (ONE + TWO[:-2], "line 7: not the begin or the end .* '-----END A----'"),
        (ONE[:-16] + TWO, "line 1: the PEM block A is cut off"),
        (ONE.replace(b"END A", b"END B"), "line 1: the PEM block A is cut off"),
        (ONE + TWO[18:], "line 6: a PEM block ends that has not begun"),
        (TWO[18:], "line 3: a PEM block ends that has not begun"),
        (ONE.replace(b"A-----\n", b"A-----\nProc-Type: 4,ENCRYPTED\n\n", 1), "line 1: .* headers"),
        (ONE.replace(b"b25l", b"b2!l"), "line 1: a PEM block is not base64"),
        (ONE.replace(b"b25l", b"b25"), "line 1: a PEM block is not base64"),
        (ONE + b"root: " + TWO, "line 4: not the begin .* though it looks like one"),
        (ONE + TWO[1:], "line 4: not the begin"),
        (ONE + TWO.replace(b"-----BEGIN A-----", b"-----Begin A-----"), "line 4: not the begin"),
        (ONE + TWO.replace(b"-----B", "——-B".encode()), "line 4: not the begin"),
        (ONE + TWO.replace(b"A-----", b"\xd0\x90-----"), "line 4: not the begin"),
        (ONE + TWO.replace(b"A-----", b"-----"), "line 4: not the begin"),
    ],
    ids=[
        "cut off",
        "cut off in its last line",
        "its end is lost",
        "another end",
        "an end alone",
        "an end first",
        "headers",
        "not base64",
        "bad padding",
        "not at a line's start",
        "a dash is missing",
        "small letters",
        "long dashes",
        "a Cyrillic letter",
        "no label",
    ],
)
def test_damaged_text_is_refused_with_its_line(text: bytes, reason: str) -> None:
    assert is_pem(text)
    with pytest.raises(ValueError, match=reason):
        blocks(text)


@given(st.integers(0, len(ONE + TWO) - 1), st.binary(max_size=3))
def test_a_block_is_read_or_the_text_refused(place: int, replacement: bytes) -> None:
    """Whatever is lost or changed at one place, no block goes without a word."""
    text = (ONE + TWO)[:place] + replacement + (ONE + TWO)[place + 1 :]
    try:
        found = blocks(text)
    except ValueError:
        return
    if is_pem(text):
        assert len(found) == 2


@pytest.mark.parametrize("data", [b"", b"\x30\x82", b"text -----BEGIN A-----"])
def test_what_is_not_pem(data: bytes) -> None:
    assert not is_pem(data)
    assert blocks(data) == []


@pytest.mark.parametrize("filling", ["-", "—", "- ", " ", "--\n", "-----"])
def test_a_file_full_of_what_begins_a_mark(filling: str) -> None:
    """A list comes from anybody on the way: half a megabyte of this once took hours."""
    assert blocks(ONE + filling.encode() * 100_000) == [("A", b"one", 1)]


def test_words_have_a_bound() -> None:
    for text in (ONE * 5000, ONE + b"the END\n" * 10_000):
        assert is_pem(text)
        with pytest.raises(ValueError, match="more than 8192 times BEGIN or END"):
            blocks(text)
    assert len(blocks(ONE * 4096)) == 4096


def test_a_mark_far_from_the_lines_start_is_not_passed_over() -> None:
    for before in (b" " * 100, b"-" * 100, b"-" * 40 + b" " * 60):
        with pytest.raises(ValueError, match="line 4: not the begin"):
            blocks(ONE + before + TWO)

"""PEM text (RFC 7468): every block of it is read, or the text is refused with the line at fault.

Text between blocks is skipped, so a block that is not recognised would be lost without a word. So a
line that only resembles the begin or the end of a block is an error.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from tunnel_gateway.plain_text import utf8

_MARK: Final = re.compile(rb"-----(BEGIN|END) ([A-Z0-9][A-Z0-9 #]*)-----")
# The words, in capitals. The text before a word is read backwards from there. A forward search
# would begin at each dash, and a file from outside may be full of dashes.
_WORD: Final = re.compile(rb"(?:BEGIN|END)\b")
# Dashes are lost in copying, and word processors make long ones of them.
_LONG_DASH: Final = re.compile(rb"\xe2\x80[\x90-\x95]")
_LONG_DASH_SIZE: Final = 3
# How far back is looked from a word.
_MOST_BEFORE: Final = 80
_SHOWN: Final = 60
# Two for each block; a nation's roots are some dozens.
_MAX_WORDS: Final = 8192


class Block(NamedTuple):
    """The content between a begin and an end; ``line`` is the line of the begin, from 1."""

    label: str
    content: bytes
    line: int


class _Mark(NamedTuple):
    begins: bool
    label: bytes
    start: int
    end: int
    line: int


def is_pem(data: bytes) -> bool:
    """Tell whether there is a PEM block in ``data``, or what looks like one that was damaged."""
    try:
        text = _normal(data)
    except ValueError:  # begins like UTF-16, but is not text
        return False
    try:
        return any(_is_at_a_line(text, start) for start in _starts(text))
    except ValueError:  # too many words like BEGIN: reading it gives the error
        return True


def blocks(data: bytes) -> list[Block]:
    """Return every block; text between them is skipped.

    Lines may be indented and end in any way, blocks may follow each other without a line end, and
    there may be a byte order mark. Raises ValueError, with the line, if a block has no begin or
    no end, has headers, or is not base64, and for more than 4096 blocks.
    """
    if not is_pem(data):
        return []
    text = _normal(data)
    read: list[Block] = []
    marks = _marks(text)
    for begin in marks:
        end = next(marks, None)
        if not begin.begins:
            raise ValueError(f"line {begin.line}: a PEM block ends that has not begun")
        if end is None or end.begins or end.label != begin.label:
            name = begin.label.decode()
            raise ValueError(
                f"line {begin.line}: the PEM block {name} is cut off, its own END is missing"
            )
        content = _content(text[begin.end : end.start], begin.line)
        read.append(Block(begin.label.decode(), content, begin.line))
    return read


def _normal(data: bytes) -> bytes:
    return utf8(data).replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _starts(text: bytes) -> Iterator[int]:
    """Yield where something begins that looks like a mark: two dashes or more, and its word.

    Raises ValueError for too many words.
    """
    done = 0
    for number, seen in enumerate(_WORD.finditer(text.upper()), 1):
        if number > _MAX_WORDS:
            raise ValueError(f"more than {_MAX_WORDS} times BEGIN or END in PEM")
        gap = text[max(done, seen.start() - _MOST_BEFORE) : seen.start()]
        dashes = _dashes(text, seen.start() - len(gap) + len(gap.rstrip(b" \t")), done)
        if len(dashes) > 1:
            start = dashes[-1]
            mark = _MARK.match(text, start)
            done = seen.end() if mark is None else mark.end()
            yield start


def _dashes(text: bytes, end: int, done: int) -> list[int]:
    """Return the positions of the dashes between ``done`` and ``end``, the last one first."""
    ends: list[int] = []
    while len(ends) < _MOST_BEFORE:
        size = 1 if text[end - 1 : end] == b"-" else _LONG_DASH_SIZE
        if end - size < done or (size > 1 and not _LONG_DASH.match(text, end - size, end)):
            break
        end -= size
        ends.append(end)
    return ends


def _is_at_a_line(text: bytes, position: int) -> bool:
    _, line_end, before = text[max(0, position - _MOST_BEFORE) : position].rpartition(b"\n")
    return not before.strip() and (bool(line_end) or position <= _MOST_BEFORE)


def _marks(text: bytes) -> Iterator[_Mark]:
    """Yield the begins and ends; they must have a line of their own, or follow each other."""
    line, counted, position = 1, 0, 0
    for start in _starts(text):
        line += text.count(b"\n", counted, start)
        counted = start
        mark = _MARK.match(text, start)
        if mark is None or not (position == start or _is_at_a_line(text, start)):
            shown = text[start : start + _SHOWN].split(b"\n")[0].decode("utf-8", "replace")
            raise ValueError(
                f"line {line}: not the begin or the end of a PEM block,"
                f" though it looks like one: {shown!r}"
            )
        position = mark.end()
        yield _Mark(mark[1] == b"BEGIN", mark[2], start, position, line)


def _content(text: bytes, line: int) -> bytes:
    if b":" in text:
        raise ValueError(
            f"line {line}: a PEM block with headers, as old programs write encrypted keys; convert"
            " it to PKCS#8: openssl pkcs8 -topk8"
        )
    try:
        return base64.b64decode(b"".join(text.split()), validate=True)
    except binascii.Error as fault:
        raise ValueError(f"line {line}: a PEM block is not base64: {fault}") from fault


def armour(label: str, content: bytes) -> bytes:
    """Write one block."""
    text = base64.b64encode(content)
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    return b"\n".join(
        [f"-----BEGIN {label}-----".encode(), *lines, f"-----END {label}-----".encode(), b""]
    )

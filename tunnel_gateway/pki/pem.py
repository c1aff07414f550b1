"""PEM text (RFC 7468): every block of it is read, or the text is refused with the line at fault.

Text between blocks is skipped, so a block that is not seen as one would be lost without a word.
What resembles the begin or the end of a block and is neither is therefore an error.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from tunnel_gateway.plain_text import utf8

_MARK: Final = re.compile(rb"-----(BEGIN|END) ([A-Z0-9][A-Z0-9 #]*)-----")
# Dashes were lost in copying, or a word processor made long ones of them.
_ALMOST_A_MARK: Final = re.compile(
    rb"(?:-|\xe2\x80[\x90-\x95]){2,}[ \t]*(?:BEGIN|END)\b[^\n]*", re.IGNORECASE
)
_AT_A_LINE: Final = re.compile(rb"^[ \t]*" + _ALMOST_A_MARK.pattern, re.MULTILINE | re.IGNORECASE)
_SHOWN: Final = 60


class Block(NamedTuple):
    """What stands between a begin and an end; ``line`` is where it begins, the first is 1."""

    label: str
    content: bytes
    line: int


class _Mark(NamedTuple):
    begins: bool
    label: bytes
    start: int
    end: int


def is_pem(data: bytes) -> bool:
    """Tell whether there is a PEM block in ``data``, or what looks like one that was damaged."""
    try:
        return _AT_A_LINE.search(_normal(data)) is not None
    except ValueError:
        return False


def blocks(data: bytes) -> list[Block]:
    """Return every block; text between them is skipped.

    Lines may be indented and end in any way, blocks may follow each other without a line end, and
    there may be a byte order mark. Raises ValueError, with the line, if a block has no begin or
    no end, has headers, or is not base64.
    """
    if not is_pem(data):
        return []
    text = _normal(data)
    found = []
    marks = _marks(text)
    for begin in marks:
        end = next(marks, None)
        line = _line(text, begin.start)
        if not begin.begins:
            raise ValueError(f"line {line}: a PEM block ends that has not begun")
        if end is None or end.begins or end.label != begin.label:
            name = begin.label.decode()
            raise ValueError(
                f"line {line}: the PEM block {name} is cut off, its own END is missing"
            )
        content = _content(text[begin.end : end.start], line)
        found.append(Block(begin.label.decode(), content, line))
    return found


def _normal(data: bytes) -> bytes:
    return utf8(data).replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _line(text: bytes, place: int) -> int:
    return text.count(b"\n", 0, place) + 1


def _marks(text: bytes) -> Iterator[_Mark]:
    """Yield the begins and ends; they must have a line of their own, or follow each other."""
    place = 0
    while (seen := _ALMOST_A_MARK.search(text, place)) is not None:
        mark = _MARK.match(text, seen.start())
        before = text[text.rfind(b"\n", 0, seen.start()) + 1 : seen.start()]
        if mark is None or (before.strip() and place != seen.start()):
            line = seen.group().split(b"\n")[0][:_SHOWN].decode("utf-8", "replace")
            raise ValueError(
                f"line {_line(text, seen.start())}: not the begin or the end of a PEM block,"
                f" though it looks like one: {line!r}"
            )
        place = mark.end()
        yield _Mark(mark[1] == b"BEGIN", mark[2], mark.start(), mark.end())


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

"""The form of the audit file: records, each chained to the one before by GOST R 34.11-94.

A record is one line of JSON in UTF-8 that begins with ``number``, counted from 1, and ``previous``,
the hash of the record before in hexadecimal (of the first: zeros)::

    hash(n) = GOST R 34.11-94 (hash(n - 1) || line n without its line end)

So a person who changes, removes, inserts or exchanges lines must write every line after them again,
and the last hash changes. There is no key. Only a hash that is kept elsewhere shows that somebody
has written the whole file again.

A crash may leave half a line at the end. Then the next record begins a new line, and has ``torn``
with the length and the hash of the half line. Any other line that is not a record is a fault. A
chain continues over several files: the first record of a file follows the last record of the file
before.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tunnel_gateway.errors import AuditChainError
from tunnel_gateway.gost.digest import DIGEST_SIZE, digest

# No record is nearly as long, so a reader does not have to keep more than this of a line.
MAX_LINE: Final = 256 * 1024
_MAX_TEXT: Final = 2048


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain: the number of its last record, and that record's hash."""

    number: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.number} {self.hash.hex()}"


START: Final = Head(0, bytes(DIGEST_SIZE))


def make_record(head: Head, facts: Mapping[str, object]) -> tuple[bytes, Head]:
    """Return the line that follows ``head``, with its line end, and the head after it.

    ``facts`` are texts (cut after 2,048 letters), numbers, truth values, and mappings of those.
    """
    record: dict[str, object] = {"number": head.number + 1, "previous": head.hash.hex()}
    text = json.dumps(
        record | {key: _short(value) for key, value in facts.items()}, ensure_ascii=False
    )
    # UTF-8 has no form for lone surrogates. They are escaped as JSON escapes them.
    line = text.encode("utf-8", "backslashreplace")
    return line + b"\n", _after(head, line)


def describe_torn(fragment: bytes) -> dict[str, object]:
    """Return the value of ``torn`` for half a line."""
    return {"bytes": len(fragment), "hash": digest(fragment).hex()}


class ChainReader:
    """Checks lines in their order, over several files.

    ``head`` is the end of the chain, and None before the first record. That record may have any
    number, because older files may be gone. ``records`` counts the records, ``torn`` the half lines
    between them, and ``begun`` the new chains that began at the beginning of a later file.
    """

    def __init__(self) -> None:
        self.head: Head | None = None
        self.records = 0
        self.torn = 0
        self.begun = 0
        self._line = 0
        self._odd: tuple[int, bytes, str] | None = None

    def begin_file(self) -> None:
        """Count the lines from 1 again."""
        self._line = 0

    def read(self, line: bytes) -> None:
        """Check the next line, which comes without its line end.

        Raises AuditChainError for a bad line. It may be the line before: the next line shows
        whether that was half a line or a fault.
        """
        self._line += 1
        try:
            record = _parse(line)
            self._check_order(record)
            self._check_torn(record)
        except ValueError as fault:
            self.end_file()
            self._odd = self._line, line, str(fault)
            return
        self.head = _after(_before(record), line)
        self.records += 1

    def end_file(self) -> None:
        """Raise AuditChainError if the last line was neither a record nor half a line."""
        if self._odd is not None:
            number, _, reason = self._odd
            raise AuditChainError(number, reason)

    def _check_order(self, record: Mapping[str, object]) -> None:
        if self.head is None:
            return
        if self._line == 1 and (record["number"], record["previous"]) == (1, START.hash.hex()):
            self.begun += 1
            return
        if record["number"] != self.head.number + 1:
            raise ValueError(
                f"record {record['number']} stands where {self.head.number + 1} should be"
            )
        if record["previous"] != self.head.hash.hex():
            raise ValueError(
                f"record {record['number']} does not follow the one before it: one of the two was"
                " changed"
            )

    def _check_torn(self, record: Mapping[str, object]) -> None:
        """Accept the odd line before if this record, which has the right number, describes it."""
        torn = record.get("torn")
        if self._odd is not None:
            if torn != describe_torn(self._odd[1]):
                self.end_file()
            self._odd = None
            self.torn += 1
        elif torn is not None:
            raise ValueError("the half line that the record describes is not there")


def _before(record: Mapping[str, Any]) -> Head:
    return Head(record["number"] - 1, bytes.fromhex(record["previous"]))


def _after(head: Head, line: bytes) -> Head:
    return Head(head.number + 1, digest(head.hash + line))


def _short(value: object) -> object:
    return value[:_MAX_TEXT] if isinstance(value, str) else value


def _parse(line: bytes) -> dict[str, Any]:
    """Return the record of a line; raises ValueError if the line is not a record."""
    if len(line) > MAX_LINE:
        raise ValueError("too long for a record")
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("not a record: not JSON") from None
    if not isinstance(record, dict) or list(record)[:2] != ["number", "previous"]:
        raise ValueError("not a record: it does not begin with number and previous")
    number, previous = record["number"], record["previous"]
    if type(number) is not int or number < 1:
        raise ValueError("not a record: number is not a positive number")
    if type(previous) is not str or len(previous) != 2 * DIGEST_SIZE:
        raise ValueError("not a record: previous is not a hash")
    if bytes.fromhex(previous).hex() != previous:
        raise ValueError("not a record: previous is not a hash in small letters")
    return record

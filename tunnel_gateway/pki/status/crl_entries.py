"""The entries of a revocation list, each read by itself, and the rest of the list without them.

Other readers refuse a whole list because of one malformed entry. All the other entries, a hundred
thousand in the list of a centre, would then not count. Here each entry is read by itself:

* it counts if its serial number can be read and a certificate here can have it: a positive number
  of at most 20 bytes. A malformed date, extension or form of the number does not change that;
* any other entry matches nobody, because no certificate with such a number is ever accepted.

Where the entries begin and end must be right, or the list is refused.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from asn1crypto import core, x509

from tunnel_gateway.pki.encoding import ber, tags
from tunnel_gateway.pki.encoding.der import MALFORMED
from tunnel_gateway.pki.status.revoked_info import RevokedInfo, reason_word

_TIMES: Final = (tags.UTC_TIME, tags.GENERALIZED_TIME)
_EXTENSIONS: Final = tags.context(0, constructed=True)
_FALSE: Final = b"\x00"
_MAX_EXTENSIONS: Final = 32
_PARTS: Final = 8

_SERIAL_SIZE: Final = 20
_POSITION_SIZE: Final = 4
_ENTRY_SIZE: Final = _SERIAL_SIZE + _POSITION_SIZE
_MATCHES_NOBODY: Final = b""
_LONG: Final = 0x80
_MAX_LENGTH_BYTES: Final = 4

# RFC 5280, 5.3.1.
_REASON_OID: Final = bytes.fromhex("551d15")


@dataclass(frozen=True, slots=True)
class Frame:
    """A CertificateList (RFC 5280, 5.1): the signed part, the entries, and the list without them.

    Some lists say of an extension that it is not critical. DER leaves this default out, and strict
    readers refuse it, so ``without_entries`` does not have it.
    """

    signed: bytes
    entries: bytes
    without_entries: bytes

    @classmethod
    def read(cls, der: bytes) -> Frame:
        """Take a list apart; raises ValueError if it is not built like one."""
        body, *rest = ber.read(der).children(_PARTS)
        kept, series, times = [], [], 0
        for part in body.children(_PARTS):
            if part.tag == tags.SEQUENCE and times:
                series.append(bytes(part.contents))
            elif part.tag == _EXTENSIONS:
                kept.append(_without_defaults(part))
            else:
                kept.append(bytes(part.whole))
            times += part.tag in _TIMES
        if len(series) > 1:
            raise ValueError("more than one series of entries")
        signed, entries = bytes(body.whole), b"".join(series)
        parts = [ber.write(tags.SEQUENCE, b"".join(kept)), *(bytes(part.whole) for part in rest)]
        return cls(signed, entries, ber.write(tags.SEQUENCE, b"".join(parts)))


def _without_defaults(extensions: ber.Element) -> bytes:
    (listed,) = extensions.children(1)
    shortened = [
        ber.write(
            extension.tag,
            b"".join(
                bytes(part.whole)
                for part in extension.children(_PARTS)
                if part.tag != tags.BOOLEAN or part.contents != _FALSE
            ),
        )
        for extension in listed.children(_MAX_EXTENSIONS)
    ]
    return ber.write(extensions.tag, ber.write(listed.tag, b"".join(shortened)))


class Entries:
    """The entries that count: serial number and position in 24 bytes each, in order.

    ``passed_over`` is the number of the other entries, which match nobody.
    """

    def __init__(self, entries: bytes) -> None:
        """Raises ValueError if the end of an entry is not clear."""
        self._entries = entries
        index_entries = list(_index_entries(entries))
        self.passed_over = index_entries.count(_MATCHES_NOBODY)
        self._index = b"".join(sorted(index_entries))

    def __len__(self) -> int:
        return len(self._index) // _ENTRY_SIZE

    def __getitem__(self, number: int) -> bytes:
        return self._index[number * _ENTRY_SIZE : (number + 1) * _ENTRY_SIZE]

    def find(self, serial: int) -> RevokedInfo | None:
        """Return the revocation of a serial number, None if it is not revoked."""
        wanted = serial.to_bytes(_SERIAL_SIZE, "big")
        number = bisect_left(self, wanted)
        entry = self[number] if number < len(self) else b""
        return self._at(entry) if entry.startswith(wanted) else None

    def each(self) -> Iterator[tuple[int, RevokedInfo]]:
        """Yield every serial number and its revocation."""
        for number in range(len(self)):
            entry = self[number]
            yield int.from_bytes(entry[:_SERIAL_SIZE], "big"), self._at(entry)

    def _at(self, entry: bytes) -> RevokedInfo:
        position = int.from_bytes(entry[_SERIAL_SIZE:], "big")
        start, end = _bounds(self._entries, position)
        try:
            whole = ber.write(tags.SEQUENCE, self._entries[start:end])
            parts = ber.read(whole).children(_PARTS)
        except ValueError:  # its serial number is known, so it is a revocation all the same
            return RevokedInfo(None, None)
        return RevokedInfo(_since(parts), _reason(parts))


def _index_entries(entries: bytes) -> Iterator[bytes]:
    """Yield number and position of each entry that counts, and _MATCHES_NOBODY for the others."""
    at, size = 0, len(entries)
    while at < size:
        start, end = _bounds(entries, at)
        entry = _MATCHES_NOBODY
        # A number of more than 127 bytes has a longer length, and matches nobody.
        if end - start > 2 and entries[start] == tags.INTEGER and entries[start + 1] < _LONG:
            last = start + 2 + entries[start + 1]
            number = entries[start + 2 : last].lstrip(b"\x00")
            if last <= end and 0 < len(number) <= _SERIAL_SIZE and entries[start + 2] < _LONG:
                entry = number.rjust(_SERIAL_SIZE, b"\x00") + at.to_bytes(_POSITION_SIZE, "big")
        yield entry
        at = end


def _bounds(entries: bytes, at: int) -> tuple[int, int]:
    """Return where the contents of the entry at a position start and end."""
    header = entries[at : at + 2 + _MAX_LENGTH_BYTES]
    if len(header) < 2 or header[0] != tags.SEQUENCE:
        raise ValueError("a value among the entries that is not an entry")
    start, length = at + 2, header[1]
    if length >= _LONG:
        count = length - _LONG
        if not 0 < count <= _MAX_LENGTH_BYTES:
            raise ValueError("an entry of an unknown length")
        length = int.from_bytes(header[2 : 2 + count], "big")
        start += count
    if start + length > len(entries):
        raise ValueError("an entry that breaks off")
    return start, start + length


def _since(parts: list[ber.Element]) -> datetime | None:
    try:
        moment = x509.Time.load(bytes(parts[1].whole), strict=True).native
        return moment.astimezone(UTC) if isinstance(moment, datetime) and moment.tzinfo else None
    except (*MALFORMED, IndexError):
        return None


def _reason(parts: list[ber.Element]) -> str | None:
    try:
        for extension in parts[2].children(_MAX_EXTENSIONS):
            identifier, *_, value = extension.children(_PARTS)
            if identifier.contents == _REASON_OID:
                number = core.Integer(contents=bytes(ber.read(value.octets()).contents)).native
                return reason_word(number)
    except (*MALFORMED, IndexError):
        pass
    return None

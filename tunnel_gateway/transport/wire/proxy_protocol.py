"""The PROXY protocol: the header by which a balancer says whose connection it passes on.

Both versions of https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt, read and written,
without a socket: version 1 is one line of text (section 2.1), version 2 is binary (2.2). The caller
decides from which addresses it accepts a header, because the sender can write any address into it.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from tunnel_gateway.errors import ProtocolViolationError
from tunnel_gateway.gost.crc32c import crc32c

V1_SIGNATURE: Final = b"PROXY "
V2_SIGNATURE: Final = b"\r\n\r\n\0\r\nQUIT\n"
MAX_LINE: Final = 107  # a line of version 1, with its end
MAX_BLOCK: Final = 4096  # what may follow the fixed part of version 2; our own limit
UNIQUE_ID_LIMIT: Final = 128

_FIXED: Final = struct.Struct("!12sBBH")
_VERSION: Final = 2
_CRC_SIZE: Final = 4
_ADDRESSES: Final = {
    0x11: struct.Struct("!4s4sHH"),  # TCP over IPv4
    0x21: struct.Struct("!16s16sHH"),  # TCP over IPv6
}
# The families whose addresses are of no use here: unspecified, UDP, both kinds of Unix sockets.
_OTHER_FAMILIES: Final = {0x00: 0, 0x12: 12, 0x22: 36, 0x31: 216, 0x32: 216}
_PORT = re.compile(r"0|[1-9][0-9]{0,4}", re.ASCII)

Address = tuple[str, int]
IpAddress = IPv4Address | IPv6Address


class Command(IntEnum):
    """The kind of connection that a header of version 2 belongs to."""

    LOCAL = 0  # the sender's own connection: a health check
    PROXY = 1


class Tlv(IntEnum):
    """The additions to a header of version 2 that are known here."""

    AUTHORITY = 0x02
    CRC32C = 0x03
    UNIQUE_ID = 0x05


@dataclass(frozen=True, slots=True)
class Header:
    """The contents of a header: the client's address and the address that it connected to.

    The header has neither if the connection is the sender's own, or of a kind without TCP
    addresses; then the addresses of the socket count. An IPv4 address that came as IPv6 is given as
    IPv4. ``tlvs`` are the additions except the checksum, in order, as type and value.
    """

    source: Address | None = None
    destination: Address | None = None
    tlvs: tuple[tuple[int, bytes], ...] = ()

    def serialize_v1(self) -> bytes:
        """Return the line of version 1, which has no place for ``tlvs``."""
        ends = self._ends()
        if ends is None:
            return b"PROXY UNKNOWN\r\n"
        (source, source_port), (target, target_port) = ends
        line = f"PROXY TCP{source.version} {source} {target} {source_port} {target_port}\r\n"
        return line.encode("ascii")

    def serialize_v2(self) -> bytes:
        """Return the header of version 2, with a checksum."""
        ends = self._ends()
        command, family, block = Command.LOCAL, 0x00, b""
        if ends is not None:
            (source, source_port), (target, target_port) = ends
            command, family = Command.PROXY, 0x11 if source.version == 4 else 0x21
            block = _ADDRESSES[family].pack(source.packed, target.packed, source_port, target_port)
        # The checksum goes first, so that what damages another addition cannot hide it.
        tlvs = ((Tlv.CRC32C, bytes(_CRC_SIZE)), *self.tlvs)
        crc_at = _FIXED.size + len(block) + 3
        block += b"".join(struct.pack("!BH", kind, len(value)) + value for kind, value in tlvs)
        start = _FIXED.pack(V2_SIGNATURE, _VERSION << 4 | command, family, len(block))
        header = bytearray(start + block)
        struct.pack_into("!I", header, crc_at, crc32c(header))
        return bytes(header)

    def _ends(self) -> tuple[tuple[IpAddress, int], tuple[IpAddress, int]] | None:
        if self.source is None or self.destination is None:
            return None
        source, target = ip_address(self.source[0]), ip_address(self.destination[0])
        if source.version != target.version:
            source, target = _as_ipv6(source), _as_ipv6(target)
        return (source, self.source[1]), (target, self.destination[1])


class HeaderReader:
    """Reads a header that comes in pieces, split in any way.

    ``rest`` are the bytes after the header. The reader keeps at most the longest header, and raises
    as soon as the bytes cannot begin a header.
    """

    def __init__(self) -> None:
        self.rest = b""
        self._received = bytearray()

    def receive_data(self, data: bytes) -> Header | None:
        """Return the header when it is complete; raises ProtocolViolationError for other bytes."""
        self._received += data
        size = self._size()
        if size is None or len(self._received) < size:
            return None
        whole = bytes(self._received[:size])
        self.rest = bytes(self._received[size:])
        self._received.clear()
        return _parse_v1(whole) if whole.startswith(V1_SIGNATURE) else _parse_v2(whole)

    def _size(self) -> int | None:
        """Return the size of the header, None while it is not known."""
        if _begins(self._received, V1_SIGNATURE):
            end = self._received.find(b"\n", 0, MAX_LINE)
            if end < 0 and len(self._received) >= MAX_LINE:
                raise ProtocolViolationError(f"a PROXY line of more than {MAX_LINE} bytes")
            return end + 1 if end >= 0 else None
        if not _begins(self._received, V2_SIGNATURE):
            raise ProtocolViolationError("no PROXY protocol header")
        if len(self._received) < _FIXED.size:
            return None
        *_, size = _FIXED.unpack_from(self._received)
        if size > MAX_BLOCK:
            raise ProtocolViolationError(f"a PROXY header of {size} bytes, more than {MAX_BLOCK}")
        return _FIXED.size + int(size)


def _begins(data: bytes | bytearray, signature: bytes) -> bool:
    return signature.startswith(data[: len(signature)])


# --- version 1 -----------------------------------------------------------------------------


def _parse_v1(line: bytes) -> Header:
    try:
        text = line.decode("ascii")
    except UnicodeDecodeError:
        raise ProtocolViolationError("a PROXY line that is not ASCII") from None
    if not text.endswith("\r\n") or text.count("\r") > 1:
        raise ProtocolViolationError("a PROXY line that does not end with CR LF")
    protocol, *parts = text[:-2].split(" ")[1:]
    if protocol == "UNKNOWN":
        return Header()  # section 2.1: the rest of the line is to be ignored
    if protocol not in ("TCP4", "TCP6") or len(parts) != 4:
        raise ProtocolViolationError("a PROXY line without a protocol, two addresses and two ports")
    version = int(protocol[-1])
    source, target = (_address(part, version) for part in parts[:2])
    source_port, target_port = map(_port, parts[2:])
    return Header((source, source_port), (target, target_port))


def _address(text: str, version: int) -> str:
    try:
        address = ip_address(text)
    except ValueError:
        address = None
    if address is None or address.version != version or "%" in text:
        raise ProtocolViolationError(f"{text!r} in a PROXY line is not an IPv{version} address")
    return _text(address)


def _port(text: str) -> int:
    if not _PORT.fullmatch(text) or int(text) > 0xFFFF:
        raise ProtocolViolationError(f"{text!r} in a PROXY line is not a port")
    return int(text)


# --- version 2 -----------------------------------------------------------------------------


def _parse_v2(header: bytes) -> Header:
    _, version_and_command, family, _ = _FIXED.unpack_from(header)
    version, number = version_and_command >> 4, version_and_command & 0x0F
    if version != _VERSION or number not in set(Command):
        raise ProtocolViolationError(
            f"a PROXY header of version {version}, command {number}: neither is known"
        )
    start = _FIXED.size
    source: Address | None = None
    target: Address | None = None
    size = _addresses_size(family)
    if number == Command.LOCAL and len(header) == start:
        size = 0  # the family does not matter then
    if len(header) < start + size:
        raise ProtocolViolationError(f"a PROXY header too short for the family 0x{family:02x}")
    if number == Command.PROXY and family in _ADDRESSES:
        *hosts, source_port, target_port = _ADDRESSES[family].unpack_from(header, start)
        source_host, target_host = (_text(ip_address(host)) for host in hosts)
        source, target = (source_host, source_port), (target_host, target_port)
    return Header(source, target, tuple(_checked_tlvs(header, start + size)))


def _addresses_size(family: int) -> int:
    if family in _ADDRESSES:
        return _ADDRESSES[family].size
    if family in _OTHER_FAMILIES:
        return _OTHER_FAMILIES[family]
    raise ProtocolViolationError(f"a PROXY header of the unknown family 0x{family:02x}")


def _checked_tlvs(header: bytes, start: int) -> Iterator[tuple[int, bytes]]:
    """Give the additions but the checksum, which is verified when there is one."""
    checked = False
    for kind, at, size in _tlvs(header, start):
        if kind == Tlv.CRC32C:
            if checked or size != _CRC_SIZE:
                raise ProtocolViolationError("a PROXY header with a malformed checksum")
            checked = True
            _check_crc(header, at)
            continue
        if kind == Tlv.UNIQUE_ID and size > UNIQUE_ID_LIMIT:
            raise ProtocolViolationError(f"a PROXY header with an identifier of {size} bytes")
        yield kind, header[at : at + size]


def _tlvs(header: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """Give type, position and size of each addition."""
    while at < len(header):
        if len(header) - at < 3:
            raise ProtocolViolationError("a PROXY header with a piece of an addition at its end")
        kind, size = struct.unpack_from("!BH", header, at)
        at += 3
        if size > len(header) - at:
            raise ProtocolViolationError("a PROXY header with an addition longer than itself")
        yield kind, at, size
        at += size


def _check_crc(header: bytes, at: int) -> None:
    given = int.from_bytes(header[at : at + _CRC_SIZE], "big")
    if crc32c(header[:at] + bytes(_CRC_SIZE) + header[at + _CRC_SIZE :]) != given:
        raise ProtocolViolationError("a PROXY header whose checksum is wrong")


def _text(address: IpAddress) -> str:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def _as_ipv6(address: IpAddress) -> IPv6Address:
    if isinstance(address, IPv6Address):
        return address
    return IPv6Address(b"\0" * 10 + b"\xff\xff" + address.packed)

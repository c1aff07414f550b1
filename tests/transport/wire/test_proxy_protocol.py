"""Headers of the PROXY protocol, whole and in pieces, right and wrong."""

from __future__ import annotations

import struct
from ipaddress import IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunnel_gateway.errors import ProtocolViolationError
from tunnel_gateway.transport.wire.proxy_protocol import (
    MAX_BLOCK,
    MAX_LINE,
    Header,
    HeaderReader,
    Tlv,
)

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
IPV4 = Header(("192.168.0.1", 56324), ("192.168.0.11", 443))
IPV6 = Header(("2001:db8::1", 1), ("2001:db8::b", 65535))
PORTS = struct.pack("!HH", 56324, 443)
ENDS4 = bytes((192, 168, 0, 1, 192, 168, 0, 11)) + PORTS


def read(data: bytes) -> tuple[Header | None, bytes]:
    reader = HeaderReader()
    return reader.receive_data(data), reader.rest


def drip(data: bytes) -> tuple[Header | None, bytes]:
    """Read it byte by byte; the header comes with the last of its bytes."""
    reader = HeaderReader()
    found = None
    for byte in data:
        assert found is None
        found = reader.receive_data(bytes((byte,)))
    return found, reader.rest


def v2(command: int = 0x21, family: int = 0x11, block: bytes = ENDS4) -> bytes:
    return SIGNATURE + struct.pack("!BBH", command, family, len(block)) + block


def tlv(kind: int, value: bytes) -> bytes:
    return struct.pack("!BH", kind, len(value)) + value


# --- what is right -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "header"),
    [
        # The first is the specification's own example.
        (b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n", IPV4),
        (b"PROXY TCP6 2001:db8::1 2001:DB8:0::b 1 65535\r\n", IPV6),
        (b"PROXY TCP6 ::ffff:192.168.0.1 ::ffff:192.168.0.11 56324 443\r\n", IPV4),
        (b"PROXY UNKNOWN\r\n", Header()),
        (b"PROXY UNKNOWN ff:ff::1 whatever 65536\r\n", Header()),
        (b"PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n",
         Header(("0.0.0.0", 0), ("255.255.255.255", 65535))),  # noqa: S104
        (v2(), IPV4),
        (v2(family=0x21, block=bytes.fromhex("20010db8" + "0" * 23 + "1")
            + bytes.fromhex("20010db8" + "0" * 23 + "b") + struct.pack("!HH", 1, 65535)), IPV6),
        (v2(family=0x21, block=bytes.fromhex("0" * 20 + "ffffc0a80001" + "0" * 20 + "ffffc0a8000b")
            + PORTS), IPV4),
        (v2(0x20, 0x00, b""), Header()),
        (v2(0x20, 0x11, b""), Header()),
        (v2(0x20, 0x11), Header()),
        (v2(0x21, 0x00, b""), Header()),
        (v2(0x21, 0x12), Header()),
        (v2(0x21, 0x31, bytes(216)), Header()),
        (v2(block=ENDS4 + tlv(4, bytes(9)) + tlv(0xE0, b"own")),
         Header(IPV4.source, IPV4.destination, ((4, bytes(9)), (0xE0, b"own")))),
        (v2(0x20, 0x00, tlv(5, b"a")), Header(tlvs=((5, b"a"),))),
    ],
)  # fmt: skip
def test_a_header_is_read(data: bytes, header: Header) -> None:
    assert read(data) == (header, b"")
    assert read(data + b"\x01\x00rest") == (header, b"\x01\x00rest")
    assert drip(data) == (header, b"")


def test_the_longest_line() -> None:
    address = b"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
    longest = b"PROXY UNKNOWN " + address + b" " + address + b" 65535 65535\r\n"
    assert len(longest) == MAX_LINE
    assert read(longest) == (Header(), b"")


def test_what_haproxy_sends() -> None:
    # HAProxy 2.6 with send-proxy-v2 and proxy-v2-options crc32c,unique-id: a health check, and a
    # connection whose client has sent an x.
    check = SIGNATURE + bytes.fromhex("20000007030004a9b87e8f")
    assert read(check) == (Header(), b"")
    assert Header().serialize_v2() == check
    connection = SIGNATURE + bytes.fromhex(
        "211100237f0000017f000001a2a28ccf030004ec4d019105000d37463030303030313a4132413278"
    )
    ends = ("127.0.0.1", 41634), ("127.0.0.1", 36047)
    header = Header(*ends, ((Tlv.UNIQUE_ID, b"7F000001:A2A2"),))
    assert read(connection) == (header, b"x")
    assert header.serialize_v2() == connection[:-1]


# --- what is wrong -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\x01", "no PROXY protocol header"),
        (b"GET / HTTP/1.1\r\n\r\n", "no PROXY"),
        (b"PROXZ", "no PROXY"),
        (b"proxy", "no PROXY"),
        (b"\r\n\r\n\0\r\nQUIX", "no PROXY"),
        (b"PROXY \r\n", "without a protocol"),
        (b"PROXY TCP4\r\n", "without a protocol"),
        (b"PROXY TCP4 1.1.1.1 2.2.2.2 1\r\n", "two addresses and two ports"),
        (b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2 3\r\n", "two addresses and two ports"),
        (b"PROXY TCP4  1.1.1.1 2.2.2.2 1 2\r\n", "two addresses and two ports"),
        (b"PROXY UDP4 1.1.1.1 2.2.2.2 1 2\r\n", "without a protocol"),
        (b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\n", "CR LF"),
        (b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\r\n", "CR LF"),
        (b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2 \r\n", "two addresses and two ports"),
        (b"PROXY TCP4 1.1.1.1 2.2.2.2 1 65536\r\n", "'65536' in a PROXY line is not a port"),
        (b"PROXY TCP4 1.1.1.1 2.2.2.2 01 2\r\n", "not a port"),
        (b"PROXY TCP4 1.1.1.1 2.2.2.2 -1 2\r\n", "not a port"),
        (b"PROXY TCP4 1.1.1.1 2.2.2.2 + 2\r\n", "not a port"),
        (b"PROXY TCP4 1.1.1.256 2.2.2.2 1 2\r\n", "not an IPv4 address"),
        (b"PROXY TCP4 1.1.1.01 2.2.2.2 1 2\r\n", "not an IPv4 address"),
        (b"PROXY TCP4 ::1 ::2 1 2\r\n", "not an IPv4 address"),
        (b"PROXY TCP6 1.1.1.1 2.2.2.2 1 2\r\n", "not an IPv6 address"),
        (b"PROXY TCP6 fe80::1%eth0 fe80::2 1 2\r\n", "not an IPv6 address"),
        (b"PROXY TCP4 1.1.1.1 api.example 1 2\r\n", "not an IPv4 address"),
        (b"PROXY TCP4 \xd9\xa1.1.1.1 2.2.2.2 1 2\r\n", "not ASCII"),
        (b"PROXY UNKNOWN".ljust(MAX_LINE, b" "), "more than 107 bytes"),
        (b"PROXY UNKNOWN".ljust(MAX_LINE - 1, b" ") + b"\r\n", "more than 107 bytes"),
        (v2(0x11), "version 1, command 1"),
        (v2(0x31), "version 3, command 1"),
        (v2(0x22), "version 2, command 2"),
        (v2(0x2F), "version 2, command 15"),
        (v2(family=0x10), "unknown family 0x10"),
        (v2(family=0x13), "unknown family 0x13"),
        (v2(family=0x41), "unknown family 0x41"),
        (v2(0x20, family=0xFF), "unknown family 0xff"),
        (v2(block=ENDS4[:-1]), "too short for the family 0x11"),
        (v2(0x20, block=ENDS4[:-1]), "too short"),
        (v2(family=0x21), "too short for the family 0x21"),
        (v2(family=0x31, block=bytes(215)), "too short"),
        (v2(block=ENDS4 + b"\x04"), "a piece of an addition"),
        (v2(block=ENDS4 + b"\x04\x00"), "a piece of an addition"),
        (v2(block=ENDS4 + b"\x04\x00\x01"), "an addition longer than itself"),
        (v2(block=ENDS4 + b"\x04\xff\xff" + bytes(99)), "an addition longer than itself"),
        (v2(block=ENDS4 + tlv(3, b"abc")), "a malformed checksum"),
        (v2(block=ENDS4 + tlv(3, bytes(5))), "a malformed checksum"),
        (v2(block=ENDS4 + tlv(3, bytes(4))), "checksum is wrong"),
        (v2(block=ENDS4 + tlv(5, bytes(129))), "an identifier of 129 bytes"),
        (v2(block=bytes(MAX_BLOCK + 1))[:16], "of 4097 bytes, more than 4096"),
        (v2(block=b"")[:14] + b"\xff\xff", "of 65535 bytes"),
    ],
)
def test_a_header_is_refused(data: bytes, text: str) -> None:
    with pytest.raises(ProtocolViolationError, match=text):
        read(data)
    with pytest.raises(ProtocolViolationError, match=text):
        drip(data)


def test_two_checksums() -> None:
    once = IPV4.serialize_v2()
    block = once[16:] + once[28:35]
    with pytest.raises(ProtocolViolationError, match="checksum"):
        read(v2(block=block))


# --- by generation -------------------------------------------------------------------------

PORT = st.integers(0, 65535)
ADDRESS4 = st.tuples(st.ip_addresses(v=4).map(str), PORT)
ADDRESS6 = st.tuples(
    st.ip_addresses(v=6).map(str).filter(lambda one: IPv6Address(one).ipv4_mapped is None), PORT
)
ADDRESS = ADDRESS4 | ADDRESS6
TLVS = st.lists(
    st.tuples(st.integers(0, 255).filter(lambda kind: kind != Tlv.CRC32C), st.binary(max_size=128)),
    max_size=6,
).map(tuple)
HEADERS = st.builds(Header, ADDRESS, ADDRESS, TLVS) | st.builds(Header, tlvs=TLVS)


@given(header=HEADERS, rest=st.binary(max_size=40))
def test_what_is_written_is_read(header: Header, rest: bytes) -> None:
    assert read(header.serialize_v2() + rest) == (header, rest)
    line = header.serialize_v1()
    assert len(line) <= MAX_LINE
    assert read(line + rest) == (Header(header.source, header.destination), rest)


@given(header=HEADERS, rest=st.binary(max_size=40), data=st.data())
def test_any_split(header: Header, rest: bytes, data: st.DataObject) -> None:
    wire = data.draw(st.sampled_from([header.serialize_v1(), header.serialize_v2()])) + rest
    places = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=5)))
    reader = HeaderReader()
    found = None
    came_after = b""
    for start, end in zip([0, *places], [*places, len(wire)], strict=True):
        if found is None:
            found = reader.receive_data(wire[start:end])
        else:
            came_after += wire[start:end]
    assert (found, reader.rest + came_after) == (read(wire)[0], rest)


@given(header=HEADERS, data=st.data())
def test_any_damage_shows(header: Header, data: st.DataObject) -> None:
    wire = bytearray(header.serialize_v2())
    place = data.draw(st.integers(0, len(wire) - 1))
    wire[place] ^= data.draw(st.integers(1, 255))
    kind_of_checksum = 16 + (0 if header.source is None else 12 if _both_ipv4(header) else 36)
    try:
        found, _ = read(bytes(wire))
    except ProtocolViolationError:
        return
    # What is longer by now waits for more. Where the addition that has the checksum is another
    # by now, or lies among the addresses, there is none.
    assert found is None or place in (13, kind_of_checksum)


def _both_ipv4(header: Header) -> bool:
    return header.source is not None and not any(
        ":" in end[0] for end in (header.source, header.destination) if end
    )


@given(wire=st.binary(max_size=300), version=st.sampled_from([b"", b"PROXY ", SIGNATURE, v2()]))
def test_nothing_else_is_raised(wire: bytes, version: bytes) -> None:
    try:
        header, rest = read(version + wire)
    except ProtocolViolationError:
        return
    assert header is None or (version + wire).endswith(rest)

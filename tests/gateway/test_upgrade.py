from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from typing import TYPE_CHECKING, cast
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunnel_gateway.errors import NotPermittedError, NotWebSocketError
from tunnel_gateway.gateway.upgrade import (
    UpgradeReader,
    UpgradeRequest,
    check_origin,
    encode_value,
    forwarded_request,
    identity_headers,
    switched_protocols,
)

if TYPE_CHECKING:
    from tunnel_gateway.pki.validation import VerifiedPeer

# The example of RFC 6455, section 1.3, as Firefox would send it.
LINES = (
    "GET /chat?room=1 HTTP/1.1",
    "Host: 127.0.0.1:49152",
    "User-Agent: Mozilla/5.0",
    "Origin: https://example.uz",
    "Cookie: session=secret",
    "Connection: keep-alive, Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Extensions: permessage-deflate",
    "Sec-WebSocket-Protocol: chat, superchat",
)


def head(*lines: str) -> bytes:
    return ("\r\n".join(lines) + "\r\n\r\n").encode("iso-8859-1")


def with_lines(*more: str) -> bytes:
    return head(*LINES, *more)


def with_line(name: str, line: str | None) -> bytes:
    """The example with the line of header ``name`` replaced, or left out."""
    lines = [line if known.startswith(f"{name}:") else known for known in LINES]
    assert lines != list(LINES)
    return head(*(known for known in lines if known is not None))


def read(data: bytes) -> UpgradeRequest:
    request = UpgradeReader().receive_data(data)
    assert request is not None
    return request


def read_byte_by_byte(data: bytes) -> UpgradeRequest | None:
    reader, request = UpgradeReader(), None
    for i in range(len(data)):
        assert request is None, "a request before the last byte"
        request = reader.receive_data(data[i : i + 1])
    return request


def test_a_browsers_request_is_read() -> None:
    request = read(head(*LINES))
    assert request.target == "/chat?room=1"
    assert request.host == "127.0.0.1:49152"
    assert request.origin == "https://example.uz"
    assert [f"{name}: {value}" for name, value in request.headers] == list(LINES[1:])


def test_early_frames_are_left_over() -> None:
    reader = UpgradeReader()
    assert reader.receive_data(head(*LINES) + b"\x81\x80frame\r\n\r\n") is not None
    assert reader.rest == b"\x81\x80frame\r\n\r\n"


@given(st.lists(st.integers(0, 400), max_size=12), st.binary(max_size=8))
def test_any_split_of_the_bytes_gives_the_same_request(cuts: list[int], rest: bytes) -> None:
    data = head(*LINES) + rest
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    reader, seen = UpgradeReader(), None
    for start, end in pairwise(edges):
        if seen is not None:
            assert reader.rest == data[len(head(*LINES)) : start]
            break
        seen = reader.receive_data(data[start:end])
    assert seen == read(head(*LINES))


def test_byte_by_byte_nothing_comes_before_the_last_byte() -> None:
    data = head(*LINES)
    assert read_byte_by_byte(data[:-1]) is None
    assert read_byte_by_byte(data) == read(data)


REFUSED = {
    "another method": head("POST / HTTP/1.1", *LINES[1:]),
    "a TLS hello": b"\x16\x03\x01\x02\x00",
    "an empty line first": b"\r\n" + head(*LINES),
    "an absolute target": head("GET http://example.uz/ HTTP/1.1", *LINES[1:]),
    "a fragment": head("GET /a#b HTTP/1.1", *LINES[1:]),
    "CR in the target": head("GET /a\rb HTTP/1.1", *LINES[1:]),
    "NUL in the target": head("GET /a\0b HTTP/1.1", *LINES[1:]),
    "a letter outside ASCII in the target": head("GET /\xe9 HTTP/1.1", *LINES[1:]),
    "a space in the target": head("GET /a b HTTP/1.1", *LINES[1:]),
    "HTTP/1.0": head("GET / HTTP/1.0", *LINES[1:]),
    "HTTP/2.0": head("GET / HTTP/2.0", *LINES[1:]),
    "no version": head("GET /", *LINES[1:]),
    "bare LF": head(*LINES).replace(b"\r\n", b"\n"),
    "one bare LF": head(*LINES).replace(b"\r\nUpgrade", b"\nUpgrade"),
    "bare CR in a value": with_lines("X-A: b\rX-EIMZO-CN: admin"),
    "NUL in a value": with_lines("X-A: \0"),
    "a folded line": with_lines("X-A: b", " c"),
    "a space before the colon": with_lines("X-EIMZO-CN : admin"),
    "no name": with_lines(": admin"),
    "no colon": with_lines("admin"),
    "no Host": with_line("Host", None),
    "two Hosts": with_lines("host: other.uz"),
    "an empty Host": with_line("Host", "Host:"),
    "a Host with a path": with_line("Host", "Host: example.uz/x"),
    "no Upgrade": with_line("Upgrade", None),
    "another Upgrade": with_line("Upgrade", "Upgrade: h2c"),
    "a choice of upgrades": with_line("Upgrade", "Upgrade: websocket, h2c"),
    "no Connection": with_line("Connection", None),
    "Connection without Upgrade": with_line("Connection", "Connection: keep-alive"),
    "Connection that is no list": with_line("Connection", "Connection: Upgrade;"),
    "Connection that drops the identity": with_lines("Connection: Upgrade, X-EIMZO-INN"),
    "no key": with_line("Sec-WebSocket-Key", None),
    "two keys": with_lines(LINES[7]),
    "a key that is not base64": with_line("Sec-WebSocket-Key", "Sec-WebSocket-Key: !"),
    "a short key": with_line("Sec-WebSocket-Key", "Sec-WebSocket-Key: AAAA"),
    "no version of WebSocket": with_line("Sec-WebSocket-Version", None),
    "an old version of WebSocket": with_line("Sec-WebSocket-Version", "Sec-WebSocket-Version: 8"),
    "a body": with_lines("Content-Length: 5"),
    "two lengths": with_lines("Content-Length: 0", "Content-Length: 5"),
    "a disguised length": with_lines("Content_Length: 5"),
    "a transfer coding": with_lines("Transfer-Encoding: chunked"),
    "a disguised transfer coding": with_lines("Transfer.Encoding: chunked"),
    "two Origins": with_lines("Origin: https://other.uz"),
    "too many headers": with_lines(*(f"X-{i}: 1" for i in range(128))),
    "a long line": with_lines("X-A: " + "a" * 8192),
    "too many bytes": with_lines(*(f"X-{i}: {'a' * 4096}" for i in range(4))),
}


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED.keys())
def test_everything_else_is_refused_whole_and_byte_by_byte(data: bytes) -> None:
    with pytest.raises(NotWebSocketError):
        UpgradeReader().receive_data(data)
    with pytest.raises(NotWebSocketError):
        read_byte_by_byte(data)


@pytest.mark.parametrize("length", ["Content-Length: 0", "content-length: 0"])
def test_a_length_of_zero_is_no_body(length: str) -> None:
    assert read(with_lines(length)).headers[-1][1] == "0"


def test_the_limit_counts_the_head_and_not_what_follows() -> None:
    data = head(*LINES)
    assert UpgradeReader(max_size=len(data)).receive_data(data + bytes(9999)) is not None
    with pytest.raises(NotWebSocketError, match="longer than"):
        UpgradeReader(max_size=len(data) - 1).receive_data(data)
    with pytest.raises(NotWebSocketError, match="longer than"):
        UpgradeReader(max_size=10).receive_data(data[:11])


@pytest.mark.parametrize("data", [head(*LINES), b"POST"])
def test_a_reader_reads_one_request(data: bytes) -> None:
    reader = UpgradeReader()
    try:
        reader.receive_data(data)
    except NotWebSocketError:
        assert data == b"POST"
    with pytest.raises(RuntimeError):
        reader.receive_data(b"GET ")


def test_a_refusal_does_not_tell_the_cookie() -> None:
    with pytest.raises(NotWebSocketError) as caught:
        read(with_line("Cookie", "Cookie: secret\0"))
    assert str(caught.value) == "malformed request: invalid HTTP header value"
    assert caught.value.__cause__ is None


@given(st.binary(max_size=300))
def test_any_bytes_give_a_request_or_a_refusal(data: bytes) -> None:
    for start in (b"", b"GET / HTTP/1.1\r\n", head(*LINES)[:-2]):
        with suppress(NotWebSocketError):
            UpgradeReader().receive_data(start + data)


def origin(value: str | None) -> UpgradeRequest:
    return replace(read(head(*LINES)), origin=value)


@pytest.mark.parametrize(
    "value",
    [
        None,
        "https://example.uz",
        "http://example.uz",
        "https://example.uz:8443",
        "HTTPS://Example.UZ",
        "https://example.uz.",
        "https://example.uz.:444",
    ],
)
@pytest.mark.parametrize("domain", ["example.uz", "Example.uz."])
def test_pages_of_the_domain_may_enter(value: str | None, domain: str) -> None:
    check_origin(origin(value), domain)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "null",
        "https://",
        "example.uz",
        "https://other.uz",
        "https://www.example.uz",
        "https://example.uz.other.uz",
        "https://exampleXuz",
        "https://example.uz/",
        "ftp://example.uz",
        "https://example.uz@other.uz",
        "https://user@example.uz",
        "https://example.uz:",
        "https://example.uz:123456",
        "https://example.uz:x",
        "https://example.uz https://example.uz",
        "https://example.uz\n",
        "https://example.uz..",
        "file://example.uz",
        "http\u017f://example.uz",
    ],
)
def test_pages_of_other_places_may_not(value: str) -> None:
    with pytest.raises(NotPermittedError, match="origin") as caught:
        check_origin(origin(value), "example.uz")
    assert str(caught.value).isprintable()


@dataclass(frozen=True)
class Leaf:
    """The fields of a Certificate that the headers are made of."""

    serial: int = 0x218711A92
    subject: str = "CN=SOBIROV ALISHER,UID=200,1.2.860.3.16.1.2=30000000000000"
    issuer: str = "CN=Test markazi,O=Yangi Texnologiyalar"
    common_name: str | None = "SOBIROV ALISHER"
    pinfl: str | None = "30000000000000"
    inn: str | None = "200000000"
    not_after: datetime = datetime(2027, 8, 1, 12, 30, 5, 999, tzinfo=UTC)


@dataclass(frozen=True)
class Peer:
    leaf: Leaf


def identity(leaf: Leaf) -> list[tuple[str, str]]:
    # Only path validation can make a VerifiedPeer, and no field but the leaf is read here.
    return identity_headers(cast("VerifiedPeer", Peer(leaf)), bytes(range(16)))


def test_the_identity_headers_of_a_user() -> None:
    assert identity(Leaf()) == [
        ("X-EIMZO-Tunnel-Id", "000102030405060708090a0b0c0d0e0f"),
        ("X-EIMZO-Serial", "218711a92"),
        ("X-EIMZO-Subject", "CN=SOBIROV ALISHER,UID=200,1.2.860.3.16.1.2=30000000000000"),
        ("X-EIMZO-CN", "SOBIROV ALISHER"),
        ("X-EIMZO-PINFL", "30000000000000"),
        ("X-EIMZO-INN", "200000000"),
        ("X-EIMZO-Valid-To", "2027-08-01T12:30:05Z"),
        ("X-EIMZO-Issuer", "CN=Test markazi,O=Yangi Texnologiyalar"),
    ]


def test_what_the_certificate_lacks_is_left_out() -> None:
    names = [name for name, _ in identity(Leaf(common_name=None, pinfl=None, inn=None))]
    assert names == [
        f"X-EIMZO-{name}" for name in ("Tunnel-Id", "Serial", "Subject", "Valid-To", "Issuer")
    ]


def test_the_end_of_validity_is_told_in_utc() -> None:
    tashkent = timezone(timedelta(hours=5))
    headers = dict(identity(Leaf(not_after=datetime(2027, 1, 1, 2, tzinfo=tashkent))))
    assert headers["X-EIMZO-Valid-To"] == "2026-12-31T21:00:00Z"


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        ("G‘ULOMOV O‘TKIR", "G%E2%80%98ULOMOV O%E2%80%98TKIR"),
        ("Ўткир", "%D0%8E%D1%82%D0%BA%D0%B8%D1%80"),
        ("100%", "100%25"),
        ("a\r\nX-EIMZO-CN: admin\0\x7f", "a%0D%0AX-EIMZO-CN: admin%00%7F"),
        (" a b  ", "%20a b%20%20"),
        ("  ", "%20%20"),
        ("", ""),
        ("\ud800", "?"),
    ],
)
def test_values_are_printable_ascii(text: str, encoded: str) -> None:
    assert encode_value(text) == encoded


@given(st.text())
def test_any_name_comes_back_and_injects_nothing(text: str) -> None:
    assert unquote(encode_value(text)) == text
    request = read(head(*LINES))
    data = forwarded_request(request, identity(Leaf(subject=text or "x")), "192.0.2.1")
    assert data.count(b"\r\n") == len(LINES) + 8 + 1 + 1
    assert dict(read(data).headers)["X-EIMZO-Subject"] == encode_value(text or "x")


def test_the_forwarded_request_is_the_browsers_with_ours_at_the_end() -> None:
    data = forwarded_request(read(head(*LINES)), [("X-EIMZO-CN", "A")], "192.0.2.1")
    assert data == head(*LINES, "X-EIMZO-CN: A", "X-Forwarded-For: 192.0.2.1")


@pytest.mark.parametrize(
    "line",
    [
        "X-EIMZO-CN: admin",
        "x-eimzo-pinfl: 1",
        "X_EIMZO_CN: admin",
        "X-Eimzo_CN: admin",
        "X.EIMZO.CN: admin",
        "X-EIMZO-New: 1",
        "X-Forwarded-For: 10.0.0.1",
        "x_forwarded_for: 1",
        "X-Forwarded-Host: a",
        "Forwarded: for=10.0.0.1",
        "X-Real-IP: 10.0.0.1",
        "X_Real_IP: 1",
    ],
)
def test_nobody_else_may_say_who_the_user_is(line: str) -> None:
    data = forwarded_request(read(with_lines(line, line)), [], "192.0.2.1")
    assert data == head(*LINES, "X-Forwarded-For: 192.0.2.1")


@pytest.mark.parametrize(
    "line", ["X-EIMZOTE: 1", "X-Forwarder: 1", "X-A:", "X-B: caf\xe9", "X-C: a\tb"]
)
def test_other_headers_are_kept(line: str) -> None:
    data = forwarded_request(read(with_lines(line)), [], "192.0.2.1")
    name, _, value = line.partition(":")
    assert f"\r\n{name}: {value.strip()}\r\n".encode("iso-8859-1") in data


@given(st.text(), st.text())
def test_no_value_of_the_gateways_own_breaks_the_head(value: str, address: str) -> None:
    request = read(head(*LINES))
    try:
        data = forwarded_request(request, [("X-EIMZO-CN", value)], address)
    except ValueError:
        assert any(not char.isprintable() or ord(char) > 255 for char in value + address)
    else:
        assert data.count(b"\r\n") == data.count(b"\n") == data.count(b"\r") == len(LINES) + 3


@pytest.mark.parametrize(
    ("answer", "switched"),
    [
        (b"", None),
        (b"HTTP/1.1 10", None),
        (b"HTTP/1.1 101", None),
        (b"HTTP/1.1 101 ", True),
        (b"HTTP/1.1 101\r\n", True),
        (b"HTTP/1.1 101 Switching Protocols\r\n", True),
        (b"HTTP/1.1 1011", False),
        (b"HTTP/1.1 1010 \r\n", False),
        (b"HTTP/1.1 20", False),
        (b"HTTP/1.1 200 OK\r\n", False),
        (b"HTTP/1.0 101 ", False),
        (b"SSH-2.0", False),
    ],
)
def test_only_101_opens_the_way(answer: bytes, switched: bool | None) -> None:
    assert switched_protocols(answer) is switched

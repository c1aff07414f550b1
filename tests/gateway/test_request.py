"""The rule for origins, and the request that the destination reads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, cast
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.upgrade import LINES, head, read, with_line, with_lines
from tunnel_gateway.errors import NotPermittedError
from tunnel_gateway.gateway.request import (
    check_origin,
    encode_value,
    forwarded_request,
    identity_headers,
    left_out,
)
from tunnel_gateway.transport.wire.upgrade import UpgradeRequest

if TYPE_CHECKING:
    from tunnel_gateway.pki.certificates.certificate import Certificate
    from tunnel_gateway.pki.trust.validation import VerifiedPeer


HOST = "example.uz"
# The example as the application reads it.
PASSED = tuple(
    {
        "Host: 127.0.0.1:49152": f"Host: {HOST}",
        "Connection: keep-alive, Upgrade": "Connection: Upgrade",
    }.get(line, line)
    for line in LINES
)


def origin(value: str | None) -> UpgradeRequest:
    return replace(read(head(*LINES)), origin=value)


@pytest.mark.parametrize(
    "value",
    [
        None,
        "https://example.uz",
        "https://example.uz:8443",
        "HTTPS://Example.UZ",
        "https://example.uz.",
        "https://example.uz.:444",
    ],
)
@pytest.mark.parametrize("domain", ["example.uz", "Example.uz."])
def test_pages_of_the_domain_may_enter(value: str | None, domain: str) -> None:
    check_origin(origin(value), domain, http_pages=False)


def test_a_plain_http_page_is_anybodys_on_the_way() -> None:
    plain = origin("http://example.uz")
    check_origin(plain, "example.uz", http_pages=True)
    with pytest.raises(NotPermittedError, match="serve it by https") as caught:
        check_origin(plain, "example.uz", http_pages=False)
    assert caught.value.rule == "tunnel.http.pages"
    for own in ("localhost", "demo.localhost"):
        check_origin(origin(f"http://{own}:3000"), own, http_pages=False)


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
        check_origin(origin(value), "example.uz", http_pages=True)
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


@pytest.mark.parametrize(
    "change",
    [
        *({"pinfl": "3000000000000"}, {"pinfl": "300000000000000"}, {"pinfl": "3000000000000a"}),
        *({"pinfl": " 30000000000000"}, {"pinfl": "30000000000000 "}, {"pinfl": ""}),
        *({"pinfl": "3000000000000\u0661"}, {"pinfl": "\uff13" * 14}, {"pinfl": "\u00b3" * 14}),
        *(
            {"inn": "20000000"},
            {"inn": "2000000000"},
            {"inn": "+20000000"},
            {"inn": "20000000\u0661"},
        ),
    ],
)
def test_what_is_no_number_is_not_told_as_one(change: dict[str, str]) -> None:
    """An application may read digits of other scripts, or strip, and see somebody else."""
    (kind,) = change
    leaf = replace(Leaf(), **change)  # type: ignore[arg-type]
    header = f"X-EIMZO-{kind.upper()}"
    assert header not in dict(identity(leaf))
    assert [name for name, _ in left_out(cast("Certificate", leaf))] == [header]


def test_no_number_at_all_is_nothing_to_tell_of() -> None:
    assert left_out(cast("Certificate", Leaf(pinfl=None, inn=None))) == []
    assert left_out(cast("Certificate", Leaf())) == []


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
    data = forwarded_request(request, HOST, identity(Leaf(subject=text or "x")), "192.0.2.1")
    assert data.count(b"\r\n") == len(LINES) + 8 + 1 + 1
    assert dict(read(data).headers)["X-EIMZO-Subject"] == encode_value(text or "x")


def test_the_forwarded_request_is_the_browsers_with_ours_at_the_end() -> None:
    data = forwarded_request(read(head(*LINES)), HOST, [("X-EIMZO-CN", "A")], "192.0.2.1")
    assert data == head(*PASSED, "X-EIMZO-CN: A", "X-Forwarded-For: 192.0.2.1")


@pytest.mark.parametrize("host", ["ichki.uz", "10.0.0.5:8080", "[::1]:8080"])
def test_the_client_does_not_choose_the_site(host: str) -> None:
    """Several sites may share the destination's address: the configuration chooses one."""
    data = forwarded_request(read(with_line("Host", "Host: boshqa.uz")), host, [], "192.0.2.1")
    assert [line for line in data.split(b"\r\n") if b"ost:" in line] == [f"Host: {host}".encode()]


@pytest.mark.parametrize(
    "line",
    [
        "X-EIMZO-CN: admin",
        "x-eimzo-pinfl: 1",
        "X_EIMZO_CN: admin",
        "X-Eimzo_CN: admin",
        "X.EIMZO.CN: admin",
        "X-Forwarded-For: 10.0.0.1",
        "True-Client-IP: 1",
        "Remote-User: admin",
        "X-Original-URL: /admin",
        "Expect: 100-continue",
        "Content-Length: 0",
        "Proxy: http://10.0.0.1/",
        "Keep-Alive: timeout=5",
        "Sec_WebSocket_Key: 1",
        "Host_: a",
    ],
)
def test_what_the_application_would_believe_is_left_out(line: str) -> None:
    """headers.py has the whole table."""
    data = forwarded_request(read(with_lines(line, line)), HOST, [], "192.0.2.1")
    assert data == head(*PASSED, "X-Forwarded-For: 192.0.2.1")


def test_the_connections_own_headers_are_those_of_an_upgrade() -> None:
    lines = with_lines("Connection: upgrade", "connection: Keep-Alive")
    data = forwarded_request(read(lines), HOST, [], "192.0.2.1")
    assert data == head(*PASSED, "X-Forwarded-For: 192.0.2.1")


@pytest.mark.parametrize("line", ["X-A:", "X-B: caf\xe9", "X-C: a\tb"])
def test_other_headers_are_kept(line: str) -> None:
    data = forwarded_request(read(with_lines(line)), HOST, [], "192.0.2.1")
    name, _, value = line.partition(":")
    assert f"\r\n{name}: {value.strip()}\r\n".encode("iso-8859-1") in data


@given(st.text(), st.text())
def test_no_value_of_the_gateways_own_breaks_the_head(value: str, address: str) -> None:
    request = read(head(*LINES))
    try:
        data = forwarded_request(request, HOST, [("X-EIMZO-CN", value)], address)
    except ValueError:
        assert any(not char.isprintable() or ord(char) > 255 for char in value + address)
    else:
        assert data.count(b"\r\n") == data.count(b"\n") == data.count(b"\r") == len(LINES) + 3

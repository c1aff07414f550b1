"""Origins, and which of them nobody on the way can have."""

from __future__ import annotations

import pytest

from tunnel_gateway.transport.wire.origin import PageOrigin, parse_origin


@pytest.mark.parametrize(
    ("text", "scheme", "host"),
    [
        ("https://example.uz", "https", "example.uz"),
        ("HTTP://Example.UZ:8080", "http", "example.uz"),
        ("https://example.uz.:444", "https", "example.uz"),
        ("http://[::1]:80", "http", "[::1]"),
    ],
)
def test_pages(text: str, scheme: str, host: str) -> None:
    assert parse_origin(text) == PageOrigin(scheme, host, dotted=".:" in text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "null", "https://", "https://.", "example.uz", "https://example.uz/"),
        *("ftp://example.uz", "https://user@example.uz", "https://example.uz:", "http\u017f://a"),
        *("https://example.uz:123456", "https://a\n", "https://a https://a", "file://a"),
        "https://" + "a" * 300,
    ],
)
def test_no_page(text: str) -> None:
    assert parse_origin(text) is None


@pytest.mark.parametrize(
    "origin",
    [
        "https://example.uz",
        "https://10.0.0.1",
        "http://localhost",
        "http://demo.localhost:3000",
        "http://127.0.0.1",
        "http://127.8.9.10:80",
        "http://[::1]:1",
    ],
)
def test_nobody_on_the_way_can_be_this_page(origin: str) -> None:
    found = parse_origin(origin)
    assert found is not None
    assert found.trustworthy


@pytest.mark.parametrize(
    "host",
    [
        *("example.uz", "10.0.0.1", "localhost.uz", "notlocalhost", "127.0.0.1.uz", "127.uz"),
        *("localhost.", "demo.localhost.", "[::2]", "[::ffff:127.0.0.1]", "0.0.0.0", "128.0.0.1"),  # noqa: S104
    ],
)
def test_a_plain_http_page_of_elsewhere_is_anybodys(host: str) -> None:
    found = parse_origin(f"http://{host}")
    assert found is not None
    assert not found.trustworthy

"""The headers that tell which page calls."""

from __future__ import annotations

import pytest

from tunnel_gateway.agent.api.origins import caller_of, is_local
from tunnel_gateway.agent.calls import Caller


@pytest.mark.parametrize(
    ("origin", "domain"),
    [
        ("https://example.uz", "example.uz"),
        ("http://example.uz:8080", "example.uz"),
        ("https://example.uz.", "example.uz"),
        ("http://localhost:3000", "localhost"),
        ("http://127.0.0.1", "127.0.0.1"),
        ("http://[::1]:80", "[::1]"),
        ("https://xn--e1afmkfd.uz", "xn--e1afmkfd.uz"),
    ],
)
def test_pages(origin: str, domain: str) -> None:
    trustworthy = origin != "http://example.uz:8080"
    assert caller_of([origin]) == Caller(origin, domain, trustworthy=trustworthy)


@pytest.mark.parametrize(
    "origins",
    [
        [],
        [""],
        ["null"],
        ["file://"],
        ["https://"],
        ["https://."],
        ["example.uz"],
        ["https://example.uz/"],
        ["HTTPS://example.uz"],
        ["https://Example.uz"],
        ["https://example.uz:"],
        ["https://example.uz:123456"],
        ["https://user@example.uz"],
        ["https://example.uz\n"],
        ["https://ўзбек.uz"],
        ["chrome-extension://abc"],
        ["https://example.uz", "https://example.uz"],
        ["https://" + "a" * 300],
    ],
)
def test_nobody(origins: list[str]) -> None:
    assert caller_of(origins) is None


def test_this_machine() -> None:
    for host in ("127.0.0.1", "localhost:64646", "LocalHost"):
        assert is_local([host])
    for hosts in ([], ["localhost", "localhost"], ["localhost."], ["127.0.0.2"], ["[::1]"], ["a"]):
        assert not is_local(hosts)

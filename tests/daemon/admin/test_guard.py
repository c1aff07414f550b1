"""The Host header, form by form; tests/scenarios/test_admin.py has the guard on real sockets."""

from __future__ import annotations

import pytest

from tunnel_gateway.daemon.admin.guard import _is_local


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:1", "localhost", "LOCALHOST:9843", "[::1]", "[::1]:9843"]
)
def test_the_loopback_by_its_own_names(host: str) -> None:
    assert _is_local([host])


@pytest.mark.parametrize(
    "host",
    [
        "",
        ":",
        ":9843",
        "evil.example",
        "evil.example:9843",
        "localhost.evil.example",
        "127.0.0.1.nip.example",
        "127.0.0.2",
        "::1",
        "[::2]",
        "127.0.0.1:evil",
        "127.0.0.1:",
        "127.0.0.1:١",
        "user@127.0.0.1",
        "127.0.0.1,evil.example",
        "localhost ",
    ],
)
def test_any_other_name(host: str) -> None:
    assert not _is_local([host])


def test_none_and_several() -> None:
    assert not _is_local([])
    assert not _is_local(["127.0.0.1", "127.0.0.1"])

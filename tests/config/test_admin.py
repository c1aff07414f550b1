"""Where operators ask: the loopback and Unix sockets, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunnel_gateway.config.admin import ADMIN, AdminAddress, addresses_of, clash
from tunnel_gateway.errors import FileError

BASE = Path("/")


def read(text: str) -> object:
    return ADMIN.read(text, BASE)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:9843", AdminAddress(host="127.0.0.1", port=9843)),
        ("[::1]:1", AdminAddress(host="::1", port=1)),
        ("unix:/run/a b.sock", AdminAddress(path=Path("/run/a b.sock"))),
    ],
)
def test_an_address(text: str, address: AdminAddress) -> None:
    assert read(text) == (text,)
    assert addresses_of((text,), {}) == (address,)
    assert str(address) == text


def test_several() -> None:
    texts = ("unix:/a", "127.0.0.1:1", "127.0.0.1:2", "[::1]:1")
    assert read(" , ".join(texts)) == texts


@pytest.mark.parametrize(
    "text",
    [
        "0.0.0.0:9843",
        "[::]:9843",
        "192.168.1.11:9843",
        "10.0.0.1:9843",
        "127.0.0.2:9843",
        "localhost:9843",
        "::1:9843",
        "9843",
        ":9843",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:0",
        "127.0.0.1:65536",
        "127.0.0.1:+1",
        "127.0.0.1:١",
        "unix:",
        "unix:admin.sock",
        "unix:../admin.sock",
        "unix:/" + 90 * "a",
        "unix:/a\nb",
        "unix:@abstract",
        "http://127.0.0.1:1",
        "127.0.0.1:1,",
        "127.0.0.1:1,127.0.0.1:1",
        "127.0.0.1:1,127.0.0.1:2,127.0.0.1:3,127.0.0.1:4,127.0.0.1:5",
        "{instance}",
    ],
)
def test_what_is_no_address_of_operators(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (the reader of the file adds the text)
        read(text)


@pytest.mark.parametrize(
    ("texts", "listen", "said"),
    [
        ("127.0.0.1:8843", ("127.0.0.1", 8843), "where tunnels come to"),
        ("unix:/a,127.0.0.1:8843", ("0.0.0.0", 8843), "where tunnels come to"),  # noqa: S104
        ("[::1]:8843", ("::", 8843), "where tunnels come to"),
        ("127.0.0.1:8843", ("::", 8843), "where tunnels come to"),
        ("127.0.0.1:8843", ("10.0.0.1", 8843), None),
        ("[::1]:8843", ("0.0.0.0", 8843), None),  # noqa: S104
        ("127.0.0.1:8844", ("127.0.0.1", 8843), None),
        ("unix:/a/b,unix:/a/./b", ("127.0.0.1", 8843), "the same socket"),
        ("unix:/a/{instance},unix:/a//{instance}", ("127.0.0.1", 8843), "the same socket"),
        ("unix:/log/audit-{instance}", ("127.0.0.1", 8843), "tunnel.audit.file"),
    ],
)
def test_places_that_something_else_takes(
    texts: str, listen: tuple[str, int], said: str | None
) -> None:
    found = clash(tuple(texts.split(",")), *listen, Path("/log/./audit-{instance}"))
    assert (found is None) if said is None else (found is not None and said in found)


def test_instances() -> None:
    texts = ("unix:/run/admin{instance}.sock", "127.0.0.1:984{instance}")
    assert read(",".join(texts)) == texts
    assert [str(one) for one in addresses_of(texts, {"TUNNEL_GATEWAY_INSTANCE": "3"})] == [
        "unix:/run/admin3.sock",
        "127.0.0.1:9843",
    ]
    assert str(addresses_of(texts, {})[0]) == "unix:/run/admin.sock"


@pytest.mark.parametrize("name", ["../x", "a/b", 65 * "a", "a b"])
def test_an_instance_is_no_path(name: str) -> None:
    with pytest.raises(FileError, match="TUNNEL_GATEWAY_INSTANCE"):
        addresses_of(("unix:/run/admin{instance}.sock",), {"TUNNEL_GATEWAY_INSTANCE": name})


def test_an_instance_that_makes_no_address() -> None:
    with pytest.raises(FileError, match=r"'127\.0\.0\.1:984api' is not an address"):
        addresses_of(("127.0.0.1:984{instance}",), {"TUNNEL_GATEWAY_INSTANCE": "api"})

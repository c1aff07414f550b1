"""What the values of a configuration look like."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from tunnel_gateway.config.values import (
    ALLOWANCES,
    NETWORKS,
    REDIS,
    SECRET,
    URL,
    Entry,
    Kind,
    host,
)
from tunnel_gateway.errors import Fault

FILE = Path("/etc/gateway/config.properties")
HOST = Kind("a host name or an IP address, without http:// and without a port", host)


@pytest.mark.parametrize(
    "value",
    [
        "192.168.1.11",
        "::1",
        "localhost",
        "api",
        "api.example.uz",
        "api_1.example.uz.",
        "a-b.uz",
        "1.uz",
    ],
)
def test_hosts(value: str) -> None:
    assert HOST.read(value, FILE.parent) == value


@pytest.mark.parametrize(
    "value",
    [
        "http://192.168.1.11",
        "192.168.1.300",
        "192.168.1.11:80",
        "a b",
        "-a.uz",
        "a..uz",
        ".uz",
        "a" * 64,
        "[::1]",
        "api.o‘z",
        "10",
    ],
)
def test_what_is_no_host(value: str) -> None:
    faults: list[Fault] = []
    assert Entry(FILE, 8, "tunnel.destination.0.host", value).read(HOST, faults) is None
    (fault,) = faults
    assert str(fault) == (
        f"{FILE}:8: tunnel.destination.0.host: expected a host name or an IP address, without"
        f" http:// and without a port, got '{value}'"
    )


def test_networks() -> None:
    text = "192.0.2.1 ,10.0.0.0/8,2001:db8::/32, ::1"
    assert NETWORKS.read(text, FILE.parent) == tuple(
        map(ip_network, ("192.0.2.1/32", "10.0.0.0/8", "2001:db8::/32", "::1/128"))
    )


@pytest.mark.parametrize(
    "value",
    [
        "",
        "10.0.0.1,",
        "10.0.0.1/8",
        "10.0.0.0/33",
        "balancer.example.uz",
        "10.0.0.1:8843",
        "0.0.0.0/0",
        "10.0.0.0/8,::/0",
        "0xa000001",
    ],
)
def test_what_are_no_networks(value: str) -> None:
    faults: list[Fault] = []
    assert Entry(FILE, 8, "tunnel.proxy.from", value).read(NETWORKS, faults) is None
    (fault,) = faults
    assert str(fault) == (
        f"{FILE}:8: tunnel.proxy.from: expected addresses or networks with commas between, like"
        f" 10.0.0.5, 10.0.1.0/24, 2001:db8::/64, and not all there are, got '{value}'"
    )


def test_a_long_value_is_cut() -> None:
    faults: list[Fault] = []
    Entry(FILE, 8, "key", "-" * 1000).read(HOST, faults)
    assert len(str(faults[0])) < 250


def test_no_password_is_quoted() -> None:
    """A password of any kind is one, so that there is no fault that could show it."""
    faults: list[Fault] = []
    assert Entry(FILE, 8, "key", "\udc80").read(SECRET, faults) == b"\xed\xb2\x80"
    assert not faults


@pytest.mark.parametrize(
    ("value", "networks"),
    [
        ("127.0.0.0/8 free", {"127.0.0.0/8": 0}),
        ("192.0.2.7 50, 10.0.0.0/8  FREE ,", {"192.0.2.7/32": 50, "10.0.0.0/8": 0}),
        ("::1 free,2001:db8::/32 2", {"::/64": 0, "2001:db8::/32": 2}),
    ],
)
def test_allowances(value: str, networks: dict[str, int]) -> None:
    faults: list[Fault] = []
    found = Entry(FILE, 8, "key", value).read(ALLOWANCES, faults)
    assert {str(one.network): one.factor for one in found} == networks


@pytest.mark.parametrize(
    "value",
    [
        *("", ",", "free", "10.0.0.0/8", "10.0.0.1/8 free", "10.0.0.0/8 0", "10.0.0.0/8 -1"),
        *("10.0.0.0/8 1.5", "10.0.0.0/8 x50", "10.0.0.0/8 100001", "10.0.0.0/8 5 6"),
        *("::ffff:10.0.0.1 free", "example.uz free", ", ".join(["10.0.0.1 2"] * 101)),
    ],
)
def test_what_is_no_allowance(value: str) -> None:
    faults: list[Fault] = []
    assert Entry(FILE, 8, "key", value).read(ALLOWANCES, faults) is None
    assert len(faults) == 1


@pytest.mark.parametrize(
    "value",
    [
        "redis://192.0.2.1",
        "redis://192.0.2.1:6379/",
        "rediss://gateway@redis.example.uz:6380/12",
        "redis://[2001:db8::1]:6379/0",
        "unix:///run/redis/redis.sock",
        "unix:///run/redis/redis.sock?db=3",
    ],
)
def test_addresses_of_redis(value: str) -> None:
    assert REDIS.read(value, FILE.parent) == value


@pytest.mark.parametrize(
    "value",
    [
        "192.0.2.1:6379",
        "http://192.0.2.1",
        "redis://",
        "redis:///0",
        "redis://192.0.2.1:0",
        "redis://192.0.2.1:70000",
        "redis://192.0.2.1/name",
        "redis://192.0.2.1/0?ssl_cert_reqs=none",
        "redis://:hushhush@192.0.2.1",
        "redis://gateway:hushhush@192.0.2.1",
        "redis://192.0.2.1/0#hushhush",
        "unix://run/redis.sock",
        "unix:///run/redis.sock?db=0&password=hushhush",
        "redis://192.0.2.1\x00",
    ],
)
def test_what_is_no_address_of_redis_and_may_hold_its_password(value: str) -> None:
    faults: list[Fault] = []
    assert Entry(FILE, 8, "tunnel.fleet.redis", value).read(REDIS, faults) is None
    (fault,) = faults
    assert "without the password" in fault.message
    assert "hushhush" not in fault.message


@pytest.mark.parametrize(
    "value",
    [
        "http://e-imzo.uz/cams/tst",
        "https://192.0.2.1:8443/tsa?a=b",
        "http://[2001:db8::1]:8080",
    ],
)
def test_addresses_on_the_web(value: str) -> None:
    assert URL.read(value, FILE.parent) == value


@pytest.mark.parametrize(
    "value",
    [
        "e-imzo.uz/cams/tst",
        "ftp://e-imzo.uz",
        "http://",
        "http://e-imzo.uz:0",
        "http://e-imzo.uz:70000",
        "http://user:hushhush@e-imzo.uz",
        "http://e-imzo.uz/#hushhush",
        "http://e-imzo.uz/a b",
        "http://e-imzo.uz/\r\nHost: evil",
        "http://имзо.uz",
    ],
)
def test_what_is_no_address_on_the_web_and_may_hold_a_password(value: str) -> None:
    faults: list[Fault] = []
    assert Entry(FILE, 8, "tsp.url", value).read(URL, faults) is None
    (fault,) = faults
    assert "hushhush" not in fault.message

"""Source addresses: what one is, what it may, and that strangers cannot make us remember more."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from ipaddress import IPv4Address, IPv4Network, IPv6Network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.held import holding
from tunnel_gateway.config.values import Allowance
from tunnel_gateway.errors import RateLimitedError, TooManyTunnelsError
from tunnel_gateway.limit_keys import Limit
from tunnel_gateway.limits.sources import (
    HANDSHAKE_TIME,
    SourceLimits,
    Sources,
    source_of,
)
from tunnel_gateway.transport.wire.rates import Rate

ALLOWANCES = (
    Allowance(IPv4Network("127.0.0.0/8"), 0),
    Allowance(IPv4Network("10.0.0.0/8"), 2),
    Allowance(IPv4Network("10.0.0.7/32"), 1),
    Allowance(IPv6Network("2001:db8::/32"), 3),
    Allowance(IPv6Network("2001:db9:0:5::/64"), 0),
)
NONE = SourceLimits(None, 0, 0)


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("host", "source"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", "unknown"),
    ],
)
def test_what_a_source_is(host: str, source: str) -> None:
    assert source_of(host) == source


@settings(deadline=None)
@given(st.ip_addresses(v=6), st.integers(0, 2**64 - 1))
def test_no_other_address_of_a_network_is_another_source(address: object, other: int) -> None:
    high = int(address) >> 64 << 64  # type: ignore[call-overload]
    if high:  # else it may be an IPv4 address
        assert source_of(str(address)) == source_of(str(type(address)(high + other)))  # type: ignore[call-arg]


@settings(deadline=None)
@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_the_same_in_both_forms(address: IPv4Address) -> None:
    assert source_of(f"::ffff:{address}") == source_of(str(address)) == str(address)


@pytest.mark.parametrize(
    ("host", "tunnels"),
    [
        ("192.0.2.1", 5),
        ("127.9.9.9", 0),
        ("10.1.1.1", 10),
        ("10.0.0.7", 5),
        ("::ffff:10.1.1.1", 10),
        ("2001:db8:1:2::5", 15),
        ("2001:db9:0:5::5", 0),
        ("2001:db9:0:6::5", 5),
        ("unknown", 5),
    ],
)
def test_the_smallest_network_decides(host: str, tunnels: int) -> None:
    limits = SourceLimits(Rate(1, 2), 4, 5, ALLOWANCES).of(source_of(host))
    assert limits.tunnels == tunnels
    assert limits.handshakes == tunnels * 4 // 5
    assert limits.rate == (Rate(tunnels / 5, tunnels * 2 / 5) if tunnels else None)


def test_a_rate() -> None:
    clock = Clock()
    sources = Sources(SourceLimits(Rate(2, 3), 0, 0), clock)

    def begins(source: str) -> bool:
        try:
            with holding(sources.tunnel, source):
                return True
        except RateLimitedError:
            return False

    assert [begins("a") for _ in range(4)] == [True, True, True, False]
    assert begins("b")
    with pytest.raises(RateLimitedError, match=r"^a begins more than 2") as caught:
        ExitStack().enter_context(holding(sources.tunnel, "a"))
    assert caught.value.limit is Limit.SOURCE_RATE
    clock.now += 1
    assert [begins("a") for _ in range(3)] == [True, True, False]


def test_tunnels() -> None:
    sources = Sources(SourceLimits(None, 0, 2), Clock())
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(holding(sources.tunnel, "a"))
        with pytest.raises(TooManyTunnelsError, match=r"^a has 2 tunnels") as caught:
            stack.enter_context(holding(sources.tunnel, "a"))
        assert caught.value.limit is Limit.SOURCE_TUNNELS
        stack.enter_context(holding(sources.tunnel, "b"))
    with holding(sources.tunnel, "a"):
        pass


def test_handshakes_in_progress() -> None:
    sources = Sources(SourceLimits(None, 1, 0), Clock())
    with holding(sources.tunnel, "a"), holding(sources.handshake, "a"):
        with pytest.raises(RateLimitedError, match=r"^a has 1 handshakes") as caught:
            ExitStack().enter_context(holding(sources.handshake, "a"))
        assert caught.value.limit is Limit.SOURCE_HANDSHAKES
    with holding(sources.tunnel, "a"), holding(sources.handshake, "a"):
        pass


def test_a_refused_one_is_told_so_often() -> None:
    clock = Clock()
    sources = Sources(NONE, clock)
    assert [sources.tells("a") for _ in range(12)] == [True] * 10 + [False] * 2
    assert sources.tells("b")
    clock.now += 1
    assert [sources.tells("a") for _ in range(2)] == [True, False]


def test_and_all_of_them_together() -> None:
    sources = Sources(NONE, Clock())
    assert sum(sources.tells(str(number)) for number in range(5000)) == 1000


def test_a_free_source_is_told_as_often_as_all() -> None:
    sources = Sources(SourceLimits(None, 0, 0, ALLOWANCES), Clock())
    assert sum(sources.tells("127.0.0.1") for _ in range(5000)) == 1000


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["tunnel", "tells", "end"]), st.integers(0, 60))))
def test_what_is_remembered_is_bounded(steps: list[tuple[str, int]]) -> None:
    sources = Sources(SourceLimits(Rate(1, 1), 0, 0), Clock(), remembered=5)
    open_ones: list[ExitStack] = []
    for step, number in steps:
        if step == "tunnel":
            stack = ExitStack()
            with suppress(RateLimitedError):
                stack.enter_context(holding(sources.tunnel, str(number)))
                open_ones.append(stack)
        elif step == "tells":
            sources.tells(str(number))
        elif open_ones:
            open_ones.pop(number % len(open_ones)).close()
        assert len(sources) <= len(open_ones) + 5
    for stack in open_ones:
        stack.close()
    assert len(sources) <= 5


def test_who_holds_a_tunnel_is_not_forgotten() -> None:
    sources = Sources(SourceLimits(None, 0, 1), Clock(), remembered=5)
    with holding(sources.tunnel, "a"):
        for number in range(100):
            sources.tells(str(number))
        with pytest.raises(TooManyTunnelsError):
            ExitStack().enter_context(holding(sources.tunnel, "a"))


def test_a_dear_handshake_is_charged_for_its_time() -> None:
    clock = Clock()
    sources = Sources(SourceLimits(Rate(20, 200), 0, 0), clock)
    with holding(sources.tunnel, "a"):
        sources.charge("a", 41 * HANDSHAKE_TIME)  # one of them was taken when it began
    for _ in range(159):
        with holding(sources.tunnel, "a"):
            sources.charge("a", HANDSHAKE_TIME)  # what a handshake may take: no more to pay
    with pytest.raises(RateLimitedError), holding(sources.tunnel, "a"):
        pytest.fail("he has no more")
    with holding(sources.tunnel, "b"):  # another has his own
        pass
    clock.now += 1 / 20
    with holding(sources.tunnel, "a"):
        pass


def test_who_owes_more_than_his_burst_waits_until_it_is_paid() -> None:
    clock = Clock()
    sources = Sources(SourceLimits(Rate(10, 10), 0, 0), clock)
    with holding(sources.tunnel, "a"):
        sources.charge("a", 30 * HANDSHAKE_TIME)
    for clock.now in (0.0, 1.0, 2.0):
        with pytest.raises(RateLimitedError), holding(sources.tunnel, "a"):
            pytest.fail("he owes 30 and has a burst of 10")
    clock.now = 2.1
    with holding(sources.tunnel, "a"):
        pass


def test_without_a_rate_nobody_is_charged() -> None:
    sources = Sources(NONE, Clock())
    sources.charge("a", 1000.0)
    assert len(sources) == 0

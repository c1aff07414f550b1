from __future__ import annotations

from tunnel_gateway.rest.source_buckets import SourceBuckets
from tunnel_gateway.transport.wire.rates import Rate

RATE = Rate(1, 3)
SOURCE = "198.51.100.7"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_each_source_has_its_own_bucket() -> None:
    clock = Clock()
    buckets = SourceBuckets(clock)
    assert [buckets.take(SOURCE, RATE) for _ in range(4)] == [True, True, True, False]
    assert buckets.take("198.51.100.8", RATE)
    clock.now += 1
    assert buckets.take(SOURCE, RATE)
    assert not buckets.take(SOURCE, RATE)


def test_a_network_of_a_subscriber_is_one_source() -> None:
    buckets = SourceBuckets(Clock())
    for number in range(3):
        assert buckets.take(f"2001:db8::{number}", RATE)
    assert not buckets.take("2001:db8::3", RATE)
    assert not buckets.take("2001:db8::/64", RATE)
    assert buckets.take("2001:db8:0:1::3", RATE)
    assert len(buckets) == 2


def test_a_look_takes_nothing_and_remembers_nobody() -> None:
    buckets = SourceBuckets(Clock())
    assert buckets.has(SOURCE, RATE)
    assert len(buckets) == 0
    for _ in range(3):
        assert buckets.has(SOURCE, RATE)
        assert buckets.take(SOURCE, RATE)
    assert not buckets.has(SOURCE, RATE)


def test_who_owes_waits_longer() -> None:
    clock = Clock()
    buckets = SourceBuckets(clock)
    buckets.charge(SOURCE, RATE, 100)
    assert len(buckets) == 0
    assert buckets.take(SOURCE, RATE)
    buckets.charge(SOURCE, RATE, 9)
    clock.now += 7.5
    assert not buckets.take(SOURCE, RATE)
    clock.now += 1
    assert buckets.take(SOURCE, RATE)


def test_the_quietest_source_is_forgotten_first() -> None:
    buckets = SourceBuckets(Clock(), remembered=2)
    one = Rate(1, 1)
    assert buckets.take("192.0.2.1", one)
    assert buckets.take("192.0.2.2", one)
    assert not buckets.take("192.0.2.1", one)
    assert buckets.take("192.0.2.3", one)
    assert len(buckets) == 2
    assert buckets.has("192.0.2.2", one)
    assert not buckets.has("192.0.2.1", one)

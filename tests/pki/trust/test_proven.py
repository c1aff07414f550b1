"""The bounded cache."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from tunnel_gateway.pki.trust.proven import ProvenCache, key_of


def test_it_finds_what_was_added_and_forgets_what_was_discarded() -> None:
    cache: ProvenCache[str] = ProvenCache(2)
    assert cache.find(b"a") is None
    cache.add(b"a", "one")
    cache.add(b"a", "two")
    assert cache.find(b"a") == "two"
    cache.discard(b"a")
    cache.discard(b"a")
    assert cache.find(b"a") is None


@given(st.integers(0, 4), st.lists(st.tuples(st.booleans(), st.binary(min_size=1, max_size=1))))
def test_the_least_recently_used_is_forgotten(size: int, steps: list[tuple[bool, bytes]]) -> None:
    cache: ProvenCache[bytes] = ProvenCache(size)
    used: list[bytes] = []  # the oracle: most recently used last
    for adding, key in steps:
        if adding:
            cache.add(key, key)
        else:
            assert cache.find(key) == (key if key in used else None)
        if adding or key in used:
            used = [one for one in used if one != key] + [key]
        used = used[len(used) - size :] if len(used) > size else used
        assert len(cache) == len(used) <= size


def test_threads() -> None:
    cache: ProvenCache[bytes] = ProvenCache(8)
    start = threading.Barrier(4)

    def work(seed: int) -> None:
        start.wait(timeout=30)
        for turn in range(2000):
            key = bytes([(seed * 7 + turn) % 16])
            cache.add(key, key)
            assert cache.find(key) in {key, None}
            cache.discard(bytes([turn % 16]))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert len(cache) <= 8


@given(st.lists(st.binary()), st.lists(st.binary()))
def test_keys_are_of_the_parts_and_not_of_their_bytes(one: list[bytes], two: list[bytes]) -> None:
    assert (key_of(*one) == key_of(*two)) is (one == two)
    assert key_of(*one, b"") != key_of(*one)

"""Whatever a file holds, its reader returns or raises an error of this package, and soon."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import PROJECT, TARGETS, Target
from tunnel_gateway.pki.files import pbe

EVERY_TARGET = pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)


@pytest.fixture(autouse=True)
def _little_work(monkeypatch: pytest.MonkeyPatch) -> None:
    # A change often asks for millions of rounds; that they are bounded is tested elsewhere.
    monkeypatch.setattr(pbe, "MAX_ROUNDS", 5000)


def test_the_fuzzer_runs_every_target() -> None:
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    (line,) = re.findall(r"^FUZZ_TARGETS \?= (.*)$", makefile, re.MULTILINE)
    assert sorted(line.split()) == sorted(TARGETS)


@EVERY_TARGET
def test_the_seeds_are_worth_changing(target: Target) -> None:
    # A configuration names files, and those of the examples are not there.
    assert any(target(seed) for seed in target.seeds()) or target is TARGETS["config"]


@EVERY_TARGET
@given(data=st.binary(max_size=200))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes(target: Target, data: bytes) -> None:
    target(data)


@EVERY_TARGET
@given(data=st.data())
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_changed_files(target: Target, data: st.DataObject) -> None:
    seeds = target.seeds()
    content = bytearray(data.draw(st.sampled_from(seeds)))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content)))
        match data.draw(st.sampled_from(["set", "cut", "put", "splice", "repeat"])):
            case "set":
                content[place : place + 1] = data.draw(st.binary(min_size=1, max_size=1))
            case "cut":
                del content[place : place + data.draw(st.integers(1, 40))]
            case "put":
                content[place:place] = data.draw(st.binary(min_size=1, max_size=20))
            case "splice":
                other = data.draw(st.sampled_from(seeds))
                start = data.draw(st.integers(0, len(other)))
                content[place:] = other[start:]
            case "repeat":
                content[place:place] = content[place : place + 30] * data.draw(st.integers(1, 9))
    target(bytes(content))


def sequence(contents: bytes) -> bytes:
    return b"\x30\x83" + len(contents).to_bytes(3, "big") + contents


# What a quadratic reader would choke on, or one that believes what it reads; in a size.
BOMBS: dict[str, Callable[[int], bytes]] = {
    "zeros": bytes,
    "empty sequences": lambda size: sequence(b"\x30\x00" * (size // 2 - 3)),
    "open lengths": lambda size: b"\x30\x80" * (size // 2),
    "a long identifier": lambda size: sequence(
        b"\x30\x83" + (size - 10).to_bytes(3, "big") + identifier(size - 10)
    ),
    "beginnings": lambda size: b"-----BEGIN CERTIFICATE-----\n" * (size // 28),
    "blocks": lambda size: b"-----BEGIN X-----\n-----END X-----\n" * (size // 34),
    "a label": lambda size: b"-----BEGIN ".ljust(size, b"A"),
    "base64": lambda size: b"-----BEGIN CERTIFICATE-----\n" + b"AAAA\n" * (size // 5 - 6),
    "a Java keystore": lambda size: bytes.fromhex("feedfeed00000002ffffffff").ljust(size, b"\0"),
    "keys": lambda size: b"tunnel.a=b\n" * (size // 11),
    "a continued line": lambda size: b"a=" + b"\\\n" * (size // 2 - 1),
    "a long key": lambda size: b"tunnel.".ljust(size - 2, b"a") + b"=b",
}


def identifier(size: int) -> bytes:
    return b"\x06\x83" + (size - 5).to_bytes(3, "big") + b"\x81" * (size - 5)


@EVERY_TARGET
@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_large_files_made_to_hurt(target: Target, bomb: Callable[[int], bytes]) -> None:
    # It ends, and takes memory in proportion. The time is the fuzzer's to watch.
    data = bomb(target.limit)
    assert target.limit - 40 < len(data) <= target.limit
    tracemalloc.start()
    try:
        target(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2**20 + 300 * target.limit

from __future__ import annotations

import itertools
import uuid
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from tunnel_gateway.rest.challenges import OwnChallenges, _as_uuid, _of_uuid
from tunnel_gateway.rest.statuses import Reason, Refusal

T = TypeVar("T")


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """Run work that waits for nothing."""
    try:
        work.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    raise AssertionError("it waits")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def store(clock: Clock, seconds: float = 120, limit: int = 1000) -> OwnChallenges:
    return OwnChallenges(seconds, limit, clock)


async def test_a_challenge_is_taken_once() -> None:
    challenges = store(Clock())
    challenge = await challenges.give()
    assert await challenges.take(challenge)
    assert not await challenges.take(challenge)


async def test_a_challenge_is_a_random_uuid_for_everybody_else() -> None:
    challenges = store(Clock())
    given = [await challenges.give() for _ in range(2000)]
    assert len(set(given)) == len(given)
    for challenge in given[:100]:
        parsed = uuid.UUID(challenge)
        assert (str(parsed), parsed.version, parsed.variant) == (challenge, 4, uuid.RFC_4122)
    # Challenges of one moment differ in a counter only, and in half of all bits after all.
    pairs = itertools.pairwise(uuid.UUID(challenge).int for challenge in given)
    bits = [(one ^ other).bit_count() for one, other in pairs]
    assert 59 < sum(bits) / len(bits) < 63
    assert min(bits) > 30


@pytest.mark.parametrize("seconds", [0.5, 120, 86_400])
async def test_a_challenge_ends_with_its_life(seconds: float) -> None:
    clock = Clock()
    challenges = store(clock, seconds)
    early, late = await challenges.give(), await challenges.give()
    clock.now += seconds
    assert await challenges.take(early)
    clock.now += 0.01
    assert not await challenges.take(late)


async def test_only_the_store_that_gave_it_takes_it() -> None:
    clock = Clock()
    assert not await store(clock).take(await store(clock).give())


@pytest.mark.parametrize("position", range(0, 36, 5))
async def test_a_changed_challenge_is_not_valid(position: int) -> None:
    challenges = store(Clock())
    challenge = await challenges.give()
    other = "f" if challenge[position] != "f" else "e"
    assert not await challenges.take(challenge[:position] + other + challenge[position + 1 :])
    assert await challenges.take(challenge)


@given(st.one_of(st.text(), st.uuids().map(str), st.binary().map(repr)))
def test_no_text_of_a_stranger_is_valid(text: str) -> None:
    assert not at_once(store(Clock()).take(text))


async def test_another_way_to_write_it_is_not_the_challenge() -> None:
    challenges = store(Clock())
    challenge = await challenges.give()
    for text in (challenge.upper(), f" {challenge}", f"{{{challenge}}}", challenge + "\n"):
        assert not await challenges.take(text)
    assert await challenges.take(challenge)


@given(st.integers(0, 2**122 - 1))
def test_every_value_has_its_own_uuid(value: int) -> None:
    text = _as_uuid(value)
    assert uuid.UUID(text).version == 4
    assert _of_uuid(text) == value


async def test_a_flood_of_questions_leaves_nothing_behind() -> None:
    challenges = store(Clock(), limit=10)
    mine = await challenges.give()
    for _ in range(10_000):
        await challenges.give()
    assert challenges._used == set()
    assert await challenges.take(mine)


async def test_a_full_store_refuses_and_forgets_nothing() -> None:
    clock = Clock()
    challenges = store(clock, limit=3)
    used = [await challenges.give() for _ in range(3)]
    fresh = await challenges.give()
    assert [await challenges.take(challenge) for challenge in used] == [True] * 3
    with pytest.raises(Refusal) as caught:
        await challenges.take(fresh)
    assert caught.value.reason is Reason.OVERLOADED
    assert [await challenges.take(challenge) for challenge in used] == [False] * 3
    clock.now += 300
    assert await challenges.take(await challenges.give())
    assert list(challenges.samples()) == [("tunnel_gateway_rest_challenges_used", (), 1)]
    assert list(challenges.faults()) == []
    await challenges.start()
    await challenges.close()


async def test_a_longer_life_wakes_no_challenge_that_has_ended() -> None:
    clock = Clock()
    challenges = store(clock, 60)
    dead = await challenges.give()
    clock.now += 50
    alive = await challenges.give()
    clock.now += 50
    challenges.configure(600, 1000)
    assert not await challenges.take(dead)
    assert await challenges.take(alive)
    clock.now += 400
    assert not await challenges.take(alive)


async def test_a_shorter_life_forgets_no_use() -> None:
    clock = Clock()
    challenges = store(clock, 600)
    clock.now += 500
    challenge = await challenges.give()
    assert await challenges.take(challenge)
    clock.now += 1
    challenges.configure(60, 1000)
    assert not await challenges.take(challenge)


class Machine(RuleBasedStateMachine):
    """The store beside a plain list of what was given, with its time and whether it was used."""

    given_ones = Bundle("given_ones")

    @initialize(seconds=st.integers(1, 50))
    def begin(self, seconds: int) -> None:
        self.clock = Clock()
        self.seconds = seconds
        self.challenges = store(self.clock, seconds)
        self.dead: set[str] = set()
        self.made: dict[str, float] = {}

    def _end_lives(self) -> None:
        self.dead |= {
            challenge
            for challenge, made in self.made.items()
            if self.clock.now - made > self.seconds
        }

    @rule(target=given_ones)
    def give(self) -> str:
        challenge = at_once(self.challenges.give())
        assert challenge not in self.made
        self.made[challenge] = self.clock.now
        return challenge

    @rule(challenge=given_ones)
    def take(self, challenge: str) -> None:
        self._end_lives()
        assert at_once(self.challenges.take(challenge)) == (challenge not in self.dead)
        self.dead.add(challenge)

    @rule(seconds=st.integers(0, 60))
    def wait(self, seconds: int) -> None:
        self.clock.now += seconds
        self._end_lives()

    @rule(seconds=st.integers(1, 50))
    def configure(self, seconds: int) -> None:
        self._end_lives()
        self.seconds = seconds
        self.challenges.configure(seconds, 1000)

    @invariant()
    def remembers_no_more_than_was_used(self) -> None:
        if hasattr(self, "challenges"):
            used = self.challenges._used | self.challenges._used_before
            assert used <= self.made.keys()


Machine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestMachine: Any = Machine.TestCase

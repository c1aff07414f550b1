"""Whose a loaded key is, when its password is asked for, and when it is forgotten."""

from __future__ import annotations

import asyncio
import io

import pytest

from tests.support.keys import OTHER, PAGE, PASSWORD, Clock, User, closed, keyring, owner
from tests.support.loopback import TIME_LIMIT
from tunnel_gateway.agent.calls import Caller
from tunnel_gateway.agent.keys.keyring import (
    LIFETIME_SECONDS,
    MAX_KEYS,
    MAX_KEYS_OF_ONE,
    Keyring,
)
from tunnel_gateway.agent.keys.passwords import PasswordQueue
from tunnel_gateway.agent.keys.questions import Purpose, Question
from tunnel_gateway.errors import CallRefusedError, FileError, InvalidKeyError
from tunnel_gateway.observability import background
from tunnel_gateway.observability.logs import configure_logs


async def refusal(ring: Keyring, key_id: str, caller: Caller = PAGE) -> str:
    with pytest.raises(CallRefusedError) as caught:
        await ring.identity(caller, key_id, purpose=Purpose.SIGNATURE)
    assert PASSWORD.decode() not in str(caught.value)
    return caught.value.name


class Held:
    """Somebody at the dialog: the question is up until ``let``."""

    def __init__(self) -> None:
        self.up = asyncio.Event()
        self.gone = asyncio.Event()
        self.let = asyncio.Event()
        self.asked = 0

    async def ask(self, question: Question) -> bytearray | None:
        assert question.purpose is Purpose.SIGNATURE
        self.asked += 1
        self.up.set()
        try:
            await self.let.wait()
        finally:
            self.gone.set()
        return bytearray(PASSWORD)


async def test_the_password_is_asked_once_per_load() -> None:
    person = User()
    ring = keyring(person)
    key_id = ring.load(PAGE, closed())
    assert person.asked == []
    first = await ring.identity(PAGE, key_id, purpose=Purpose.TUNNEL)
    assert first.leaf == owner().leaf
    assert await ring.identity(PAGE, key_id, purpose=Purpose.SIGNATURE) is first
    assert person.asked == [Question(PAGE.origin, "me", Purpose.TUNNEL)]
    again = ring.load(PAGE, closed())
    assert again != key_id
    await ring.identity(PAGE, again, purpose=Purpose.SIGNATURE)
    assert len(person.asked) == 2
    await ring.close()


async def test_another_origin_does_not_see_it() -> None:
    person = User()
    ring = keyring(person)
    key_id = ring.load(PAGE, closed())
    assert await refusal(ring, key_id, OTHER) == "key_not_found"
    with pytest.raises(CallRefusedError, match="не найден"):
        ring.unload(OTHER, key_id)
    # The port and the scheme are part of an origin.
    assert await refusal(ring, key_id, Caller("http://example.uz", "example.uz")) == "key_not_found"
    assert person.asked == []
    assert await ring.identity(PAGE, key_id, purpose=Purpose.SIGNATURE)
    assert await refusal(ring, key_id, OTHER) == "key_not_found"
    await ring.close()


async def test_three_wrong_tries_unload_it() -> None:
    person = User(b"wrong")
    ring = keyring(person)
    key_id = ring.load(PAGE, closed())
    assert await refusal(ring, key_id) == "wrong_password"
    assert [question.retry for question in person.asked] == [False, True, True]
    assert await refusal(ring, key_id) == "key_not_found"


async def test_tries_count_over_calls() -> None:
    person = User(b"wrong", b"wrong", None, b"wrong")
    ring = keyring(person)
    key_id = ring.load(PAGE, closed())
    assert await refusal(ring, key_id) == "cancelled"
    assert await refusal(ring, key_id) == "wrong_password"
    assert len(person.asked) == 4


async def test_the_third_try_is_right() -> None:
    ring = keyring(User(b"wrong", b"", PASSWORD))
    key_id = ring.load(PAGE, closed())
    assert await ring.identity(PAGE, key_id, purpose=Purpose.SIGNATURE)
    await ring.close()


async def test_a_cancelled_question_leaves_the_key_loaded() -> None:
    ring = keyring(User(None, PASSWORD))
    key_id = ring.load(PAGE, closed())
    assert await refusal(ring, key_id) == "cancelled"
    assert await ring.identity(PAGE, key_id, purpose=Purpose.SIGNATURE)
    await ring.close()


async def test_a_file_that_is_no_key() -> None:
    ring = keyring(User())
    assert await refusal(ring, ring.load(PAGE, closed(b"\x30\x03\x02\x01\x03"))) == "key_unusable"


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (OSError("pinentry has no pipes"), "pinentry has no pipes"),
        (FileNotFoundError(2, "No such file", "pinentry"), "No such file; check the path"),
        (FileError("p: there is no password in it"), "p: there is no password in it"),
    ],
)
async def test_no_way_to_ask(fault: Exception, said: str) -> None:
    class Broken:
        async def ask(self, question: Question) -> bytearray | None:
            raise fault

    log = io.StringIO()
    configure_logs("json", "info", log)
    ring = Keyring(PasswordQueue(Broken()))
    assert await refusal(ring, ring.load(PAGE, closed())) == "cannot_ask"
    await ring.close()
    configure_logs("json", "info")
    assert f'"reason": "{said}"' in log.getvalue()


async def test_calls_at_once_ask_once() -> None:
    person = Held()
    ring = Keyring(PasswordQueue(person))
    key_id = ring.load(PAGE, closed())
    async with asyncio.timeout(TIME_LIMIT):
        calls = [
            asyncio.create_task(ring.identity(PAGE, key_id, purpose=Purpose.SIGNATURE))
            for _ in range(5)
        ]
        await person.up.wait()
        # One of them leaves; the others still wait.
        calls[0].cancel()
        await asyncio.wait({calls[0]})
        person.let.set()
        identities = await asyncio.gather(*calls[1:])
    assert person.asked == 1
    assert all(identity is identities[0] for identity in identities)
    await ring.close()


async def test_the_question_goes_with_the_last_who_waits() -> None:
    person = Held()
    ring = Keyring(PasswordQueue(person))
    key_id = ring.load(PAGE, closed())
    async with asyncio.timeout(TIME_LIMIT):
        call = asyncio.create_task(ring.identity(PAGE, key_id, purpose=Purpose.SIGNATURE))
        await person.up.wait()
        call.cancel()
        await person.gone.wait()
        await asyncio.wait({call})
        person.let.set()
        assert await ring.identity(PAGE, key_id, purpose=Purpose.SIGNATURE)
    await ring.close()


@pytest.mark.parametrize("closing", [False, True])
async def test_unloaded_while_it_is_asked(closing: bool) -> None:
    person = Held()
    ring = Keyring(PasswordQueue(person))
    key_id = ring.load(PAGE, closed())
    async with asyncio.timeout(TIME_LIMIT):
        call = asyncio.create_task(ring.identity(PAGE, key_id, purpose=Purpose.SIGNATURE))
        await person.up.wait()
        if closing:
            await ring.close()
        else:
            ring.unload(PAGE, key_id)
        with pytest.raises(CallRefusedError, match="не найден"):
            await call
        await person.gone.wait()
    await ring.close()


async def test_forgotten_in_time_and_wiped() -> None:
    clock = Clock()
    ring = keyring(User(), clock)
    key_id = ring.load(PAGE, closed())
    clock.now = LIFETIME_SECONDS - 1
    identity = await ring.identity(PAGE, key_id, purpose=Purpose.SIGNATURE)
    younger = ring.load(PAGE, closed())
    clock.now = LIFETIME_SECONDS
    assert await refusal(ring, key_id) == "key_not_found"
    with pytest.raises(InvalidKeyError, match="forgotten"):
        identity.private_key.to_bytes()
    assert await ring.identity(PAGE, younger, purpose=Purpose.SIGNATURE)
    await ring.close()


async def test_forgotten_without_being_asked_for() -> None:
    ring = Keyring(PasswordQueue(User()), lifetime=0.01)
    ring.load(PAGE, closed())
    async with asyncio.timeout(TIME_LIMIT):
        while ring._loaded:  # noqa: ASYNC110 - the timer tells nobody
            await asyncio.sleep(0.01)


async def test_forgotten_though_another_could_not_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "FIRST_DELAY_SECONDS", 0.001)
    ring = Keyring(PasswordQueue(User()), lifetime=0.01)
    forget = ring._forget
    failed: list[str] = []

    def once(key_id: str) -> None:
        if not failed:
            failed.append(key_id)
            raise MemoryError
        forget(key_id)

    monkeypatch.setattr(ring, "_forget", once)
    ring.load(PAGE, closed())
    async with asyncio.timeout(TIME_LIMIT):
        while ring._loaded:  # noqa: ASYNC110 - nobody is told
            await asyncio.sleep(0.01)
    assert failed


async def test_unloading_and_closing_wipe() -> None:
    ring = keyring(User())
    first_id, second_id = ring.load(PAGE, closed()), ring.load(PAGE, closed())
    first, second = (
        await ring.identity(PAGE, first_id, purpose=Purpose.SIGNATURE),
        await ring.identity(PAGE, second_id, purpose=Purpose.SIGNATURE),
    )
    ring.unload(PAGE, first_id)
    await ring.close()
    for identity in (first, second):
        with pytest.raises(InvalidKeyError):
            identity.private_key.native()
    assert await refusal(ring, second_id) == "key_not_found"


async def test_how_many() -> None:
    ring = keyring(User())
    own = [ring.load(PAGE, closed()) for _ in range(MAX_KEYS_OF_ONE + 1)]
    assert await refusal(ring, own[0]) == "key_not_found"
    assert await ring.identity(PAGE, own[1], purpose=Purpose.SIGNATURE)
    for number in range(MAX_KEYS - MAX_KEYS_OF_ONE):
        ring.load(Caller(f"https://{number}.uz", f"{number}.uz"), closed())
    with pytest.raises(CallRefusedError) as caught:
        ring.load(OTHER, closed())
    assert caught.value.name == "too_many_keys"
    # A page that has all its keys can still load: it loses its oldest key.
    assert ring.load(PAGE, closed())
    assert len(set(own)) == len(own)
    await ring.close()


async def test_nothing_secret_is_shown() -> None:
    ring = keyring(User())
    key_id = ring.load(PAGE, closed())
    identity = await ring.identity(PAGE, key_id, purpose=Purpose.SIGNATURE)
    shown = repr(ring._loaded) + repr(identity) + repr(closed())
    assert PASSWORD.decode() not in shown
    assert identity.private_key.to_bytes().hex() not in shown
    assert "data=" not in shown
    await ring.close()

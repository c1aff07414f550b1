"""One thread a medium at most, and a bound on every wait."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import TIME_LIMIT
from tunnel_gateway.agent.keys import media as module
from tunnel_gateway.agent.keys.media import Media
from tunnel_gateway.errors import CallRefusedError

STICK, SHARE = Path("/stick"), Path("/share")


@pytest.fixture
def hang() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


async def refused(media: Media, medium: Path) -> None:
    with pytest.raises(CallRefusedError) as caught:
        await media.ask(medium, lambda: None)
    assert caught.value.name == "disk_silent"


async def test_one_that_hangs_refuses_at_once_and_alone(hang: threading.Event) -> None:
    media = Media(0.1)
    with pytest.raises(CallRefusedError):
        await media.ask(SHARE, hang.wait)
    threads = threading.active_count()
    media._seconds = 2 * TIME_LIMIT  # which nobody waits for
    async with asyncio.timeout(TIME_LIMIT):
        await asyncio.gather(*(refused(media, SHARE) for _ in range(100)))
    assert threading.active_count() == threads
    assert await media.ask(STICK, lambda: "keys") == "keys"
    hang.set()
    while True:
        try:
            assert await media.ask(SHARE, lambda: "back") == "back"
        except CallRefusedError:
            await asyncio.sleep(0.01)
        else:
            break


async def test_calls_take_turns() -> None:
    media = Media()
    together = 0
    most = 0

    def work() -> None:
        nonlocal together, most
        together += 1
        most = max(most, together)
        threading.Event().wait(0.01)
        together -= 1

    await asyncio.gather(*(media.ask(STICK, work) for _ in range(10)))
    assert most == 1


async def test_a_page_that_left_does_not_free_the_medium(hang: threading.Event) -> None:
    media = Media(0.1)
    asking = asyncio.create_task(media.ask(SHARE, hang.wait))
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.wait({asking})
    await refused(media, SHARE)


async def test_a_fault_of_the_work_is_the_callers() -> None:
    media = Media()
    with pytest.raises(ZeroDivisionError):
        await media.ask(STICK, lambda: 1 / 0)
    assert await media.ask(STICK, lambda: 1) == 1


async def test_only_so_many_hang(hang: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WORKING", 2)
    media = Media(0.05)
    for number in range(2):
        with pytest.raises(CallRefusedError):
            await media.ask(Path(str(number)), hang.wait)
    await refused(media, STICK)

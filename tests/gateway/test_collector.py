"""What lasts is set aside, and cycles that were left are found when there is time."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.credentials import Credentials
from tests.support.house import House, house
from tunnel_gateway.gateway.collector import Collector


class Knot:
    """A cycle of its own."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    yield
    gc.unfreeze()
    gc.enable()


def leave_a_knot() -> weakref.ref[Knot]:
    return weakref.ref(Knot())


def test_what_is_set_aside_is_not_searched_while_there_is_much() -> None:
    gc.collect()
    collector = Collector(lambda: 1000)
    collector.set_aside(0.0)
    before = gc.get_freeze_count()
    assert before > 1000
    knot = leave_a_knot()
    collector.set_aside(1.0)
    assert gc.get_freeze_count() > 0
    gc.collect()
    assert knot() is not None
    Collector(lambda: 10).set_aside(2.0)
    assert knot() is None


def test_the_thorough_look_is_rare() -> None:
    collector = Collector(lambda: 0)
    collector.set_aside(0.0)
    knot = leave_a_knot()
    collector.set_aside(599.0)
    assert knot() is not None
    collector.set_aside(601.0)
    assert knot() is None


async def one_tunnel(home: House, end: str) -> None:
    tunnel, page, destination = await home.open()
    if end == "completed":
        tunnel.channel.write_eof()
        destination.close()
        await page.saw("eof")
    elif end == "page":
        tunnel.channel.close()
    else:
        destination.close()
        await page.saw("eof")
    await home.leave()
    destination.close()
    await home.sessions.wait_ended()


@pytest.mark.parametrize("end", ["completed", "page", "destination"])
async def test_a_tunnel_leaves_no_cycle(end: str, credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path, bandwidth=10_000_000) as home:
        await one_tunnel(home, end)  # what is made once only
        gc.collect()
        gc.disable()
        gc.set_debug(gc.DEBUG_SAVEALL)
        try:
            await one_tunnel(home, end)
            gc.collect()
            kinds = {type(one).__name__ for one in gc.garbage}
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()
    ours = ("SocketStream", "Inbox", "Channel", "Relay", "Session", "ServerConnection", "Account")
    assert not kinds & {*ours, "_Side", "_MeteredSide", "Sealer", "Opener"}

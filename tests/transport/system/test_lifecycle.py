"""Signals as something to wait for."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest

from tests.support.loopback import TIME_LIMIT
from tunnel_gateway.transport.system.lifecycle import Termination


@pytest.fixture
def termination() -> Iterator[None]:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    yield
    for number, handler in zip((signal.SIGTERM, signal.SIGINT), before, strict=True):
        signal.signal(number, handler)


@pytest.mark.usefixtures("termination")
@pytest.mark.parametrize("numbers", [(15, 15), (2, 2), (15, 2), (2, 15)])
async def test_the_first_asks_and_the_second_insists(numbers: tuple[int, int]) -> None:
    awaited = Termination()
    first, second = numbers
    insisted = asyncio.create_task(awaited.insisted())
    async with asyncio.timeout(TIME_LIMIT):
        os.kill(os.getpid(), first)
        await awaited.asked()
        await awaited.asked()  # and it stays so
        assert not insisted.done()
        os.kill(os.getpid(), second)
        await insisted
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(number)

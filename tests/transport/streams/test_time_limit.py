"""Our time limit, and the time-outs of sockets inside it."""

from __future__ import annotations

import asyncio
import errno

import pytest

from tests.support.loopback import TIME_LIMIT
from tunnel_gateway.errors import TimedOutError
from tunnel_gateway.transport.streams.time_limit import within


@pytest.mark.parametrize("seconds", [0.01, 0, -1])
async def test_what_takes_longer_fails_with_our_words(seconds: float) -> None:
    with pytest.raises(TimedOutError, match="no request in time") as caught:
        async with within(seconds, "no request in time"):
            await asyncio.sleep(TIME_LIMIT)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


async def test_what_ends_in_time_passes() -> None:
    async with within(TIME_LIMIT, "no request in time"):
        await asyncio.sleep(0)


async def test_the_time_out_of_a_socket_stays_what_it_is() -> None:
    with pytest.raises(TimeoutError) as caught:
        async with within(TIME_LIMIT, "no request in time"):
            raise TimeoutError(errno.ETIMEDOUT, "Connection timed out")
    assert caught.value.errno == errno.ETIMEDOUT
    assert not isinstance(caught.value, TimedOutError)


async def test_a_cancelled_task_stays_cancelled() -> None:
    async def wait() -> None:
        async with within(TIME_LIMIT, "no request in time"):
            await asyncio.sleep(TIME_LIMIT)

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

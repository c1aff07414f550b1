from __future__ import annotations

import asyncio
import time

from tunnel_gateway.observability.loop_lag import watch_loop


async def test_a_loop_that_stands_still_is_seen() -> None:
    seen: asyncio.Queue[float] = asyncio.Queue()
    watching = asyncio.create_task(watch_loop(seen.put_nowait, 0.01))
    await seen.get()
    time.sleep(0.3)  # noqa: ASYNC251 (this is what is to be seen)
    assert await seen.get() >= 0.2
    watching.cancel()


async def test_a_timer_is_never_early() -> None:
    seen: asyncio.Queue[float] = asyncio.Queue()
    watching = asyncio.create_task(watch_loop(seen.put_nowait, 0.001))
    assert all([await seen.get() >= 0 for _ in range(50)])
    watching.cancel()

from __future__ import annotations

import asyncio
import time

from tunnel_gateway.observability.loop_lag import measure_lag


async def test_a_loop_that_stands_still_is_seen() -> None:
    seen: asyncio.Queue[float] = asyncio.Queue()
    watching = asyncio.create_task(measure_lag(seen.put_nowait, 0.01))
    await asyncio.sleep(0)
    time.sleep(0.3)  # noqa: ASYNC251 (this is what is to be seen)
    await watching
    assert seen.get_nowait() >= 0.2


async def test_a_timer_is_never_early() -> None:
    seen: asyncio.Queue[float] = asyncio.Queue()
    for _ in range(50):
        await measure_lag(seen.put_nowait, 0.001)
        assert seen.get_nowait() >= 0

"""Threads that nobody waits for: what they give, and that a process ends while they hang."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest

from tests.support.processes import TIME_LIMIT
from tunnel_gateway.agent.threads import in_thread, result_within


async def test_what_it_gives() -> None:
    assert await in_thread(lambda: threading.current_thread().daemon) is True
    with pytest.raises(ZeroDivisionError):
        await in_thread(lambda: 1 / 0)


async def test_nobody_waits_any_more() -> None:
    goes_on, gone_on = threading.Event(), threading.Event()

    def work() -> None:
        goes_on.wait()
        gone_on.set()

    future = in_thread(work)
    future.cancel()
    goes_on.set()
    await asyncio.to_thread(gone_on.wait)
    await asyncio.sleep(0)


PROGRAM = """
import asyncio, threading
from tunnel_gateway.agent.threads import in_thread

async def main():
    await asyncio.wait({in_thread(threading.Event().wait)}, timeout=0.1)

asyncio.run(main())
"""


def test_a_process_ends_while_one_hangs() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], timeout=TIME_LIMIT, check=False)
    assert done.returncode == 0


def test_within() -> None:
    assert result_within(TIME_LIMIT, lambda: 1, 0) == 1
    never = threading.Event()
    assert result_within(0.01, never.wait, None) is None
    never.set()

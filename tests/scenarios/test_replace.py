"""A new daemon takes the place of an old one under load, and nobody notices."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

from tests.support.credentials import Credentials
from tests.support.processes import Gateway
from tests.support.traffic import EchoApplication, Traffic

SHARED = {"listen.reuseport": "yes", "drain.timeout": 60}


async def test_a_replacement_under_load_loses_nothing(
    credentials: Credentials, tmp_path: Path
) -> None:
    async with EchoApplication() as echo:

        def start(port: int | None = None) -> Gateway:
            destinations = {"echo": echo.port}
            return Gateway(credentials, tmp_path, destinations, SHARED, shared_port=port)

        running = await asyncio.to_thread(start)
        port = running.port
        traffic = Traffic(credentials, port, users=12, patient=3)
        await traffic.more(40)
        retired = []
        for _ in range(3):
            new = await asyncio.to_thread(start, port)
            await traffic.more(10)
            running.signal(signal.SIGTERM)
            retired.append(running)
            running = new
            await traffic.more(40)
        await traffic.end()
        codes = [await asyncio.to_thread(one.exit_code) for one in retired]
        codes.append(await asyncio.to_thread(running.stop))
    assert traffic.failures == []
    assert codes == [0, 0, 0, 0]
    lines = [line for one in (*retired, running) for line in one.records()]
    closed = [line for line in lines if line["event"] == "tunnel_closed"]
    assert len(closed) == traffic.tunnels
    assert {line["reason"] for line in closed} == {"completed"}
    assert not [line for line in lines if line["event"] == "tunnel_refused"]
    # Each of them had its share.
    for one in (*retired, running):
        assert any(line["event"] == "tunnel_closed" for line in one.records())

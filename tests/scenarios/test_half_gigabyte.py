"""Half a gigabyte in one direction through every process, none of which grows by it.

The slowest test of all, about ten seconds: the price of the cipher on both ends of the tunnel.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from websockets.sync.client import connect

from tests.support.processes import TIME_LIMIT, Agent, Api, Gateway, resident_memory

MIB = 2**20
MESSAGES = 512
WARM_UP = 32
GROWTH = 16 * MIB


def test_half_a_gigabyte(gateway: Gateway, start_agent: Callable[..., Agent], api: Api) -> None:
    agent = start_agent()
    host, port = agent.address()
    processes = {"the page": os.getpid()} | {
        program.name: program.process.pid for program in (agent, gateway, api)
    }
    with connect(f"ws://{host}:{port}/", proxy=None, compression=None, max_queue=4) as page:
        page.send(f"/send {MESSAGES} {MIB}")
        first: dict[str, int] = {}
        for number in range(MESSAGES):
            assert len(page.recv(TIME_LIMIT)) == MIB
            if number == WARM_UP:
                first = {name: resident_memory(pid) for name, pid in processes.items()}
            elif number > WARM_UP and number % 32 == 0:
                for name, pid in processes.items():
                    growth = resident_memory(pid) - first[name]
                    assert growth < GROWTH, f"{name} grew by {growth / MIB:.1f} MiB"
    assert agent.exit_code() == 0
    assert gateway.logged("tunnel_closed")["bytes_down"] > MESSAGES * MIB

"""The user's end of our tunnel in a process of its own, as the peers have theirs.

    python -m benchmarks.near PORT GATEWAY_PORT CREDENTIALS

It takes plain connections and opens a tunnel for each. The handshake is in Python, and the data
plane carries the bytes: so the client of the load is as lean for us as it is for the peers.
"""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import uvloop

from benchmarks.client import client_settings
from benchmarks.places import LOOPBACK
from tunnel_gateway.agent.handshake import open_tunnel
from tunnel_gateway.config.values import Address
from tunnel_gateway.dataplane.joining import join
from tunnel_gateway.dataplane.plane import DataPlane
from tunnel_gateway.end_reasons import EndReason
from tunnel_gateway.errors import PageLostError
from tunnel_gateway.protocol.client import ClientSettings
from tunnel_gateway.transport.streams.inbox import Inbox
from tunnel_gateway.transport.streams.listener import Listener
from tunnel_gateway.transport.streams.relay import RelayLimits
from tunnel_gateway.transport.streams.stream import SocketStream

_LIMITS = RelayLimits(idle=24 * 3600.0, half_close=60.0)
_LOST = PageLostError("the load broke off")


class _Near:
    """Opens tunnels to ``gateway``; a thread of ``plane`` carries them."""

    def __init__(self, gateway: Address, settings: ClientSettings) -> None:
        self._gateway = gateway
        self._settings = settings
        self._plane = DataPlane(1, _LOST)
        self._workers = ThreadPoolExecutor(2)
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, local: SocketStream) -> None:
        """Serve a connection of the load."""
        task = asyncio.create_task(self._serve(local))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, local: SocketStream) -> None:
        tunnel = await open_tunnel(self._gateway, self._settings, self._workers)
        inbox = Inbox(tunnel.channel)
        tunnel.channel.open(inbox)
        relay = join(
            self._plane,
            tunnel.channel,
            local,
            _LIMITS,
            socket_lost=EndReason.LOCAL_LOST,
            on_socket_lost=_LOST,
        )
        await relay.run(inbox, local.inbox)
        await relay.wait_closed()


async def _main(port: int, gateway_port: int, credentials: Path) -> None:
    near = _Near(Address(LOOPBACK, gateway_port), client_settings(credentials))
    listener = Listener(LOOPBACK, port, on_connection=near.take, on_failure=print)
    await asyncio.Event().wait()
    await listener.close()


if __name__ == "__main__":
    uvloop.run(_main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])))

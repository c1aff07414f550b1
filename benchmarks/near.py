"""The user's end of our tunnel in a process of its own, as the peers have theirs.

    python -m benchmarks.near PORT GATEWAY_PORT CREDENTIALS [--stp]

It takes plain connections and opens a tunnel for each. The handshake is in Python, and the data
plane carries the bytes: so the client of the load is as lean for us as it is for the peers.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import uvloop

from benchmarks.client import client_settings
from benchmarks.places import DOMAIN, LOOPBACK, STP_DESTINATION
from tunnel_gateway.agent.handshake import StpTunnel, Tunnel, open_stp_tunnel, open_tunnel
from tunnel_gateway.agent.stp_wishes import stp_client_settings
from tunnel_gateway.config.values import Address
from tunnel_gateway.dataplane.joining import join
from tunnel_gateway.dataplane.plane import DataPlane
from tunnel_gateway.end_reasons import EndReason
from tunnel_gateway.errors import PageLostError
from tunnel_gateway.pki.files.keyfiles import load_certificates
from tunnel_gateway.pki.files.truststore import load_trust_anchors
from tunnel_gateway.pki.trust.validation import ChainValidator
from tunnel_gateway.protocol.stp.stp_client import StpClientSettings
from tunnel_gateway.transport.streams.inbox import Inbox
from tunnel_gateway.transport.streams.listener import Listener
from tunnel_gateway.transport.streams.relay import RelayLimits
from tunnel_gateway.transport.streams.stream import SocketStream

_LIMITS = RelayLimits(idle=24 * 3600.0, half_close=60.0)
_LOST = PageLostError("the load broke off")


class _Near:
    """Opens tunnels with ``open_one``; a thread of a data plane carries them."""

    def __init__(self, open_one: Callable[[Executor], Awaitable[Tunnel | StpTunnel]]) -> None:
        self._open_one = open_one
        self._plane = DataPlane(1, _LOST)
        self._workers = ThreadPoolExecutor(2)
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, local: SocketStream) -> None:
        """Serve a connection of the load."""
        task = asyncio.create_task(self._serve(local))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, local: SocketStream) -> None:
        tunnel = await self._open_one(self._workers)
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


def _stp_settings(credentials: Path) -> StpClientSettings:
    """Return the wishes by STP, which trusts the issuer of the gateway's certificate itself."""
    anchors = (*load_trust_anchors(credentials / "truststore.pem"),)
    centre = load_certificates(credentials / "ca" / "centre.pem")
    validator = ChainValidator([*anchors, *centre])
    identity = client_settings(credentials).identity
    return stp_client_settings(DOMAIN, STP_DESTINATION, identity, validator)


async def _main(port: int, gateway_port: int, credentials: Path, *, by_stp: bool) -> None:
    gateway = Address(LOOPBACK, gateway_port)
    if by_stp:
        near = _Near(partial(open_stp_tunnel, gateway, _stp_settings(credentials)))
    else:
        near = _Near(partial(open_tunnel, gateway, client_settings(credentials)))
    listener = Listener(LOOPBACK, port, on_connection=near.take, on_failure=print)
    await asyncio.Event().wait()
    await listener.close()


if __name__ == "__main__":
    ports = int(sys.argv[1]), int(sys.argv[2])
    uvloop.run(_main(*ports, Path(sys.argv[3]), by_stp="--stp" in sys.argv[4:]))

"""All connections of the daemon: started, looked up by tunnel id, and ended at a stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from typing import Final

from tunnel_gateway.daemon.stopping import Stopping, StopStep
from tunnel_gateway.errors import TunnelGatewayError
from tunnel_gateway.gateway.resources import Resources
from tunnel_gateway.gateway.session import Session
from tunnel_gateway.transport.streams.stream import SocketStream

# For the last alerts and log lines, after the sessions were told to end.
_LAST_WORDS_SECONDS: Final = 5.0


class Sessions:
    """The connections of now, in the order in which they came."""

    def __init__(self) -> None:
        self._tasks: dict[Session, asyncio.Task[None]] = {}

    def __len__(self) -> int:
        return len(self._tasks)

    def __iter__(self) -> Iterator[Session]:
        return iter(tuple(self._tasks))

    def start(self, resources: Resources, stream: SocketStream) -> Session:
        """Serve a connection with the resources of now."""
        session = Session(resources, stream)
        task = asyncio.create_task(session.run())
        self._tasks[session] = task
        task.add_done_callback(lambda _: self._tasks.pop(session))
        return session

    def find(self, beginning: str) -> list[Session]:
        """Return the connections whose tunnel id (32 hexadecimal digits) has this beginning."""
        return [
            session for session in self if (session.facts.tunnel_id or "").startswith(beginning)
        ]

    async def wait_ended(self) -> None:
        """Wait until all connections of now have ended."""
        if self._tasks:
            await asyncio.wait(self._tasks.values())

    async def drain(
        self,
        error: TunnelGatewayError,
        seconds: float,
        insisted: Awaitable[object],
        stopping: Stopping,
        *,
        replaced: bool = False,
    ) -> None:
        """End connections without an open WebSocket at once, and the others after some time.

        Open tunnels have ``seconds`` to end by themselves, and less if ``insisted`` is done
        earlier. All clients are told ``error``, and ``stopping`` learns each step. ``replaced``:
        other daemons serve the port from now on, so connections that have begun here may open.
        """
        unopened = [] if replaced else [session for session in self if not session.open]
        stopping.begin(StopStep.UNOPENED_REFUSED, count=len(unopened))
        for session in unopened:
            session.stop(error)
        stopping.begin(StopStep.WAITING, count=len(self) - len(unopened), seconds=seconds)
        waiting = (asyncio.create_task(self.wait_ended()), asyncio.ensure_future(insisted))
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        stopping.begin(StopStep.REST_TOLD, count=len(self))
        for session in self:
            session.stop(error)
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=_LAST_WORDS_SECONDS)

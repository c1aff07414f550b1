"""All connections of the daemon: started, found by tunnel id, and brought to their end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from typing import Final

from tunnel_gateway.daemon.stopping import Stopping, StopStep
from tunnel_gateway.errors import TunnelGatewayError
from tunnel_gateway.gateway.resources import Resources
from tunnel_gateway.gateway.session import Session
from tunnel_gateway.transport.streams.stream import SocketStream

# After they were told to end: for the last alerts and log lines.
_LAST_WORDS_SECONDS: Final = 5.0


class Sessions:
    """The connections that are there, in the order in which they came."""

    def __init__(self) -> None:
        self._tasks: dict[Session, asyncio.Task[None]] = {}

    def __len__(self) -> int:
        return len(self._tasks)

    def __iter__(self) -> Iterator[Session]:
        return iter(tuple(self._tasks))

    def start(self, resources: Resources, stream: SocketStream) -> Session:
        """Serve a connection, with what is in use now."""
        session = Session(resources, stream)
        task = asyncio.create_task(session.run())
        self._tasks[session] = task
        task.add_done_callback(lambda _: self._tasks.pop(session))
        return session

    def find(self, beginning: str) -> list[Session]:
        """Return the connections whose tunnel's id (32 hexadecimal digits) begins so."""
        return [one for one in self if (one.facts.tunnel_id or "").startswith(beginning)]

    async def wait_ended(self) -> None:
        """Wait until all that are there now have ended."""
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
        """End what is not open at once; let the rest end by itself, and after that end it too.

        ``seconds`` is how long the rest may take; ``insisted`` cuts it short. All are told
        ``error``, and ``stopping`` is told each step. ``replaced``: others serve the port, who
        comes from now on comes to them, and what has begun here is opened too.
        """
        unopened = [] if replaced else [session for session in self if not session.open]
        stopping.begin(StopStep.UNOPENED_REFUSED, count=len(unopened))
        for session in unopened:
            session.stop(error)
        stopping.begin(StopStep.WAITING, count=len(self) - len(unopened), seconds=seconds)
        waiting = (asyncio.create_task(self.wait_ended()), asyncio.ensure_future(insisted))
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for one in waiting:
            one.cancel()
        stopping.begin(StopStep.REST_TOLD, count=len(self))
        for session in self:
            session.stop(error)
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=_LAST_WORDS_SECONDS)

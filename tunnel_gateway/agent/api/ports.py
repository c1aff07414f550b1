"""The ports on which pages find the agent, beside an E-IMZO that has ports of its own.

There are two pairs of ports. E-IMZO knows only the first pair. The agent serves it while no E-IMZO
wants it, and the second pair otherwise. It looks again every second: if the first pair is free, it
takes it; if an E-IMZO starts, it leaves the first pair, and E-IMZO finds its ports free. Once
opened, the second pair stays open, because pages may know it.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from tunnel_gateway.agent.api.dispatch import Dispatcher
from tunnel_gateway.agent.api.sockets import Callers, Listener
from tunnel_gateway.agent.neighbour import Starting, holder_of
from tunnel_gateway.agent.pages.oneshot import LOOPBACK
from tunnel_gateway.agent.threads import in_thread
from tunnel_gateway.errors import CannotListenError
from tunnel_gateway.observability.background import keep_running
from tunnel_gateway.observability.logs import get_logger

log = get_logger(__name__)

LOOK_SECONDS: Final = 1.0
# A process that hangs can also stop the program that reads its command line.
_PATIENCE_SECONDS: Final = 2.0
_CONNECT_SECONDS: Final = 0.5
NOT_KNOWN: Final = "another program; this system does not say which"


@dataclass(frozen=True, slots=True)
class Ports:
    """A pair of ports: ws for http pages, wss for https pages. 0 is any free port."""

    ws: int
    wss: int

    def __str__(self) -> str:
        return f"{self.ws}/{self.wss}"


PAIRS = (Ports(64646, 64443), Ports(64647, 64444))


class _Pair:
    """Both ports of a pair, open."""

    def __init__(self, ports: Ports, listeners: list[Listener]) -> None:
        self.ports = ports
        self._listeners = listeners

    async def leave(self) -> None:
        """Stop listening, and wait until the last page has closed its socket."""
        await asyncio.gather(*(listener.leave() for listener in self._listeners))

    async def close(self) -> None:
        """Close every socket."""
        await asyncio.gather(*(listener.close() for listener in self._listeners))


class PortKeeper:
    """Serves the API on exactly the ``wanted`` pair, or on the two pairs as they are free."""

    def __init__(
        self, dispatcher: Dispatcher, context: ssl.SSLContext, wanted: Ports | None = None
    ) -> None:
        self._dispatcher = dispatcher
        self._context = context
        self._wanted = wanted
        self._callers: Callers = Counter()
        self._starting = Starting()
        self._looking: asyncio.Future[bool] | None = None
        self._first: _Pair | None = None
        self._second: _Pair | None = None
        self._left: dict[asyncio.Task[None], _Pair] = {}
        self._cannot_leave = False
        self._keeping: asyncio.Task[None] | None = None

    async def start(self) -> tuple[Ports, str | None]:
        """Begin to serve; return the pair, and who has the first pair if it is not this agent.

        Raises CannotListenError.
        """
        if self._wanted is not None:
            self._first = await self._open(self._wanted)
            return self._first.ports, None
        self._keeping = keep_running("ports", self._round)
        starts = await self._e_imzo_starts()
        if not starts:
            with suppress(CannotListenError):
                self._first = await self._open(PAIRS[0])
                return self._first.ports, None
        holder = await holder_of_pair(PAIRS[0])
        if starts and holder == NOT_KNOWN:
            holder = "an E-IMZO that is starting"
        try:
            self._second = await self._open(PAIRS[1])
        except CannotListenError:
            held = f"{PAIRS[0]} by {holder}, {PAIRS[1]} by {await holder_of_pair(PAIRS[1])}"
            raise CannotListenError(f"other programs have the agent's ports: {held}") from None
        return self._second.ports, holder

    async def close(self) -> None:
        """Close every socket, and stop listening."""
        if self._keeping is not None:
            self._keeping.cancel()
        pairs = [self._first, self._second, *self._left.values()]
        await asyncio.gather(*(pair.close() for pair in pairs if pair is not None), *self._left)

    async def _round(self) -> None:
        await asyncio.sleep(LOOK_SECONDS)
        starts = await self._e_imzo_starts()
        if self._first is None:
            if not starts:
                await self._take_first()
        elif starts:
            await self._leave_first(self._first)
        else:
            self._cannot_leave = False

    async def _take_first(self) -> None:
        with suppress(CannotListenError):
            self._first = await self._open(PAIRS[0])
            log.info("first_ports_taken", ws=self._first.ports.ws, wss=self._first.ports.wss)

    async def _leave_first(self, first: _Pair) -> None:
        if self._second is None:
            try:
                self._second = await self._open(PAIRS[1])
            except CannotListenError as error:
                # Without any port, no page would find this agent.
                if not self._cannot_leave:
                    self._cannot_leave = True
                    log.warning("first_ports_kept", detail=str(error))
                return
        leaving = asyncio.create_task(first.leave())
        self._left[leaving] = first
        leaving.add_done_callback(self._left.pop)
        self._first = None
        log.info("first_ports_left", ws=self._second.ports.ws, wss=self._second.ports.wss)

    async def _open(self, ports: Ports) -> _Pair:
        """Listen on both ports, or on none. Raises CannotListenError."""
        listeners: list[Listener] = []
        numbers: list[int] = []
        try:
            for port, tls in ((ports.ws, None), (ports.wss, self._context)):
                await _expect_free(port)
                listener = Listener(self._dispatcher, port, tls, self._callers)
                numbers.append(await listener.start())
                listeners.append(listener)
        except BaseException:
            await asyncio.gather(*(listener.close() for listener in listeners))
            raise
        return _Pair(Ports(*numbers), listeners)

    async def _e_imzo_starts(self) -> bool:
        """Tell whether an E-IMZO is about to take the first pair."""
        if self._looking is None:
            self._looking = in_thread(self._starting.look)
        await asyncio.wait({self._looking}, timeout=_PATIENCE_SECONDS)
        if not self._looking.done():
            return False
        looked, self._looking = self._looking, None
        return looked.result()


async def holder_of_pair(ports: Ports) -> str:
    """Say who has a pair of ports, as far as the system tells."""
    for port in (ports.ws, ports.wss):
        looking = in_thread(partial(holder_of, port))
        await asyncio.wait({looking}, timeout=_PATIENCE_SECONDS)
        if looking.done() and (holder := looking.result()) is not None:
            return str(holder)
    return NOT_KNOWN


async def _expect_free(port: int) -> None:
    """Raise CannotListenError if a program listens on a port.

    Linux says this by itself. macOS lets a program bind an address on a port that another program
    has on all addresses.
    """
    if sys.platform != "linux" and await answers(port):
        raise CannotListenError(f"another program listens on {LOOPBACK}:{port}")


async def answers(port: int) -> bool:
    """Tell whether a program listens on a port, or is too busy to say."""
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(LOOPBACK, port)
    except TimeoutError:
        return True
    except OSError:
        return False
    writer.close()
    return True

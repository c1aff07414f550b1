"""The HTTP server for operators, on the loopback or on a Unix socket, with what every service has.

::

    GET  /healthz    200 while the event loop runs, with warnings
    GET  /readyz     200, or 503 and the reasons why no new work should come
    GET  /metrics    for Prometheus
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Final

from aiohttp import web

from tunnel_gateway.config.admin import AdminAddress
from tunnel_gateway.daemon.admin.admin_sockets import AdminSocket, listen
from tunnel_gateway.daemon.admin.guard import AdminProtocol, guard
from tunnel_gateway.daemon.admin.health import Health
from tunnel_gateway.errors import CannotListenError
from tunnel_gateway.observability.background import Loop, keep_running
from tunnel_gateway.observability.logs import get_logger
from tunnel_gateway.observability.loop_lag import measure_lag
from tunnel_gateway.observability.metrics import CONTENT_TYPE, Metrics

log = get_logger(__name__)

# Prometheus, a balancer, some operators. A connection above the limit closes the oldest one.
MAX_CONNECTIONS: Final = 64
# No request has a body of use.
_MAX_BODY: Final = 1024
_CREDENTIALS: Final = struct.Struct("3i")  # struct ucred of unix(7)


class AdminServer:
    """Answers operators at ``addresses``.

    A service adds its own ``routes``. ``loops`` are work that it needs only while somebody can ask.
    Without ``addresses`` only the loops run, for metrics that a service shows at its own address.
    """

    def __init__(
        self,
        addresses: tuple[AdminAddress, ...],
        health: Health,
        metrics: Metrics,
        routes: Iterable[web.RouteDef] = (),
        loops: Mapping[Loop, Callable[[], Awaitable[object]]] | None = None,
    ) -> None:
        self._addresses = addresses
        self._health = health
        self._metrics = metrics
        self._loops = loops or {}
        self._sockets: list[AdminSocket] = []
        self._servers: list[asyncio.Server] = []
        self._tasks: list[asyncio.Task[None]] = []
        application = web.Application(middlewares=[guard], client_max_size=_MAX_BODY)
        application.add_routes(
            [
                web.get("/healthz", self._healthz),
                web.get("/readyz", self._readyz),
                web.get("/metrics", self._show_metrics),
                *routes,
            ]
        )
        self._runner = web.AppRunner(application, access_log=None, handle_signals=False)

    async def start(self) -> None:
        """Listen, and start the loops. Raises CannotListenError."""
        await self._runner.setup()
        try:
            for address in self._addresses:
                await self._listen(address)
        except CannotListenError:
            await self.close()
            raise
        measure = partial(measure_lag, self._metrics.loop_lag.observe)
        self._tasks = [
            *(keep_running(name, a_round) for name, a_round in self._loops.items()),
            keep_running("loop_lag", measure),
        ]
        if self._addresses:
            log.info("admin_listening", addresses=list(map(str, self._addresses)))

    async def _listen(self, address: AdminAddress) -> None:
        loop = asyncio.get_running_loop()
        admin_socket = listen(address)
        self._sockets.append(admin_socket)
        create = loop.create_unix_server if address.path else loop.create_server
        self._servers.append(await create(self._protocol, sock=admin_socket.listening))

    async def close(self) -> None:
        """Stop answering."""
        for task in self._tasks:
            task.cancel()
        # The names go first: a daemon that starts now must not find a socket that nobody answers.
        for admin_socket in self._sockets:
            admin_socket.remove_name()
        for server in self._servers:
            server.close()
        await self._runner.cleanup()

    def _protocol(self) -> asyncio.Protocol:
        server = self._runner.server
        assert server is not None  # noqa: S101 (start has set it up)
        # Several connections can come at once, and closed ones are still in the list: so close all
        # connections above the limit and not only one.
        for oldest in server.connections[: 1 - MAX_CONNECTIONS]:
            oldest.force_close()
        return AdminProtocol(server)

    # --- answers ---------------------------------------------------------------------------

    async def _healthz(self, _: web.Request) -> web.Response:
        lines = ("ok", *(f"warning: {text}" for text in self._health.warnings()))
        return web.Response(text="".join(f"{line}\n" for line in lines))

    async def _readyz(self, _: web.Request) -> web.Response:
        reasons = self._health.not_ready()
        if reasons:
            return web.Response(status=503, text="".join(f"{reason}\n" for reason in reasons))
        return web.Response(text="ready\n")

    async def _show_metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=await self._metrics.read(), headers={"Content-Type": CONTENT_TYPE})


def uid_of(request: web.Request) -> int:
    """Return the user at the other end of a Unix socket; -1 if the connection has gone."""
    connected = request.get_extra_info("socket")
    if connected is None:
        return -1
    credentials = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    uid: int = _CREDENTIALS.unpack(credentials)[1]
    return uid

"""What the gateway answers its operators, by http on the loopback or on a Unix socket.

::

    GET  /healthz              200 while the event loop runs, with warnings
    GET  /readyz               200, or 503 and why no new tunnels should come
    GET  /metrics              for Prometheus
    GET  /status, /status.json the state, for people and for programs
    POST /tunnels/ID/close     ends a tunnel, by 8 digits of its id or more; on a Unix socket only
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from functools import partial
from typing import Any, Final

from aiohttp import web

from tunnel_gateway.config.admin import AdminAddress
from tunnel_gateway.daemon.admin.admin_sockets import AdminSocket, listen
from tunnel_gateway.daemon.admin.guard import AdminProtocol, guard
from tunnel_gateway.errors import CannotListenError, OperatorClosedError
from tunnel_gateway.gateway.admin.overview import Overview
from tunnel_gateway.gateway.admin.page import STYLE, page
from tunnel_gateway.gateway.admin.status_json import Status
from tunnel_gateway.observability.background import keep_running
from tunnel_gateway.observability.logs import get_logger
from tunnel_gateway.observability.loop_lag import measure_lag
from tunnel_gateway.observability.metrics import CONTENT_TYPE, Metrics
from tunnel_gateway.observability.process import Process

log = get_logger(__name__)

# Prometheus, a balancer, some operators; whoever comes next takes the place of the oldest.
MAX_CONNECTIONS: Final = 64
_MAX_BODY: Final = 1024
_CREDENTIALS: Final = struct.Struct("3i")  # struct ucred of unix(7)


class Admin:
    """The answers to what operators ask, at ``addresses``."""

    def __init__(
        self, addresses: tuple[AdminAddress, ...], overview: Overview, metrics: Metrics
    ) -> None:
        self._addresses = addresses
        self._overview = overview
        self._metrics = metrics
        self._process = Process()
        self._status = Status(overview)
        self._sockets: list[AdminSocket] = []
        self._servers: list[asyncio.Server] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._runner = web.AppRunner(self._application(), access_log=None, handle_signals=False)
        overview.watch(metrics)
        metrics.watch(self._process.states)

    async def start(self) -> None:
        """Listen, and look after what is asked for. Raises CannotListenError."""
        await self._runner.setup()
        try:
            for address in self._addresses:
                await self._listen(address)
        except CannotListenError:
            await self.close()
            raise
        if self._addresses:
            measure = partial(measure_lag, self._metrics.loop_lag.observe)
            self._tasks = [
                keep_running("probes", self._overview.probes.round),
                keep_running("loop_lag", measure),
            ]
            log.info("admin_listening", addresses=[str(one) for one in self._addresses])

    async def _listen(self, address: AdminAddress) -> None:
        loop = asyncio.get_running_loop()
        one = listen(address)
        self._sockets.append(one)
        create = loop.create_unix_server if address.path else loop.create_server
        self._servers.append(await create(self._protocol, sock=one.listening))

    async def close(self) -> None:
        """Stop answering."""
        for task in self._tasks:
            task.cancel()
        for one in self._sockets:
            one.remove_name()
        for server in self._servers:
            server.close()
        await self._runner.cleanup()

    def _protocol(self) -> asyncio.Protocol:
        server = self._runner.server
        assert server is not None  # noqa: S101 (set up before)
        # All that are too many: several come at once, and those that are closed are there still.
        for oldest in server.connections[: 1 - MAX_CONNECTIONS]:
            oldest.force_close()
        return AdminProtocol(server)

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[guard], client_max_size=_MAX_BODY)
        application.add_routes(
            [
                web.get("/healthz", self._healthz),
                web.get("/readyz", self._readyz),
                web.get("/metrics", self._show_metrics),
                web.get("/", self._show_page),
                web.get("/status", self._show_page),
                web.get("/status.css", self._style),
                web.get("/status.json", self._show_json),
                web.post("/tunnels/{id:[0-9a-f]{8,32}}/close", self._close_tunnel),
            ]
        )
        return application

    # --- answers ---------------------------------------------------------------------------

    async def _healthz(self, _: web.Request) -> web.Response:
        lines = ("ok", *(f"warning: {one}" for one in self._overview.warnings()))
        return web.Response(text="".join(f"{line}\n" for line in lines))

    async def _readyz(self, _: web.Request) -> web.Response:
        reasons = self._overview.not_ready()
        if reasons:
            return web.Response(status=503, text="".join(f"{one}\n" for one in reasons))
        return web.Response(text="ready\n")

    async def _show_metrics(self, _: web.Request) -> web.Response:
        await asyncio.to_thread(self._process.look)
        return web.Response(body=self._metrics.text(), headers={"Content-Type": CONTENT_TYPE})

    async def _show_page(self, _: web.Request) -> web.Response:
        return web.Response(text=page(await self._status.make()), content_type="text/html")

    async def _style(self, _: web.Request) -> web.Response:
        return web.Response(text=STYLE, content_type="text/css")

    async def _show_json(self, _: web.Request) -> web.Response:
        return _json(await self._status.make())

    async def _close_tunnel(self, request: web.Request) -> web.Response:
        found = self._overview.sessions.find(request.match_info["id"])
        if not found:
            return _json({"error": "no tunnel has this id now"}, status=404)
        if len(found) > 1:
            return _json({"error": f"{len(found)} tunnels begin so: give more digits"}, status=409)
        (session,) = found
        tunnel_id = session.account.tunnel_id
        uid = _uid(request)
        log.info("tunnel_close_asked", tunnel_id=tunnel_id, uid=uid)
        self._overview.resources().reports.audit.action("close", tunnel_id=tunnel_id, uid=uid)
        session.stop(OperatorClosedError("closed by an operator"))
        return _json({"closed": tunnel_id})


def _json(value: Any, status: int = 200) -> web.Response:
    text = json.dumps(value, indent=1, ensure_ascii=False) + "\n"
    return web.Response(status=status, text=text, content_type="application/json")


def _uid(request: web.Request) -> int:
    """Return the user at the other end of a Unix socket; -1 if he has gone."""
    found = request.get_extra_info("socket")
    if found is None:
        return -1
    credentials = found.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    uid: int = _CREDENTIALS.unpack(credentials)[1]
    return uid

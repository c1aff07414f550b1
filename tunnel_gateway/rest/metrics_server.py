"""``metrics.server.*``: an address of its own for Prometheus, as the vendor's server has."""

from __future__ import annotations

import socket
from typing import Final

from aiohttp import web

from tunnel_gateway.config.rest import MetricsSettings
from tunnel_gateway.errors import CannotListenError
from tunnel_gateway.observability.metrics import CONTENT_TYPE, Metrics
from tunnel_gateway.transport.streams.listener import bound_socket

_PATHS: Final = ("/metrics", "/")
_MAX_BODY: Final = 1024


class MetricsServer:
    """Answers Prometheus, at any path that the vendor's server answers."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        application = web.Application(client_max_size=_MAX_BODY)
        application.add_routes([web.get(path, self._show) for path in _PATHS])
        self._runner = web.AppRunner(application, access_log=None, handle_signals=False)
        self._socket: socket.socket | None = None

    def listen(self, settings: MetricsSettings) -> None:
        """Take the address and the port. Raises CannotListenError."""
        try:
            self._socket = bound_socket(settings.ip, settings.port, shared=False)
        except OSError as error:
            raise CannotListenError(
                f"{error.strerror}; see metrics.server.listen.ip and .port"
            ) from None

    async def start(self) -> None:
        """Answer from now on, if there is a port."""
        if self._socket is not None:
            await self._runner.setup()
            await web.SockSite(self._runner, self._socket).start()

    async def close(self) -> None:
        """Stop answering."""
        if self._socket is not None:
            self._socket.close()
            await self._runner.cleanup()

    async def _show(self, _: web.Request) -> web.Response:
        return web.Response(body=await self._metrics.read(), headers={"Content-Type": CONTENT_TYPE})

"""The answers of the gateway to its operators, besides health and metrics.

::

    GET  /status, /status.json the state, for people and for programs
    POST /tunnels/ID/close     ends a tunnel, by 8 digits of its id or more; on a Unix socket only
"""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from tunnel_gateway.config.admin import AdminAddress
from tunnel_gateway.daemon.admin.admin_server import AdminServer, uid_of
from tunnel_gateway.daemon.audit.audit_trail import Audit
from tunnel_gateway.errors import OperatorClosedError
from tunnel_gateway.gateway.admin.overview import Overview
from tunnel_gateway.gateway.admin.page import STYLE, page
from tunnel_gateway.gateway.admin.status_json import StatusJson
from tunnel_gateway.observability.logs import get_logger
from tunnel_gateway.observability.metrics import Metrics

log = get_logger(__name__)


def admin_server(
    addresses: tuple[AdminAddress, ...], overview: Overview, metrics: Metrics, audit: Audit
) -> AdminServer:
    """Return the admin server of a gateway; its ``metrics`` show the overview from now on."""
    overview.watch(metrics)
    routes = _Routes(overview, audit)
    table = [
        web.get("/", routes.page),
        web.get("/status", routes.page),
        web.get("/status.css", routes.style),
        web.get("/status.json", routes.status),
        web.post("/tunnels/{id:[0-9a-f]{8,32}}/close", routes.close_tunnel),
    ]
    return AdminServer(
        addresses, overview.health, metrics, routes=table, loops={"probes": overview.probes.round}
    )


class _Routes:
    """Answers requests from what an overview shows, and records what operators do."""

    def __init__(self, overview: Overview, audit: Audit) -> None:
        self._overview = overview
        self._audit = audit
        self._status = StatusJson(overview)

    async def page(self, _: web.Request) -> web.Response:
        return web.Response(text=page(await self._status.make()), content_type="text/html")

    async def style(self, _: web.Request) -> web.Response:
        return web.Response(text=STYLE, content_type="text/css")

    async def status(self, _: web.Request) -> web.Response:
        return _json(await self._status.make())

    async def close_tunnel(self, request: web.Request) -> web.Response:
        sessions = self._overview.sessions.find(request.match_info["id"])
        if not sessions:
            return _json({"error": "no tunnel has this id now"}, status=404)
        if len(sessions) > 1:
            text = f"{len(sessions)} tunnels begin so: give more digits"
            return _json({"error": text}, status=409)
        (session,) = sessions
        tunnel_id = session.facts.tunnel_id
        uid = uid_of(request)
        log.info("tunnel_close_asked", tunnel_id=tunnel_id, uid=uid)
        self._audit.record("close", {"tunnel_id": tunnel_id, "uid": uid})
        session.stop(OperatorClosedError("closed by an operator"))
        return _json({"closed": tunnel_id})


def _json(value: Any, status: int = 200) -> web.Response:
    text = json.dumps(value, indent=1, ensure_ascii=False) + "\n"
    return web.Response(status=status, text=text, content_type="application/json")

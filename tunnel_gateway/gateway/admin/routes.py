"""The operators' view of the tunnels, and how they end one.

::

    POST /tunnels/ID/close     ends a tunnel, by 8 digits of its id or more; on a Unix socket only
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from aiohttp import web

from tunnel_gateway.daemon.admin.admin_server import uid_of
from tunnel_gateway.daemon.admin.console import json_answer
from tunnel_gateway.daemon.audit.audit_trail import Audit
from tunnel_gateway.errors import OperatorClosedError
from tunnel_gateway.gateway.admin.overview import Overview
from tunnel_gateway.gateway.admin.sections import sections
from tunnel_gateway.gateway.admin.status_json import StatusJson
from tunnel_gateway.observability.background import Loop
from tunnel_gateway.observability.logs import get_logger

log = get_logger(__name__)


class TunnelOperators:
    """Answers requests from what an overview shows, and records what operators do."""

    def __init__(self, overview: Overview, audit: Audit) -> None:
        self._overview = overview
        self._audit = audit
        self._status = StatusJson(overview)

    def routes(self) -> Iterable[web.RouteDef]:
        """Return the way to end a tunnel."""
        return [web.post("/tunnels/{id:[0-9a-f]{8,32}}/close", self._close_tunnel)]

    def loops(self) -> Mapping[Loop, Callable[[], Awaitable[object]]]:
        """Return the probes of the destinations."""
        return {"probes": self._overview.probes.round}

    async def state(self) -> dict[str, Any]:
        """Return the tunnels' part of the state."""
        return await self._status.make()

    def sections(self, state: Mapping[str, Any]) -> Iterable[str]:
        """Yield the HTML of this part."""
        return sections(state)

    async def _close_tunnel(self, request: web.Request) -> web.Response:
        sessions = self._overview.sessions.find(request.match_info["id"])
        if not sessions:
            return json_answer({"error": "no tunnel has this id now"}, status=404)
        if len(sessions) > 1:
            text = f"{len(sessions)} tunnels begin so: give more digits"
            return json_answer({"error": text}, status=409)
        (session,) = sessions
        tunnel_id = session.facts.tunnel_id
        uid = uid_of(request)
        log.info("tunnel_close_asked", tunnel_id=tunnel_id, uid=uid)
        self._audit.record("close", {"tunnel_id": tunnel_id, "uid": uid})
        session.stop(OperatorClosedError("closed by an operator"))
        return json_answer({"closed": tunnel_id})

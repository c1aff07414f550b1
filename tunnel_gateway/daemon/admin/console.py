"""The state of the daemon and its services, for people and for their programs.

::

    GET  /, /status     for people
    GET  /status.json   for programs
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from aiohttp import web

from tunnel_gateway.config.admin import AdminAddress
from tunnel_gateway.daemon.admin.admin_server import AdminServer
from tunnel_gateway.daemon.admin.health import Health
from tunnel_gateway.daemon.admin.page import STYLE, page
from tunnel_gateway.daemon.admin.state import State
from tunnel_gateway.daemon.service import Operators, Shared


def admin_server(
    addresses: tuple[AdminAddress, ...],
    shared: Shared,
    health: Health,
    limits: Callable[[], Iterable[tuple[str, int, int]]],
    operators: Sequence[Operators],
) -> AdminServer:
    """Return the admin server of a daemon, with the answers of its services."""
    console = _Console(State(shared, health, limits, operators), operators)
    table = [
        web.get("/", console.page),
        web.get("/status", console.page),
        web.get("/status.css", console.style),
        web.get("/status.json", console.state),
    ]
    return AdminServer(
        addresses,
        health,
        shared.metrics,
        routes=[*table, *(route for service in operators for route in service.routes())],
        loops={name: work for service in operators for name, work in service.loops().items()},
    )


def json_answer(value: Any, status: int = 200) -> web.Response:
    """Return an answer for programs that people can read, too."""
    text = json.dumps(value, indent=1, ensure_ascii=False) + "\n"
    return web.Response(status=status, text=text, content_type="application/json")


class _Console:
    def __init__(self, state: State, operators: Sequence[Operators]) -> None:
        self._state = state
        self._operators = operators

    async def page(self, _: web.Request) -> web.Response:
        state = await self._state.make()
        sections = (part for service in self._operators for part in service.sections(state))
        return web.Response(text=page(state, sections), content_type="text/html")

    async def style(self, _: web.Request) -> web.Response:
        return web.Response(text=STYLE, content_type="text/css")

    async def state(self, _: web.Request) -> web.Response:
        return json_answer(await self._state.make())

"""What operators may do with tunnels, by parts; tests/scenarios/test_admin.py has real gateways."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.support.admin import Operator, overview
from tests.support.credentials import FIRST_DOMAIN, Credentials
from tests.support.house import house
from tunnel_gateway.config.admin import AdminAddress
from tunnel_gateway.daemon.admin.admin_server import AdminServer
from tunnel_gateway.daemon.admin.health import Health
from tunnel_gateway.daemon.audit.audit_trail import Audit
from tunnel_gateway.daemon.service import Shared
from tunnel_gateway.daemon.stopping import Stopping
from tunnel_gateway.daemon.workers import Workers
from tunnel_gateway.gateway.admin.routes import TunnelOperators


async def test_a_tunnel_that_is_not_there(credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path) as home:
        address = AdminAddress(path=tmp_path / "admin.sock")
        operators = TunnelOperators(overview(home), Audit())
        shared = Shared(Audit(), home.metrics, Workers(), home.memory, Stopping())
        health = Health(shared, [])
        admin = AdminServer((address,), health, home.metrics, routes=operators.routes())
        await admin.start()
        answer = await asyncio.to_thread(Operator(tmp_path / "admin.sock").close, "0" * 8)
        assert (answer.status, answer.json) == (404, {"error": "no tunnel has this id now"})
        await admin.close()


async def test_the_tunnels_part_of_the_state(credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path) as home:
        seen = overview(home)
        operators = TunnelOperators(seen, Audit())
        assert operators.loops() == {"probes": seen.probes.round}
        state = await operators.state()
        assert {one["domain"] for one in state["domains"]} >= {FIRST_DOMAIN}
        assert FIRST_DOMAIN in "".join(operators.sections(state))

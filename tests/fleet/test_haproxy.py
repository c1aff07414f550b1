"""HAProxy at the other end: it reads the header that the gateway tells a destination by."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.support.admin import Operator
from tests.support.credentials import FIRST_DOMAIN, Credentials
from tests.support.fleet import find_or_skip
from tests.support.processes import (
    LOOPBACK,
    TIME_LIMIT,
    Agent,
    Api,
    Gateway,
    Program,
    ReservedPort,
    wait_until,
)
from tunnel_gateway.cli.check import findings as check
from tunnel_gateway.daemon.findings import Finding

# What stands before an application: it refuses whoever comes without a header, and what it has
# read from it becomes headers of the request.
BEFORE_THE_APPLICATION = """
defaults
    mode http
    timeout connect 60s
    timeout client 60s
    timeout server 60s
frontend application
    bind 127.0.0.1:{port} accept-proxy
    http-request set-header X-Told-Source %[src]:%[src_port]
    http-request set-header X-Told-Reached %[dst]:%[dst_port]
    http-request set-header X-Told-Domain %[fc_pp_authority]
    http-request set-header X-Told-Tunnel %[fc_pp_unique_id]
    default_backend application
backend application
    server application 127.0.0.1:{application}
"""
RUN = "import os, sys; os.execv(sys.argv[1], sys.argv[1:])"


@contextmanager
def before(api: Api, folder: Path) -> Iterator[int]:
    """Run HAProxy before the application, and give its port."""
    reserved = ReservedPort()
    config = folder / "haproxy.cfg"
    text = BEFORE_THE_APPLICATION.format(port=reserved.number, application=api.port)
    config.write_text(text, encoding="ascii")
    program = Program("HAProxy", "-c", RUN, find_or_skip("haproxy"), "-db", "-f", str(config))

    def listening() -> bool:
        with suppress(OSError), socket.create_connection((LOOPBACK, reserved.number)):
            return True
        return False

    wait_until(listening, "HAProxy before the application")
    reserved.close()
    yield reserved.number
    program.stop()


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_it_reads_what_the_gateway_tells(
    version: str, credentials: Credentials, api: Api, tmp_path: Path
) -> None:
    with before(api, tmp_path) as port:
        settings = {"destination.api.proxy": version}
        gateway = Gateway(credentials, tmp_path, {"api": port}, settings)
        agent = Agent(credentials, gateway.port)
        host, number = agent.address()
        with connect(
            f"ws://{host}:{number}/",
            origin=Origin(f"https://{FIRST_DOMAIN}"),
            proxy=None,
            open_timeout=TIME_LIMIT,
        ) as page:
            page.send("/request")
            headers = dict(json.loads(page.recv(TIME_LIMIT))[1])
        assert agent.exit_code() == 0
        line = gateway.logged("tunnel_closed")
        (finding,) = (one for one in findings(gateway.config) if one.area == "destination")
        assert gateway.stop() == 0
        gateway.check_log()
    told = {name: value for name, value in headers.items() if name.lower().startswith("x-told")}
    assert told.pop("x-told-source") == line["client"]
    assert told.pop("x-told-reached") == f"{LOOPBACK}:{gateway.port}"
    extra = [FIRST_DOMAIN, agent.tunnel_id] if version == "v2" else ["", ""]
    assert [told.pop("x-told-domain"), told.pop("x-told-tunnel")] == extra
    assert not told
    # `check` has spoken to it in the same way.
    assert finding.status == "ok", finding


def findings(config: Path) -> list[Finding]:
    async def collect() -> list[Finding]:
        return [one async for one in check(config)]

    return asyncio.run(collect())


ASKS_THE_ADMIN_ADDRESS = """
defaults
    mode tcp
    timeout connect 60s
    timeout client 60s
    timeout server 60s
frontend state
    mode http
    bind 127.0.0.1:{port}
    http-request return status 200 content-type text/plain lf-string "%[nbsrv(gateways)]"
backend gateways
    option httpchk GET /readyz
    server one 127.0.0.1:{gateway} check port {admin} inter 100ms rise 1 fall 1
"""


def test_its_plain_health_check_is_answered(
    credentials: Credentials, api: Api, tmp_path: Path
) -> None:
    """``option httpchk`` by itself speaks HTTP/1.0 and sends no Host."""
    admin, state = ReservedPort(), ReservedPort()
    settings = {"admin.listen": f"{LOOPBACK}:{admin.number}", "drain.timeout": 0}
    gateway = Gateway(credentials, tmp_path, {"api": api.port}, settings)
    text = ASKS_THE_ADMIN_ADDRESS.format(
        port=state.number, gateway=gateway.port, admin=admin.number
    )
    config = tmp_path / "haproxy.cfg"
    config.write_text(text, encoding="ascii")
    program = Program("HAProxy", "-c", RUN, find_or_skip("haproxy"), "-db", "-f", str(config))

    def alive() -> str:
        try:
            return Operator(state.number).ask("/").text
        except OSError:
            return ""

    wait_until(lambda: alive() == "1" and Operator(admin.number).ask("/readyz").status == 200, "up")
    gateway.stop()
    wait_until(lambda: alive() == "0", "down")
    program.stop()
    admin.close()
    state.close()

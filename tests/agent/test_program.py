"""The agent put together; tests/scenarios/test_agent_*.py run it as a process."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.credentials import Credentials
from tests.support.loopback import LOOPBACK, TIME_LIMIT
from tests.support.pki import MADE, user
from tunnel_gateway.agent.api.local_certificate import LocalCertificate
from tunnel_gateway.agent.api.ports import Ports
from tunnel_gateway.agent.keys.passwords import PasswordFile
from tunnel_gateway.agent.program import AgentProgram
from tunnel_gateway.agent.settings import load_settings
from tunnel_gateway.errors import CannotListenError, FileError
from tunnel_gateway.pki.authority import ROOT, issue
from tunnel_gateway.pki.certificates.certificate import to_pem

NUMBERS = (signal.SIGTERM, signal.SIGINT)


def program(folder: Path, text: str = "") -> AgentProgram:
    path = folder / "agent.properties"
    path.write_text(text, encoding="utf-8")
    settings = load_settings(path, None)
    return AgentProgram(settings, PasswordFile(folder / "p"), LocalCertificate(folder / "state"))


@pytest.fixture
async def signals() -> AsyncIterator[None]:
    before = [signal.getsignal(number) for number in NUMBERS]
    yield
    for number, handler in zip(NUMBERS, before, strict=True):
        asyncio.get_running_loop().remove_signal_handler(number)
        signal.signal(number, handler)


@pytest.mark.usefixtures("signals")
async def test_it_serves_until_a_signal(tmp_path: Path) -> None:
    announced: asyncio.Future[Ports] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(
        program(tmp_path).serve(Ports(0, 0), lambda ports, _: announced.set_result(ports))
    )
    async with asyncio.timeout(TIME_LIMIT):
        ports = await announced
        for port in (ports.ws, ports.wss):
            _, writer = await asyncio.open_connection(LOOPBACK, port)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
        os.kill(os.getpid(), signal.SIGTERM)
        await serving


@pytest.mark.usefixtures("signals")
async def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotListenError, match=str(port)):
            await program(tmp_path).serve(Ports(0, port), print)


def test_files_that_are_no_certificates(tmp_path: Path, credentials: Credentials) -> None:
    (tmp_path / "x").write_text("x")
    for key in ("agent.truststore.file", "agent.apikey.issuers"):
        with pytest.raises(FileError):
            program(tmp_path, f"{key}=x")


def test_a_root_for_stp_alone(tmp_path: Path) -> None:
    """The same file is refused as a truststore: only the other key takes a plain root."""
    plain = replace(ROOT, is_ca=False, path_length=None, key_usage=None)
    root = issue(None, [("CN", "Plain Root")], plain, now=MADE, entropy=os.urandom).leaf
    (tmp_path / "root.pem").write_bytes(to_pem([root]))
    made = program(tmp_path, "agent.stp.root.file=root.pem\n")
    assert made._tunnels._stp_validator is not None
    assert made._tunnels._validator is None
    with pytest.raises(FileError, match="is not a CA certificate"):
        program(tmp_path, "agent.truststore.file=root.pem\n")
    (tmp_path / "root.pem").write_bytes(to_pem([user().leaf]))
    with pytest.raises(FileError, match="is not a CA certificate"):
        program(tmp_path, "agent.stp.root.file=root.pem\n")

"""The answer at a port: of an agent, of an E-IMZO, of a stranger, or none."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve

from tests.support.e_imzo import EImzo
from tests.support.loopback import LOOPBACK
from tests.support.processes import ReservedPort
from tunnel_gateway.agent.api import port_answer
from tunnel_gateway.agent.api.apikey import ApiKeys
from tunnel_gateway.agent.api.dispatch import Dispatcher
from tunnel_gateway.agent.api.port_answer import Kind, PortAnswer, ask_version
from tunnel_gateway.agent.api.ports import PortKeeper, Ports


async def test_an_agent() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    keeper = PortKeeper(Dispatcher([], ApiKeys()), context, Ports(0, 0))
    ports, _ = await keeper.start()
    answer = await ask_version(ports.ws)
    await keeper.close()
    assert answer == PortAnswer(Kind.AGENT)
    assert str(answer) == "an agent of this user"


async def test_an_e_imzo(tmp_path: Path) -> None:
    reserved = ReservedPort()
    reserved.close()
    with EImzo(tmp_path, [reserved.number], name="imzo-answer"):
        answer = await ask_version(reserved.number)
    assert answer == PortAnswer(Kind.E_IMZO, "6.4.7")
    assert str(answer) == "it answers as version 6.4.7"


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (b"salom\r\n\r\n", Kind.STRANGE),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", Kind.REFUSES),
        (b"", Kind.STRANGE),
    ],
)
async def test_a_stranger(words: bytes, kind: Kind) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(words)
        writer.close()

    server = await asyncio.start_server(serve, LOOPBACK, 0)
    async with server:
        assert (await ask_version(server.sockets[0].getsockname()[1])).kind is kind


@pytest.mark.parametrize("answer", ["[" * 60_000, "[]", "salom"])
async def test_an_answer_that_is_none(answer: str) -> None:
    async def reply(socket: ServerConnection) -> None:
        await socket.recv()
        await socket.send(answer)

    async with serve(reply, LOOPBACK, 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        assert (await ask_version(port)).kind is Kind.STRANGE


async def test_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(port_answer, "_SECONDS", 0.1)
    done = asyncio.Event()

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await done.wait()
        writer.close()

    server = await asyncio.start_server(serve, LOOPBACK, 0)
    async with server:
        answer = await ask_version(server.sockets[0].getsockname()[1])
        done.set()
    assert answer.kind is Kind.SILENT

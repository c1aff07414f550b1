from __future__ import annotations

import asyncio
import socket
from base64 import b64encode

import pytest

from tests.support.rest import Connected, Echo, running, until
from tunnel_gateway.rest import responses
from tunnel_gateway.rest.answers import Base64, refused, success
from tunnel_gateway.rest.call import Call, Wanted
from tunnel_gateway.rest.responses import headers_of
from tunnel_gateway.rest.statuses import Fields, Reason, Refusal
from tunnel_gateway.user_language import Language


class Large(Echo):
    async def answer(self, call: Call) -> Fields:
        return {"documentBase64": Base64(bytes(4 * 1024 * 1024))}


async def test_a_client_that_does_not_read_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(responses, "SEND_SECONDS", 0.3)
    async with running([Large("/frontend/large", Wanted(), "GET")]) as run:
        plain = socket.socket()
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        plain.setblocking(False)
        await asyncio.get_running_loop().sock_connect(plain, ("127.0.0.1", run.port))
        with plain:
            await asyncio.get_running_loop().sock_sendall(
                plain, b"GET /frontend/large HTTP/1.1\r\nHost: a\r\n\r\n"
            )
            await until(lambda: run.server.handler.in_progress)
            await until(lambda: not run.server.handler.in_progress)
            await until(lambda: not len(run.server))


async def test_a_slow_reader_that_goes_on_gets_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(responses, "SEND_SECONDS", 1.0)
    async with running([Large("/frontend/large", Wanted(), "GET")]) as run:
        reader, writer = await asyncio.open_connection("127.0.0.1", run.port, limit=65_536)
        run.clients.append(Connected(reader, writer))
        writer.write(b"GET /frontend/large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        text = b""
        while piece := await reader.read(1024 * 1024):
            text += piece
            await asyncio.sleep(0.02)
        assert b64encode(bytes(4 * 1024 * 1024)) in text


@pytest.mark.parametrize("reason", Reason)
def test_a_client_is_told_when_to_come_back(reason: Reason) -> None:
    headers = headers_of(refused(Refusal(reason), Language.UZBEK))
    temporary = {"too_many_calls", "overloaded", "stopping", "challenges_away"}
    assert ("Retry-After" in headers) == (reason in temporary)
    assert headers["Cache-Control"] == "no-store"


def test_success_is_not_to_be_kept_either() -> None:
    assert headers_of(success({}))["Cache-Control"] == "no-store"

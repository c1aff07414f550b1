"""The service's sockets; most of what they do is in tests/scenarios/test_agent_service.py."""

from __future__ import annotations

import asyncio
import io
import json
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

from tests.support.log_lines import read_records
from tests.support.loopback import LOOPBACK, TIME_LIMIT
from tests.support.page import VENDOR_KEYS
from tunnel_gateway.agent.api import sockets
from tunnel_gateway.agent.api.apikey import ApiKeys
from tunnel_gateway.agent.api.dispatch import Dispatcher
from tunnel_gateway.agent.api.sockets import PATH, Listener
from tunnel_gateway.agent.calls import Caller, Function, Result
from tunnel_gateway.errors import CannotListenError
from tunnel_gateway.observability.few_lines import LINES


def frame(opcode: Opcode, data: bytes) -> bytes:
    return Frame(opcode, data).serialize(mask=True)


CALL = frame(Opcode.TEXT, b'{"name":"version"}')
REQUEST = (
    f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
).encode()
PINGS = frame(Opcode.PING, b"p" * 125) * 1000


class Slow:
    """A function that ends only when its call does."""

    def __init__(self) -> None:
        self.called = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def __call__(self, caller: Caller, arguments: Sequence[str]) -> Result:
        self.called.set()
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return {}


@asynccontextmanager
async def listening(slow: Slow | None = None) -> AsyncIterator[tuple[Listener, int]]:
    function = Function("test", "wait", (), "waits", slow or Slow())
    made = Listener(Dispatcher([function], ApiKeys()), 0)
    port = await made.start()
    try:
        async with asyncio.timeout(TIME_LIMIT):
            yield made, port
    finally:
        await made.close()


def page(port: int, **options: Any) -> Any:
    options = {"origin": "http://localhost", "proxy": None} | options
    return connect(f"ws://{LOOPBACK}:{port}{PATH}", **options)


async def end_of(connection: ClientConnection) -> int | None:
    with pytest.raises(ConnectionClosed) as caught:
        await connection.recv()
    return caught.value.rcvd.code if caught.value.rcvd else None


async def begin_call(connection: ClientConnection, slow: Slow) -> None:
    await connection.send(json.dumps({"name": "apikey", "arguments": VENDOR_KEYS}))
    await connection.recv()
    await connection.send('{"plugin":"test","name":"wait"}')
    await slow.called.wait()


async def test_a_page_that_leaves_ends_its_call() -> None:
    slow = Slow()
    async with listening(slow) as (_, port), page(port) as connection:
        await begin_call(connection, slow)
        await connection.close()
        await slow.cancelled.wait()


async def test_stopping_ends_calls_too() -> None:
    slow = Slow()
    async with listening(slow) as (made, port), page(port) as connection:
        await begin_call(connection, slow)
        await made.close()
        await slow.cancelled.wait()
        assert await end_of(connection) == 1001


async def test_silence_ends_a_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "SILENCE_SECONDS", 0.05)
    async with listening() as (_, port), page(port) as connection:
        assert await end_of(connection) == 1000


async def test_a_request_that_does_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "REQUEST_SECONDS", 0.05)
    async with listening() as (_, port):
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        writer.write(b"GET /")
        assert await reader.read() == b""
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def version(connection: ClientConnection) -> bool:
    await connection.send('{"name":"version"}')
    return bool(json.loads(await connection.recv())["success"])


async def test_who_holds_every_place_keeps_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "MAX_CONNECTIONS", 2)
    async with listening() as (_, port):
        held = [await page(port, origin=f"http://{name}.yomon.uz") for name in "ab"]
        async with page(port) as connection:
            assert await version(connection)
            assert await end_of(held[0]) is None
            assert await version(held[1])
        await held[1].close()


async def test_of_too_many_a_page_with_a_key_and_a_call_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sockets, "MAX_CONNECTIONS", 2)
    slow = Slow()
    async with listening(slow) as (_, port), page(port) as busy, page(port) as idle:
        await busy.send(json.dumps({"name": "apikey", "arguments": VENDOR_KEYS}))
        await busy.recv()
        await busy.send('{"plugin":"test","name":"wait"}')
        await slow.called.wait()
        async with page(port) as third:
            assert await end_of(idle) is None
            async with page(port, origin="http://yomon.uz") as stranger:
                assert await end_of(third) is None
                async with page(port) as fourth:
                    assert await end_of(stranger) is None
                    assert await version(fourth)
        assert not slow.cancelled.is_set()


async def test_the_last_place_is_not_taken_from_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "MAX_CONNECTIONS", 1)
    slow = Slow()
    async with listening(slow) as (_, port), page(port) as busy:
        await busy.send(json.dumps({"name": "apikey", "arguments": VENDOR_KEYS}))
        await busy.recv()
        await busy.send('{"plugin":"test","name":"wait"}')
        await slow.called.wait()
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        assert not slow.cancelled.is_set()


async def test_pings_without_end_end_the_socket() -> None:
    async with listening() as (_, port), page(port, ping_interval=None) as connection:
        for _ in range(sockets.MAX_PINGS):
            await (await connection.ping())
        assert await version(connection)
        with suppress(ConnectionClosed):
            for _ in range(sockets.MAX_PINGS + 1):
                await connection.ping()
        assert await end_of(connection) == 1002


@asynccontextmanager
async def flooding(port: int, data: bytes) -> AsyncIterator[asyncio.Task[None]]:
    """A page that sends ``data`` again and again and reads no answer, until it is cut off."""
    loop = asyncio.get_running_loop()
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.setblocking(False)
        await loop.sock_connect(connection, (LOOPBACK, port))
        await loop.sock_sendall(connection, REQUEST)

        async def send() -> None:
            with suppress(OSError):
                while True:
                    await loop.sock_sendall(connection, data)

        sending = asyncio.create_task(send())
        try:
            yield sending
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)


def keep_little(made: Listener) -> None:
    """Let the system keep few answers that are not taken: megabytes of them take long to make."""
    for server_socket in made._server.sockets:
        server_socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)


async def test_who_does_not_take_the_answer_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "SILENCE_SECONDS", 0.5)
    monkeypatch.setattr(sockets, "CLOSE_SECONDS", 0.1)
    async with listening() as (made, port):
        keep_little(made)
        async with flooding(port, CALL * 1000) as sending:
            await sending


async def test_stopping_does_not_wait_for_who_does_not_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sockets, "CLOSE_SECONDS", 0.1)
    async with listening() as (made, port):
        keep_little(made)
        async with flooding(port, CALL * 1000) as sending:
            while not any(connection.paused for connection in made._server.all_connections):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            await made.close()
            await sending


async def test_who_goes_on_after_the_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "CLOSE_SECONDS", 0.1)
    async with listening() as (_, port), flooding(port, PINGS) as sending:
        await sending


async def test_a_port_that_is_taken() -> None:
    async with listening() as (_, port):
        second = Listener(Dispatcher([], ApiKeys()), port)
        with pytest.raises(CannotListenError, match=str(port)):
            await second.start()


HEAD = REQUEST.replace(b"\r\n\r\n", b"\r\nCookie: s=secret\r\n\r\n")


@pytest.mark.parametrize(
    ("data", "status", "detail"),
    [
        (HEAD, b"101", None),
        (HEAD.replace(b"secret", b"a" * 15_000), b"101", None),
        (HEAD.replace(b"secret", b"a" * 17_000), b"431", "longer than 16384 bytes"),
        (HEAD.replace(b"cryptapi", b"a" * 17_000), b"431", "longer than 16384 bytes"),
        (HEAD.replace(b"Cookie", b"Cookie: a\r\n" * 130 + b"Cookie"), b"431", "128 headers"),
        (HEAD.replace(b"localhost", b"yomon.uz"), b"403", "not this machine"),
        (HEAD.replace(b"cryptapi", b"boshqa"), b"404", PATH),
        (HEAD.replace(b"Upgrade: websocket\r\n", b""), b"426", "Upgrade"),
        (HEAD.replace(b"Cookie:", b"Cookie "), b"", "invalid HTTP header line"),
        (b"\x16\x03\x01\r\n", b"", "invalid HTTP request line"),
        (b"", b"", None),
    ],
)
async def test_everyone_who_gets_no_websocket_has_his_line(
    data: bytes, status: bytes, detail: str | None, log: io.StringIO
) -> None:
    async with listening() as (_, port):
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        writer.write(data)
        if not data:
            writer.write_eof()
        answer = await reader.readline()
        assert answer.split()[1:2] == ([status] if status else [])
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
    lines = read_records(log.getvalue())
    details = [line["detail"] for line in lines if line["event"] == "request_refused"]
    assert len(details) == (0 if detail is None else 1)
    assert detail is None or detail in details[0]
    assert "secret" not in log.getvalue()


async def test_lines_about_requests_have_a_bound(log: io.StringIO) -> None:
    async with listening() as (_, port):
        for _ in range(LINES + 5):
            reader, writer = await asyncio.open_connection(LOOPBACK, port)
            writer.write(HEAD.replace(b"cryptapi", b"boshqa"))
            assert b"404" in await reader.readline()
            writer.close()
    assert log.getvalue().count("request_refused") == LINES


async def test_a_client_that_has_gone_before_its_request_is_read() -> None:
    class Gone:
        """What is left of a connection whose transport is closed."""

        remote_address = local_address = None

        def respond(self, status: HTTPStatus, text: str) -> tuple[HTTPStatus, str]:
            return status, text

    request: Any = None
    async with listening() as (listener, _):
        gone: Any = Gone()
        refused: Any = listener._check(gone, request)
    assert refused == (HTTPStatus.FORBIDDEN, "This agent serves another user of this machine\n")

"""The local address of a page: it admits the page, refuses others, and nobody uses it up."""

from __future__ import annotations

import asyncio
import io
import resource
import socket
from pathlib import Path
from typing import Self

import pytest

from tests.support.log_lines import read_records
from tests.support.loopback import TIME_LIMIT, receive_all, send, stream_and_socket
from tunnel_gateway.agent.pages import address as page_address
from tunnel_gateway.agent.pages.address import PageAddress
from tunnel_gateway.agent.pages.page_stream import PageStream
from tunnel_gateway.errors import TimedOutError
from tunnel_gateway.observability.few_lines import LINES

ORIGIN = "https://example.uz:8443"
EARLY = b"\x81\x80early"


def request(port: int, origin: str | None = ORIGIN, host: str = "127.0.0.1:{port}") -> bytes:
    lines = [
        "GET /chat HTTP/1.1",
        f"Host: {host.format(port=port)}",
        "Cookie: session=secret",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        *([] if origin is None else [f"Origin: {origin}"]),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class Waiting:
    """An address with a tunnel behind it, and its visitors."""

    async def __aenter__(self) -> Self:
        self.tunnel, self.gateway = await stream_and_socket()
        self.address = PageAddress(ORIGIN)
        self.port = self.address.port
        self.accepting = asyncio.create_task(self.address.accept(self.tunnel.inbox, TIME_LIMIT))
        self.visitors: list[socket.socket] = []
        return self

    async def visit(self, data: bytes = b"") -> socket.socket:
        plain = socket.create_connection(("127.0.0.1", self.port))
        plain.setblocking(False)
        self.visitors.append(plain)
        await send(plain, data)
        return plain

    async def answer(self, data: bytes) -> bytes:
        return await receive_all(await self.visit(data))

    async def admitted(self) -> PageStream:
        async with asyncio.timeout(TIME_LIMIT):
            return await self.accepting

    async def __aexit__(self, *_: object) -> None:
        self.accepting.cancel()
        (admitted,) = await asyncio.gather(self.accepting, return_exceptions=True)
        for plain in (*self.visitors, self.gateway):
            plain.close()
        for stream in (admitted, self.tunnel):
            if not isinstance(stream, BaseException):
                stream.close()
                await stream.wait_closed()


async def test_the_page_is_let_in_with_every_byte_and_no_second() -> None:
    async with Waiting() as waiting:
        data = request(waiting.port) + EARLY
        page = await waiting.visit()
        for i in range(0, len(data), 7):
            await send(page, data[i : i + 7])
        stream = await waiting.admitted()
        received = b""
        while len(received) < len(data):
            received += await stream.inbox.receive()
        assert received == data
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", waiting.port))


async def test_localhost_is_the_same_place() -> None:
    async with Waiting() as waiting:
        await waiting.visit(request(waiting.port, host="localhost:{port}"))
        await waiting.admitted()


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://yomon.uz", "127.0.0.1:{port}"),
        ("https://example.uz", "127.0.0.1:{port}"),
        ("http://example.uz:8443", "127.0.0.1:{port}"),
        ("null", "127.0.0.1:{port}"),
        (None, "127.0.0.1:{port}"),
        (ORIGIN, "yomon.uz:{port}"),
        (ORIGIN, "127.0.0.1"),
        (ORIGIN, "127.0.0.1:1"),
    ],
)
async def test_a_stranger_is_refused_and_the_page_comes_after_him(
    origin: str | None, host: str
) -> None:
    async with Waiting() as waiting:
        answer = await waiting.answer(request(waiting.port, origin, host))
        assert answer.startswith(b"HTTP/1.1 403 Forbidden\r\n")
        assert b"not_permitted: " in answer
        assert waiting.address.refused == 1
        await waiting.visit(request(waiting.port))
        await waiting.admitted()


async def test_a_program_of_another_user_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """It could send any Origin, and would have the tunnel of this user."""
    async with Waiting() as waiting:
        monkeypatch.setattr(page_address, "is_of_another_user", lambda *_: True)
        answer = await waiting.answer(request(waiting.port))
        assert answer.startswith(b"HTTP/1.1 403 Forbidden\r\n")
        assert b"another user" in answer
        monkeypatch.undo()
        await waiting.visit(request(waiting.port))
        await waiting.admitted()


async def test_what_is_no_websocket_is_refused() -> None:
    async with Waiting() as waiting:
        for data in (b"POST / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"):
            assert (await waiting.answer(data)).startswith(b"HTTP/1.1 400 Bad Request\r\n")
        page = await waiting.visit(request(waiting.port)[:50])
        page.shutdown(socket.SHUT_WR)
        assert (await receive_all(page)).startswith(b"HTTP/1.1 400 Bad Request\r\n")
        await waiting.visit(request(waiting.port))
        await waiting.admitted()


async def test_who_says_nothing_does_not_block_the_page() -> None:
    async with Waiting() as waiting:
        silent = [await waiting.visit() for _ in range(20)]
        await waiting.visit(request(waiting.port))
        await waiting.admitted()
        for plain in silent:
            assert await receive_all(plain) == b""


async def test_who_says_nothing_for_long_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_address, "HEAD_SECONDS", 0.05)
    async with Waiting() as waiting:
        assert (await waiting.answer(b"GET / HT")).startswith(b"HTTP/1.1 504 Gateway Timeout\r\n")


async def test_of_too_many_the_one_who_waits_longest_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_address, "MAX_VISITORS", 2)
    async with Waiting() as waiting:
        first, second = await waiting.visit(b"G"), await waiting.visit(b"G")
        third = await waiting.visit(b"G")
        assert await gone(first)
        await waiting.visit(b"G")
        assert await gone(second)
        await waiting.visit(request(waiting.port))
        assert await gone(third)
        await waiting.admitted()


async def test_refused_visitors_who_do_not_leave_give_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_address, "MAX_VISITORS", 2)
    async with Waiting() as waiting:
        stubborn = await waiting.visit(b"X")
        assert (await receive_all(stubborn)).startswith(b"HTTP/1.1 400 ")  # and keeps its side open
        await waiting.visit(b"X")
        before = descriptors()
        for _ in range(20):
            await waiting.answer(b"X")
        # Of each visitor there is our own socket; of the address's, not more than two.
        assert descriptors() <= before + 20 + 2
        await waiting.visit(request(waiting.port))
        await waiting.admitted()


async def test_a_lack_of_descriptors_does_not_end_the_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(page_address, "ACCEPT_AGAIN_SECONDS", 0.01)
    async with Waiting() as waiting:
        await waiting.answer(b"X")
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        page = await waiting.visit()
        await send(page, b"GET")
        other = socket.socket()
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (other.fileno(), hard))
            with other:
                other.setblocking(False)
                await asyncio.get_running_loop().sock_connect(other, ("127.0.0.1", waiting.port))
                for _ in range(10):  # the loop sees that somebody is there
                    await asyncio.sleep(0)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        await send(page, request(waiting.port)[3:])
        await waiting.admitted()


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def gone(plain: socket.socket) -> bool:
    try:
        return await receive_all(plain) == b""
    except ConnectionResetError:
        return True


async def test_nobody_comes() -> None:
    tunnel, gateway = await stream_and_socket()
    address = PageAddress(ORIGIN)
    where = ("127.0.0.1", address.port)
    with pytest.raises(TimedOutError, match="nobody connected"):
        await address.accept(tunnel.inbox, 0.05)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(where)
    gateway.close()
    tunnel.close()
    await tunnel.wait_closed()


async def test_as_many_cookies_as_documented_and_no_more(log: io.StringIO) -> None:
    async with Waiting() as waiting:
        cookies = b"a" * 12_000
        answer = await waiting.answer(request(waiting.port).replace(b"secret", cookies + cookies))
        assert answer.startswith(b"HTTP/1.1 431 ")
        assert b"longer than 16384 bytes, cookies included" in answer
        await waiting.visit(request(waiting.port).replace(b"secret", cookies))
        stream = await waiting.admitted()
        assert cookies in await stream.inbox.receive()
        stream.close()
    (line,) = read_records(log.getvalue())
    assert (line["event"], line["origin"]) == ("visitor_refused", ORIGIN)
    assert "longer than 16384 bytes" in line["detail"]


async def test_everyone_who_is_turned_away_has_his_line(log: io.StringIO) -> None:
    async with Waiting() as waiting:
        for number in range(40):
            await waiting.answer(request(waiting.port, f"https://{number}.uz"))
        await waiting.answer(b"")  # a browser's connection ahead of use, which says nothing
        await waiting.visit(request(waiting.port))
        (await waiting.admitted()).close()
    lines = read_records(log.getvalue())
    assert len(lines) == LINES
    assert lines[7]["detail"].endswith("created the tunnel, and not for https://7.uz")

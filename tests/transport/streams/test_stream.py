"""One socket as a stream: ends, back-pressure, and what close() waits for."""

from __future__ import annotations

import asyncio
import socket

import pytest

from tests.support.loopback import (
    TIME_LIMIT,
    Witness,
    receive,
    receive_all,
    reset,
    send,
    stream_and_socket,
)
from tunnel_gateway.errors import TruncatedError
from tunnel_gateway.transport.streams import stream as module
from tunnel_gateway.transport.streams.stream import SocketStream, format_address

BIG = bytes(range(256)) * 4 * 16384  # 16 MiB, over what sockets hold


async def ended(stream: SocketStream) -> None:
    async with asyncio.timeout(TIME_LIMIT):
        await stream.wait_closed()


async def test_bytes_and_both_ends() -> None:
    stream, plain = await stream_and_socket()
    witness = Witness()
    stream.observe(witness)
    before = stream.received
    await send(plain, b"salom")
    assert await witness.received(5) == b"salom"
    assert (before, stream.received) == (False, True)
    plain.shutdown(socket.SHUT_WR)
    await witness.saw("eof")
    stream.write(b"hali ham")
    assert await receive(plain) == b"hali ham"
    stream.write_eof()
    assert await receive(plain) == b""
    stream.close()
    await ended(stream)
    assert witness.calls == ["eof", "lost"]
    assert witness.error is None
    plain.close()


async def test_our_end_comes_after_what_was_written() -> None:
    stream, plain = await stream_and_socket()
    witness = Witness()
    stream.observe(witness)
    stream.write(BIG)
    assert "pause" in witness.calls
    stream.write_eof()
    assert await receive_all(plain) == BIG
    await witness.saw("resume")
    await send(plain, b"javob")  # the other direction goes on
    assert await witness.received(5) == b"javob"
    plain.close()
    stream.close()
    await ended(stream)


async def test_the_end_of_the_data_is_told_once() -> None:
    stream, plain = await stream_and_socket()
    witness = Witness()
    stream.observe(witness)
    plain.shutdown(socket.SHUT_WR)
    await witness.saw("eof")
    stream.pause_reading()
    stream.resume_reading()
    stream.write(b"belgi")
    assert await receive(plain) == b"belgi"
    plain.close()
    stream.close()
    await ended(stream)
    assert witness.calls == ["eof", "lost"]


async def test_a_paused_stream_lets_nothing_in() -> None:
    stream, plain = await stream_and_socket()
    witness = Witness()
    stream.observe(witness)
    stream.pause_reading()
    stream.pause_reading()
    await send(plain, b"kut")
    stream.write(b"belgi")
    assert await receive(plain) == b"belgi"
    assert witness.data == b""
    stream.resume_reading()
    assert await witness.received(3) == b"kut"
    plain.close()
    stream.close()
    await ended(stream)


async def test_streams_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    turn = 1024
    monkeypatch.setattr(module._receive_buffer, "view", memoryview(bytearray(turn)))
    busy, flood = await stream_and_socket()
    quiet, drop = await stream_and_socket()
    seen = Witness()
    before: list[int] = []

    class Noting(Witness):
        def data_received(self, data: bytes) -> None:
            before.append(len(seen.data))  # all of it: nothing is taken yet
            super().data_received(data)

    noting = Noting()
    busy.observe(seen)
    quiet.observe(noting)
    busy.pause_reading()
    quiet.pause_reading()
    size = 64 * turn
    await send(flood, bytes(size))
    await send(drop, b"tomchi")
    busy.resume_reading()
    quiet.resume_reading()
    await noting.received(6)
    await seen.received(size)
    for stream, plain in ((busy, flood), (quiet, drop)):
        plain.close()
        stream.close()
        await ended(stream)
    assert before[0] <= 2 * turn  # not behind all that the other socket held


async def test_a_turn_does_not_undo_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    turn = 1024
    monkeypatch.setattr(module._receive_buffer, "view", memoryview(bytearray(turn)))
    stream, plain = await stream_and_socket()

    class Pausing(Witness):
        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            stream.pause_reading()

    witness = Pausing()
    stream.observe(witness)
    await send(plain, bytes(4 * turn))
    await witness.received(turn)
    stream.write(b"belgi")
    assert await receive(plain) == b"belgi"
    assert witness.data == b""
    for _ in range(3):
        stream.resume_reading()
        await witness.received(turn)
    plain.close()
    stream.close()
    await ended(stream)


async def test_everything_may_be_called_on_a_lost_stream() -> None:
    stream, plain = await stream_and_socket()
    witness = Witness()
    stream.observe(witness)
    reset(plain)
    await witness.saw("lost")
    assert isinstance(witness.error, ConnectionResetError)
    await asyncio.sleep(0)  # the loop has closed the handle by now
    stream.write(b"hech kimga")
    stream.write_eof()
    stream.pause_reading()
    stream.resume_reading()
    stream.close()
    stream.close()
    stream.abort(TruncatedError("again"))
    await ended(stream)
    assert witness.calls == ["lost"]


async def test_a_stream_without_an_observer() -> None:
    stream, plain = await stream_and_socket()
    stream._observer = None
    await send(plain, b"salom")
    stream.write(BIG)
    assert len(await receive(plain)) > 0
    plain.shutdown(socket.SHUT_WR)
    assert await receive_all_but(plain, len(BIG))
    reset(plain)
    stream.abort(TruncatedError("over"))
    await ended(stream)


async def receive_all_but(plain: socket.socket, size: int) -> bool:
    """Receive until about all has come."""
    taken = 0
    while taken < size - 65536:
        taken += len(await receive(plain))
    return True


async def closed_with_much_to_send(first: str) -> tuple[SocketStream, socket.socket, Witness]:
    """A closed stream, its peer and its observer. ``first``: whose data end first."""
    stream, plain = await stream_and_socket()
    witness = Witness()
    stream.observe(witness)
    if first == "theirs":
        plain.shutdown(socket.SHUT_WR)
        await witness.saw("eof")
    stream.write(BIG)
    stream.close()
    return stream, plain, witness


class TestClose:
    async def test_a_slow_reader_gets_everything(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "LINGER_SECONDS", 0.05)
        for first in ("ours", "theirs"):
            stream, plain, witness = await closed_with_much_to_send(first)
            await asyncio.sleep(0.2)  # longer than the linger: a reader that takes its time
            assert await receive_all(plain) == BIG
            plain.close()
            await ended(stream)
            assert witness.data == b""

    async def test_a_reader_that_never_reads(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "FLUSH_SECONDS", 0.1)
        for first in ("ours", "theirs"):
            stream, plain, _ = await closed_with_much_to_send(first)
            await ended(stream)
            plain.close()

    async def test_a_peer_that_never_ends(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "LINGER_SECONDS", 0.1)
        stream, plain = await stream_and_socket()
        witness = Witness()
        stream.observe(witness)
        stream.write(b"xayr")
        stream.close()
        await send(plain, b"eshitmayman")
        assert await receive_all(plain) == b"xayr"
        await ended(stream)
        assert witness.data == b""
        plain.close()

    async def test_a_farewell_is_not_overtaken_by_a_reset(self) -> None:
        """Closing at once with unread bytes would reset, and drop what was written."""
        stream, plain = await stream_and_socket()
        stream.pause_reading()
        await send(plain, bytes(100_000))
        stream.write(b"xayr")
        stream.close()
        assert await receive_all(plain) == b"xayr"
        plain.close()
        await ended(stream)


async def test_a_stream_survives_a_waiter_that_gives_up() -> None:
    stream, plain = await stream_and_socket()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await stream.wait_closed()
    plain.close()
    stream.close()
    await ended(stream)


async def test_a_dead_peer_will_be_noticed() -> None:
    stream, plain = await stream_and_socket()
    raw = stream._transport.get_extra_info("socket")
    for level, name, value in (
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
        (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60),
        (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 120_000),
    ):
        assert raw.getsockopt(level, name) == value
    plain.close()
    stream.close()
    await ended(stream)


async def test_a_header_is_not_of_the_stream() -> None:
    stream, plain = await stream_and_socket()
    await send(plain, b"PROXY UNKNOWN\r\nsalom")
    assert await stream.inbox.receive() == b"PROXY UNKNOWN\r\nsalom"
    stream.header_received(b"salom")
    counted = stream.received
    assert await stream.inbox.receive() == b"salom"
    stream.header_received(b"")
    assert (counted, stream.received) == (True, False)
    plain.close()
    stream.close()
    await ended(stream)


async def test_who_is_at_the_other_end() -> None:
    stream, plain = await stream_and_socket()
    assert stream.peer == plain.getsockname()
    assert stream.local == plain.getpeername()
    plain.close()
    stream.close()
    await ended(stream)


def test_addresses_for_people() -> None:
    assert format_address(("127.0.0.1", 80)) == "127.0.0.1:80"
    assert format_address(("::1", 80, 0, 0)) == "[::1]:80"
    assert format_address(None) == "unknown"

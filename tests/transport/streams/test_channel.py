"""A protocol connection on a socket: both ends in one loop, with the real handshake."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest

from tests.support.credentials import Credentials
from tests.support.loopback import (
    TIME_LIMIT,
    Tunnel,
    Witness,
    make_tunnel,
    open_tunnel,
    receive,
    send,
    server_settings,
    stream_and_socket,
    surroundings,
    tunnel,
)
from tunnel_gateway.errors import (
    AlertReceivedError,
    NotPermittedError,
    ProtocolViolationError,
    ShuttingDownError,
    TimedOutError,
    TruncatedError,
    UnknownDomainError,
)
from tunnel_gateway.protocol.client import ClientConnection
from tunnel_gateway.protocol.events import ClientAuthenticated, Opened, Proven
from tunnel_gateway.protocol.server import ServerConnection
from tunnel_gateway.protocol.states import State
from tunnel_gateway.transport.streams.channel import Channel
from tunnel_gateway.transport.streams.inbox import Inbox

MIB = 2**20


class TestHandshake:
    async def test_both_are_proven(self, credentials: Credentials) -> None:
        async with tunnel(credentials) as made:

            async def serve() -> Proven:
                event = await made.server.handshake()
                made.server_connection.accept()
                made.server.flush()
                return event

            client, opened = await asyncio.gather(serve(), made.client.handshake())
            assert isinstance(client, ClientAuthenticated)
            assert isinstance(opened, Opened)
            assert client.tunnel_id == opened.tunnel_id
            assert client.peer.leaf == credentials.citizen.identity.leaf
            assert opened.peer.leaf == credentials.example.identity.leaf

    async def test_a_refusal_reaches_the_other_side(self, credentials: Credentials) -> None:
        async with tunnel(credentials, domain="nomalum.uz") as made:
            server, client = await asyncio.gather(
                made.server.handshake(), made.client.handshake(), return_exceptions=True
            )
            assert isinstance(server, UnknownDomainError)
            assert isinstance(client, AlertReceivedError)
            assert client.name == "unknown_domain"

    async def test_a_silent_peer(self, credentials: Credentials) -> None:
        """Timers may be early by a part of a millisecond: none of many may be missed."""

        async def one(number: int) -> None:
            async with tunnel(credentials, seconds=0.05 + number * 0.0003) as made:
                with pytest.raises(
                    TimedOutError, match="not over in time, still waiting for the client's"
                ):
                    await made.server.handshake()

        await asyncio.gather(*map(one, range(60)))

    async def test_a_peer_that_hangs_up(self, credentials: Credentials) -> None:
        async with tunnel(credentials) as made:
            made.client_stream.close()
            with pytest.raises(TruncatedError):
                await made.server.handshake()

    async def test_a_peer_that_is_lost(self, credentials: Credentials) -> None:
        async with tunnel(credentials) as made:
            made.server_stream.inbox.connection_lost(TimeoutError(110, "Connection timed out"))
            with pytest.raises(TimeoutError, match="Connection timed out"):
                await made.server.handshake()

    async def test_an_error_in_the_worker(
        self, credentials: Credentials, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with tunnel(credentials) as made:

            def fail(_: bytes) -> None:
                raise ZeroDivisionError

            monkeypatch.setattr(made.server_connection, "_handle_hello", fail)
            made.client.flush()
            with pytest.raises(ZeroDivisionError):
                await made.server.handshake()
            made.server.abort(NotPermittedError("over"))  # the connection is ours again
            with pytest.raises(AlertReceivedError, match="not_permitted"):
                await made.client.handshake()

    async def test_a_stop_while_the_worker_is_busy(
        self, credentials: Credentials, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with tunnel(credentials) as made:
            loop = asyncio.get_running_loop()
            begun, go_on = asyncio.Event(), Event()
            aborted: list[Any] = []

            def work(_: bytes) -> None:
                loop.call_soon_threadsafe(begun.set)
                go_on.wait(TIME_LIMIT)

            monkeypatch.setattr(made.server_connection, "_handle_hello", work)
            monkeypatch.setattr(made.server_connection, "abort", aborted.append)
            made.client.flush()
            handshake = asyncio.create_task(made.server.handshake())
            await begun.wait()
            handshake.cancel()
            with pytest.raises(asyncio.CancelledError):
                await handshake
            made.server.abort(ShuttingDownError("stop"))
            assert aborted == []  # the worker has it still
            await made.server.wait_closed()
            go_on.set()

    async def test_the_deadline_leaves_the_worker_alone(
        self, credentials: Credentials, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with tunnel(credentials, seconds=0.2) as made:
            loop = asyncio.get_running_loop()
            deadline = made.server_connection.next_deadline
            assert deadline is not None
            begun, go_on = asyncio.Event(), Event()
            real = made.server_connection._handle_hello

            def work(data: bytes) -> None:
                loop.call_soon_threadsafe(begun.set)
                go_on.wait(TIME_LIMIT)
                real(data)

            monkeypatch.setattr(made.server_connection, "_handle_hello", work)
            made.client.flush()
            handshake = asyncio.create_task(made.server.handshake())
            await begun.wait()
            await asyncio.wait((handshake,), timeout=deadline - loop.time() + 0.1)
            assert not handshake.done()
            go_on.set()
            with pytest.raises(TimedOutError):
                await handshake


class Counting(ThreadPoolExecutor):
    """Counts what is handed over."""

    steps = 0

    def submit(self, *arguments: Any, **named: Any) -> Any:
        self.steps += 1
        return super().submit(*arguments, **named)


async def test_single_bytes_cost_no_hand_over(
    credentials: Credentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = []
    take = Inbox.take

    def count(inbox: Inbox, size: int | None = None) -> bytes:
        taken.append(size)
        return take(inbox, size)

    monkeypatch.setattr(Inbox, "take", count)
    stream, plain = await stream_and_socket()
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    server = ServerConnection(server_settings(credentials), surroundings(60))
    client = ClientConnection(credentials.settings(), surroundings(60))

    async def drip() -> None:
        for byte in client.data_to_send():
            await send(plain, bytes((byte,)))
            await asyncio.sleep(0)

    with Counting(1) as workers:
        handshake = asyncio.create_task(Channel(stream, server, workers).handshake())
        await drip()
        while client.state is not State.CLIENT_EXPECT_READY:
            client.receive_data(await receive(plain))
        await drip()
        assert isinstance(await handshake, ClientAuthenticated)
    assert workers.steps == 2  # a record each
    assert len(taken) == 4  # and its header, which nobody else is woken for
    plain.close()
    stream.close()
    await stream.wait_closed()


async def test_what_came_with_the_last_step_is_not_lost(credentials: Credentials) -> None:
    """Ready and an alert in one read: the agent must hear of both."""
    async with tunnel(credentials) as made:

        async def serve() -> None:
            await made.server.handshake()
            made.server_connection.accept()
            made.server_connection.abort(ShuttingDownError("bad moment"))
            made.server.flush()

        _, opened = await asyncio.gather(serve(), made.client.handshake())
        assert isinstance(opened, Opened)
        witness = Witness()
        made.client.open(witness)
        assert witness.calls == ["lost"]
        assert isinstance(witness.error, AlertReceivedError)


async def test_data_before_ready_ends_the_tunnel(credentials: Credentials) -> None:
    async with tunnel(credentials) as made:

        async def prove() -> None:
            with pytest.raises(AlertReceivedError, match="protocol_error"):
                await made.client.handshake()

        proving = asyncio.create_task(prove())
        await made.server.handshake()
        made.client_connection.state = State.OPEN  # a client that does not wait
        made.client.write(b"erta")
        made.client_connection.state = State.CLIENT_EXPECT_READY
        early = await made.server_stream.inbox.receive()
        made.server_stream.inbox.unread(early)
        witness = Witness()
        made.server.open(witness)
        await witness.saw("lost")
        assert isinstance(witness.error, ProtocolViolationError)
        await proving


class TestStream:
    async def test_bytes_and_both_ends(self, credentials: Credentials) -> None:
        async with tunnel(credentials) as made:
            client, server = await open_tunnel(made)
            made.client.write(b"savol")
            assert await server.received(5) == b"savol"
            made.client.write_eof()
            made.client.write(b"behuda")
            made.client.write_eof()
            await server.saw("eof")
            made.server.write(bytes(MIB))
            assert await client.received(MIB) == bytes(MIB)
            made.server.close()
            await client.saw("eof")
            assert server.data == b""
            await made.server.wait_closed()

    async def test_a_peer_that_closes_and_leaves(self, credentials: Credentials) -> None:
        async with tunnel(credentials) as made:
            _, server = await open_tunnel(made)
            made.client.close()
            await server.saw("eof")
            made.client_stream.abort(ShuttingDownError("of no use here"))
            while "lost" not in server.calls:  # noticed when it is written to
                made.server.write(b"javob")
                await asyncio.sleep(0.01)
            assert server.calls == ["eof", "lost"]
            assert server.error is None

    async def test_the_end_of_tcp_after_a_close_is_nothing(self, credentials: Credentials) -> None:
        async with tunnel(credentials) as made:
            client, server = await open_tunnel(made)
            made.client.write_eof()
            made.client_stream.write_eof()
            await server.saw("eof")
            made.server.write(bytes(MIB))
            made.server.write_eof()
            assert await client.received(MIB) == bytes(MIB)
            await client.saw("eof")
            assert server.calls == ["eof"]

    async def test_a_peer_that_says_why(self, credentials: Credentials) -> None:
        async with tunnel(credentials) as made:
            client, server = await open_tunnel(made)
            made.server.abort(ShuttingDownError("the gateway is stopping"))
            await client.saw("lost")
            assert isinstance(client.error, AlertReceivedError)
            assert client.error.name == "shutting_down"
            made.server.abort(ShuttingDownError("again"))
            await server.saw("lost")

    async def test_the_end_of_the_socket_is_no_end_of_data(self, credentials: Credentials) -> None:
        async with tunnel(credentials) as made:
            _, server = await open_tunnel(made)
            made.client_stream.close()
            await server.saw("lost")
            assert isinstance(server.error, TruncatedError)
            assert server.calls == ["lost"]

    @pytest.mark.parametrize("error", [None, ConnectionResetError(104, "reset")])
    async def test_a_lost_socket(self, error: Exception | None, credentials: Credentials) -> None:
        async with tunnel(credentials) as made:
            _, server = await open_tunnel(made)
            made.server.connection_lost(error)
            assert server.calls == ["lost"]
            assert isinstance(server.error, type(error) if error else TruncatedError)
            made.server.data_received(b"")  # and nobody is told of anything after it
            made.server.pause_writing()
            made.server.resume_writing()
            made.client.write(b"kech")
            assert server.calls == ["lost"]

    async def test_a_changed_record(self, credentials: Credentials) -> None:
        async with tunnel(credentials) as made:
            client, server = await open_tunnel(made)
            made.client_stream.write(b"\x02\x00\x20" + bytes(32))
            await server.saw("lost")
            assert server.error is not None
            assert type(server.error).__name__ == "BadRecordError"
            await client.saw("lost")
            assert str(client.error).startswith("the other side ended the tunnel: bad_record")
            made.server.data_received(b"\x02\x00\x20" + bytes(32))  # nobody listens any more

    async def test_back_pressure(self, credentials: Credentials) -> None:
        async with tunnel(credentials) as made:
            client, server = await open_tunnel(made)
            made.server.pause_reading()
            made.client.write(bytes(16 * MIB))
            assert client.calls == ["pause"]
            made.server.resume_reading()
            await server.until(lambda: len(server.data) == 16 * MIB)
            await client.saw("resume")

    async def test_another_observer(self, credentials: Credentials) -> None:
        async with tunnel(credentials) as made:
            _, first = await open_tunnel(made)
            second = Witness()
            made.server.observe(second)
            made.client.write(b"salom")
            assert await second.received(5) == b"salom"
            assert first.data == b""


async def test_events_for_nobody(credentials: Credentials) -> None:
    """A channel that is not open yet drops what it is told."""
    with ThreadPoolExecutor(1) as workers:
        made: Tunnel = await make_tunnel(credentials, workers, TIME_LIMIT)
        made.server.data_received(b"\xff\xff\xff")
        made.server.close()
        made.client.close()
        await made.server.wait_closed()
        await made.client.wait_closed()

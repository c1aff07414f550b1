"""Making a tunnel: each failure has its own message."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from tests.support.credentials import Credentials
from tests.support.loopback import (
    LOOPBACK,
    TIME_LIMIT,
    receive,
    reset,
    server_settings,
    surroundings,
)
from tunnel_gateway.agent import handshake as module
from tunnel_gateway.agent.handshake import open_tunnel, try_gateway
from tunnel_gateway.config.values import Address
from tunnel_gateway.errors import (
    AlertReceivedError,
    CertificateUntrustedError,
    GatewayUnreachableError,
    TunnelGatewayError,
)
from tunnel_gateway.pki.trust.validation import ChainValidator
from tunnel_gateway.protocol.client import ClientSettings
from tunnel_gateway.protocol.server import ServerConnection
from tunnel_gateway.transport.streams.channel import Channel
from tunnel_gateway.transport.streams.listener import Listener
from tunnel_gateway.transport.streams.stream import SocketStream


class Server:
    """A gateway's end of the handshake, for one client."""

    def __init__(
        self, credentials: Credentials, workers: ThreadPoolExecutor, port: int = 0
    ) -> None:
        self._credentials = credentials
        self._workers = workers
        self._streams: list[SocketStream] = []
        self.result: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[None]
        self.listener = Listener(
            LOOPBACK, port, on_connection=self._accept, on_failure=lambda _: None
        )
        self.address = Address(LOOPBACK, self.listener.port)

    def _accept(self, stream: SocketStream) -> None:
        self._streams.append(stream)
        self._task = asyncio.create_task(self._serve(stream))

    async def _serve(self, stream: SocketStream) -> None:
        connection = ServerConnection(server_settings(self._credentials), surroundings())
        channel = Channel(stream, connection, self._workers)
        try:
            await channel.handshake()
        except TunnelGatewayError as error:
            self.result.set_result(error)
            return
        connection.accept()
        channel.flush()
        self.result.set_result(None)

    async def close(self) -> None:
        await self.listener.close()
        for stream in self._streams:
            stream.close()
            await stream.wait_closed()


@pytest.fixture
def workers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(2)


async def test_a_tunnel(credentials: Credentials, workers: ThreadPoolExecutor) -> None:
    with workers:
        server = Server(credentials, workers)
        tunnel = await open_tunnel(server.address, credentials.settings(), workers)
        assert await server.result is None
        assert len(tunnel.opened.tunnel_id) == 16
        tunnel.channel.close()
        await server.close()


async def test_the_gateway_hears_why_it_is_refused(
    credentials: Credentials, workers: ThreadPoolExecutor
) -> None:
    stranger = Credentials.new_authority()
    settings = credentials.settings()
    settings = ClientSettings(
        settings.server_name,
        settings.dst_id,
        settings.identity,
        ChainValidator([stranger.root.leaf]),
    )
    with workers:
        server = Server(credentials, workers)
        with pytest.raises(CertificateUntrustedError):
            await open_tunnel(server.address, settings, workers)
        error = await server.result
        assert isinstance(error, AlertReceivedError)
        assert error.name == "certificate_untrusted"
        await server.close()


async def test_a_gateway_is_tried_without_a_key(
    credentials: Credentials, workers: ThreadPoolExecutor
) -> None:
    settings = credentials.settings()
    with workers:
        server = Server(credentials, workers)
        peer = await try_gateway(
            server.address, settings.server_name, settings.validator, workers, TIME_LIMIT
        )
        assert settings.server_name in peer.leaf.dns_names
        error = await server.result
        assert isinstance(error, AlertReceivedError)
        assert error.name == "page_lost"
        await server.close()


async def test_a_gateway_that_is_tried_and_not_trusted(
    credentials: Credentials, workers: ThreadPoolExecutor
) -> None:
    stranger = ChainValidator([Credentials.new_authority().root.leaf])
    with workers:
        server = Server(credentials, workers)
        with pytest.raises(CertificateUntrustedError):
            await try_gateway(
                server.address, credentials.settings().server_name, stranger, workers, TIME_LIMIT
            )
        await server.close()


async def test_nobody_listens(credentials: Credentials, workers: ThreadPoolExecutor) -> None:
    with workers, socket.socket() as bound:
        bound.bind((LOOPBACK, 0))
        address = Address(LOOPBACK, bound.getsockname()[1])
        with pytest.raises(
            GatewayUnreachableError, match=rf"^{address}: Connection refused; does the"
        ):
            await open_tunnel(address, credentials.settings(), workers)


@pytest.mark.parametrize("accepts", [False, True])
async def test_nobody_answers(
    accepts: bool,
    credentials: Credentials,
    workers: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "TUNNEL_SECONDS", 0.2)
    with workers, socket.create_server((LOOPBACK, 0), backlog=0) as listening:
        address = Address(*listening.getsockname())
        full = []
        for _ in range(0 if accepts else 4):
            waiting = socket.socket()
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
            full.append(waiting)
        # Half of the time is for the connection, less what was used before it.
        late = r"did not answer in 0\.(1|0\d) s; does the gateway run there"
        words = "in time" if accepts else late
        with pytest.raises(TunnelGatewayError, match=words) as caught:
            await open_tunnel(address, credentials.settings(), workers)
        assert caught.value.code == ("timed_out" if accepts else "gateway_unreachable")
        for waiting in full:
            waiting.close()


async def test_a_name_with_several_addresses(
    credentials: Credentials, workers: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first is silent, the second refuses, the third is the gateway."""
    with workers, ExitStack() as stack:
        silent = stack.enter_context(socket.create_server(("127.0.0.2", 0), backlog=0))
        port = silent.getsockname()[1]
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(silent.getsockname())
        server = Server(credentials, workers, port)
        hosts = ["127.0.0.2", "127.0.0.3", LOOPBACK]

        async def resolve(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
            assert host == "gw.example.uz"
            return [(0, 0, 0, "", (host, port)) for host in hosts]

        monkeypatch.setattr(module, "TUNNEL_SECONDS", 3.0)
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve, raising=False)
        name = Address("gw.example.uz", port)
        tunnel = await open_tunnel(name, credentials.settings(), workers)
        assert await server.result is None
        tunnel.channel.close()
        await server.close()
        hosts.pop()
        expected = r"127\.0\.0\.2:\d+: did not answer in .* s, 127\.0\.0\.3:\d+: Connection refused"
        with pytest.raises(GatewayUnreachableError, match=expected):
            await open_tunnel(name, credentials.settings(), workers)


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_it_hangs_up(how: str, credentials: Credentials, workers: ThreadPoolExecutor) -> None:
    with workers, socket.create_server((LOOPBACK, 0)) as listening:
        address = Address(*listening.getsockname())
        opening = asyncio.create_task(open_tunnel(address, credentials.settings(), workers))
        listening.setblocking(False)
        accepted, _ = await asyncio.get_running_loop().sock_accept(listening)
        accepted.setblocking(False)
        await receive(accepted)  # else it is reset
        expected = "the connection ended while waiting for the gateway's hello"
        if how == "reset":
            reset(accepted)
            expected = "Connection reset by peer"
        accepted.close()
        expected = f"^{address} ended the handshake: {expected}; does a gateway listen there"
        with pytest.raises(GatewayUnreachableError, match=expected):
            await opening


def test_addresses_for_people() -> None:
    assert str(Address("example.uz", 8843)) == "example.uz:8843"
    assert str(Address("::1", 8843)) == "[::1]:8843"

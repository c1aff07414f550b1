"""One tunnel of the agent from its making to its end."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from tests.support.credentials import FIRST_DOMAIN, Credentials
from tests.support.destination import SWITCHED
from tests.support.house import House, head, house
from tests.support.loopback import LOOPBACK, TIME_LIMIT, receive, receive_all, reset, send
from tests.support.peer import UPGRADE
from tests.support.stp_home import client
from tunnel_gateway.agent import one_tunnel
from tunnel_gateway.agent.one_tunnel import serve_one_tunnel
from tunnel_gateway.agent.stp_wishes import stp_client_settings
from tunnel_gateway.config.values import Address
from tunnel_gateway.errors import AlertReceivedError, TimedOutError, UnknownDestinationError
from tunnel_gateway.pki.trust.validation import ChainValidator
from tunnel_gateway.protocol.stp.stp_client import StpClientSettings
from tunnel_gateway.transport.streams.relay import RelayEnd


@pytest.fixture(autouse=True, params=["python", "native"])
def _carrier(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run each test as on a system that has no data plane, too."""
    if request.param == "python":
        monkeypatch.setattr(one_tunnel, "start_plane", lambda *_: None)


class Agent:
    """The agent as a task, and what it announced."""

    def __init__(
        self,
        home: House,
        *,
        time_limit: float = TIME_LIMIT,
        dst_id: str = "raw",
        settings: StpClientSettings | None = None,
    ) -> None:
        self.announced: asyncio.Future[tuple[str, bytes]] = (
            asyncio.get_running_loop().create_future()
        )
        self.serving = asyncio.create_task(
            serve_one_tunnel(
                Address(LOOPBACK, home.listener.port),
                settings or home.credentials.settings(dst_id=dst_id),
                announce=lambda address, number: self.announced.set_result((address, number)),
                time_limit=time_limit,
            )
        )

    async def page(self) -> socket.socket:
        address, tunnel_id = await self.announced
        assert len(tunnel_id) == 16
        host, _, port = address.rpartition(":")
        plain = socket.create_connection((host, int(port)))
        plain.setblocking(False)
        return plain

    async def opened(self, home: House) -> tuple[socket.socket, socket.socket]:
        """Open a WebSocket: the page's socket and the application's."""
        page = await self.page()
        destination = await home.destination()
        await send(page, UPGRADE)
        await head(destination)
        await send(destination, SWITCHED)
        assert await receive(page) == SWITCHED
        return page, destination

    async def end(self) -> RelayEnd:
        async with asyncio.timeout(TIME_LIMIT):
            return await self.serving


async def test_a_conversation(credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path) as home:
        agent = Agent(home)
        page = await agent.page()
        destination = await home.destination()
        await send(page, UPGRADE)
        await head(destination)
        await send(destination, SWITCHED + b"javob")
        destination.shutdown(socket.SHUT_WR)
        assert await receive_all(page) == SWITCHED + b"javob"
        page.close()
        assert await receive(destination) == b""
        destination.close()
        assert await agent.end() == RelayEnd("completed")
        assert (await home.ended())["reason"] == "completed"


async def test_the_page_is_told_why(credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path) as home:
        agent = Agent(home)
        page = await agent.page()
        destination = await home.destination()
        await send(page, UPGRADE.replace(b"https://", b"https://yomon."))
        answer = await receive_all(page)
        assert answer.startswith(b"HTTP/1.1 403 Forbidden\r\n")
        assert b"\r\n\r\nnot_permitted: " in answer
        page.close()
        destination.close()
        end = await agent.end()
        assert end.reason == "alert_received"
        assert isinstance(end.error, AlertReceivedError)
        await home.ended()


async def test_the_page_breaks_off(credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path) as home:
        agent = Agent(home)
        page, destination = await agent.opened(home)
        reset(page)
        assert (await agent.end()).reason == "local_lost"
        assert await receive(destination) == b""
        destination.close()
        line = await home.ended()
        assert line["reason"] == "alert_received"  # and not an end of what the page had to say
        assert "page_lost" in line["detail"]


async def test_it_is_given_up(credentials: Credentials, tmp_path: Path) -> None:
    """Ctrl-C of `connect`: the gateway and the page hear of it."""
    async with house(credentials, tmp_path) as home:
        agent = Agent(home)
        page, destination = await agent.opened(home)
        agent.serving.cancel()
        await asyncio.wait((agent.serving,))
        assert agent.serving.cancelled()
        await receive_all(page)
        page.close()
        assert await receive(destination) == b""
        destination.close()
        line = await home.ended()
        assert line["reason"] == "alert_received"
        assert "shutting_down" in line["detail"]


async def test_nobody_comes(credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path) as home:
        agent = Agent(home, time_limit=0.05)
        with pytest.raises(TimedOutError, match="nobody connected"):
            await agent.end()
        destination = await home.destination()
        destination.close()
        line = await home.ended()
        assert line["reason"] == "alert_received"
        assert "timed_out" in line["detail"]


async def test_the_gateway_refuses(credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path) as home:
        agent = Agent(home, dst_id="7")
        with pytest.raises(AlertReceivedError, match=UnknownDestinationError.code):
            await agent.end()
        assert not agent.announced.done()
        await home.ended()


async def test_a_conversation_by_stp(credentials: Credentials, tmp_path: Path) -> None:
    issuers = ChainValidator([*credentials.example.identity.chain[1:]])
    async with client(credentials, tmp_path) as made:
        settings = stp_client_settings(FIRST_DOMAIN, "7", made.identity, issuers)
        agent = Agent(made.home, settings=settings)
        page = await agent.page()
        application = await made.accept()
        await send(page, UPGRADE)
        assert b"X-EIMZO-Tunnel-Protocol: stp/1" in await head(application)
        await send(application, SWITCHED + b"javob")
        assert await receive(page) == SWITCHED + b"javob"
        page.close()
        assert await receive(application) == b""
        application.close()
        await agent.end()
        assert (await made.home.ended())["protocol"] == "stp"

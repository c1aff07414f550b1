"""A process killed in the middle of a transfer: the others end soon, and say why."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, ConnectionClosedError
from websockets.sync.client import ClientConnection, connect

from tests.support.credentials import Credentials
from tests.support.processes import TIME_LIMIT, Agent, Api, Gateway, wait_until

StartAgent = Callable[..., Agent]
# Of a gateway that was killed, and of an application that was.
BROKEN = {(1011, "gateway_lost"), (1011, "destination_unreachable"), (1011, "destination_ended")}


@contextmanager
def transfer(agent: Agent) -> Iterator[ClientConnection]:
    """A page that has received the first of a transfer without end, and sends one too."""
    host, port = agent.address()
    page = connect(f"ws://{host}:{port}/", proxy=None, compression=None, close_timeout=1)
    with page:
        page.send("/sink")
        page.send("/send 1000000 65536")
        page.recv(TIME_LIMIT)

        def send() -> None:
            with suppress(ConnectionClosed):
                while True:
                    page.send(bytes(65536))

        sending = threading.Thread(target=send)
        sending.start()
        yield page
        sending.join()


def breaks_off(page: ClientConnection) -> None:
    """Receive until the connection ends, in mid-frame or with a close frame of the agent's."""
    with pytest.raises(ConnectionClosedError) as caught:
        _receive_for_ever(page)
    told = caught.value.rcvd
    assert told is None or (told.code, told.reason.partition(":")[0]) in BROKEN


def _receive_for_ever(page: ClientConnection) -> None:
    while True:
        page.recv(TIME_LIMIT)


def test_the_agent(gateway: Gateway, start_agent: StartAgent, api: Api) -> None:
    agent = start_agent()
    with transfer(agent) as page:
        agent.process.kill()
        breaks_off(page)
    line = gateway.logged("tunnel_closed", tunnel_id=agent.tunnel_id)
    assert line["reason"] in ("peer_lost", "truncated")
    assert len(gateway.records()) == 1
    wait_until(lambda: api.sockets() <= api.idle_sockets, "the API's connection closed")


def test_the_page(gateway: Gateway, start_agent: StartAgent) -> None:
    agent = start_agent()
    with transfer(agent) as page:
        # What the kernel does for a killed process: unread data makes it a reset.
        page.socket.close()
    assert agent.exit_code() == (1 if agent.errors else 0)
    line = gateway.logged("tunnel_closed", tunnel_id=agent.tunnel_id)
    # A reset page is told by the agent's alert, and one that only ended by its close; peer_lost is
    # when either waited behind data that the application did not take.
    if line["reason"] == "alert_received":
        assert ": page_lost (" in line["detail"]
    else:
        assert line["reason"] in ("peer_left", "completed", "peer_lost")
    assert len(gateway.records()) == 1


def test_the_application(credentials: Credentials, tmp_path: Path, start_agent: StartAgent) -> None:
    api = Api()
    gateway = Gateway(credentials, tmp_path, {"api": api.port})
    agent = start_agent(port=gateway.port)
    with transfer(agent) as page:
        api.process.kill()
        breaks_off(page)
    assert api.exit_code() == -signal.SIGKILL
    agent.exit_code()
    line = gateway.logged("tunnel_closed", tunnel_id=agent.tunnel_id)
    # With unread data the kernel resets, without it ends the killed process's connection.
    assert line["reason"] in ("destination_lost", "completed")
    gateway.check_clean()
    assert gateway.stop() == 0
    gateway.check_log()


def test_the_gateway(
    start_gateway: Callable[..., Gateway], start_agent: StartAgent, api: Api
) -> None:
    gateway = start_gateway()
    agent = start_agent(port=gateway.port)
    with transfer(agent) as page:
        gateway.process.kill()
        breaks_off(page)
    assert agent.failure().startswith(("peer_lost: ", "truncated: "))
    wait_until(lambda: api.sockets() <= api.idle_sockets, "the API's connection closed")


def test_the_gateway_before_the_page_comes(
    start_gateway: Callable[..., Gateway], start_agent: StartAgent
) -> None:
    gateway = start_gateway()
    agent = start_agent(port=gateway.port)
    agent.address()
    gateway.process.kill()
    assert agent.failure()

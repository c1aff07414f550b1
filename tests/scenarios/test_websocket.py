"""A real ``websockets`` client and server speak through the tunnel and do not notice it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tests.support.api import SUBPROTOCOL
from tests.support.credentials import CITIZEN, FIRST_DOMAIN, SECOND_DOMAIN
from tests.support.processes import TIME_LIMIT, Agent, Gateway

StartAgent = Callable[..., Agent]


def page(agent: Agent, path: str = "/", **options: Any) -> ClientConnection:
    """Connect as a page of the domain does."""
    host, port = agent.address()
    options = {"origin": Origin(f"https://{FIRST_DOMAIN}"), "max_size": None} | options
    connection: ClientConnection = connect(
        f"ws://{host}:{port}{path}", open_timeout=TIME_LIMIT, proxy=None, **options
    )
    return connection


def closed(connection: ClientConnection) -> tuple[int, str]:
    """Wait for the other side's close, and return its code and reason."""
    with pytest.raises(ConnectionClosed) as caught:
        connection.recv(TIME_LIMIT)
    assert caught.value.rcvd is not None
    return caught.value.rcvd.code, caught.value.rcvd.reason


def test_a_conversation(gateway: Gateway, start_agent: StartAgent) -> None:
    agent = start_agent()
    with page(agent, subprotocols=[SUBPROTOCOL]) as connection:
        assert connection.subprotocol == SUBPROTOCOL
        assert [one.name for one in connection.protocol.extensions] == ["permessage-deflate"]
        for message in ("", "Assalomu alaykum, O‘zbekiston!", b"", bytes(range(256)) * 300):
            connection.send(message)
            assert connection.recv(TIME_LIMIT) == message
        assert connection.ping().wait(TIME_LIMIT)
    assert agent.exit_code() == 0
    assert agent.errors == []
    line = gateway.logged("tunnel_closed")
    assert line["tunnel_id"] == agent.tunnel_id
    assert line["reason"] == "completed"
    assert line["level"] == "info"
    assert line["user"] == "G… O…"
    assert line["domain"] == FIRST_DOMAIN
    assert line["dst_id"] == "api"
    assert line["bytes_up"] > 100
    assert line["bytes_down"] > 100
    assert len(gateway.records()) == 1


@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (1001, "boramiz"), (4321, "o‘z sababi")])
def test_close_codes_of_both_sides(start_agent: StartAgent, code: int, reason: str) -> None:
    agent = start_agent()
    with page(agent) as connection:
        connection.send(f"/close {code} {reason}")
        assert closed(connection) == (code, reason)
    assert agent.exit_code() == 0
    agent = start_agent()
    with page(agent) as connection:
        connection.close(code, reason)
        assert connection.protocol.close_rcvd is not None
        assert connection.protocol.close_rcvd.code == code
    assert agent.exit_code() == 0


def test_fragments_both_ways(start_agent: StartAgent) -> None:
    with page(start_agent(), compression=None) as connection:
        connection.send("/fragments 1000 20")
        parts = list(connection.recv_streaming())
        assert parts == [*(bytes((number,)) * 1000 for number in range(20)), b""]
        connection.send(bytes((number,)) * 70_000 for number in range(20))
        echo = connection.recv(TIME_LIMIT)
        assert echo == b"".join(bytes((number,)) * 70_000 for number in range(20))


def test_a_thousand_small_messages_a_second(start_agent: StartAgent) -> None:
    count = 3000
    with page(start_agent(), compression=None) as connection:
        started = time.perf_counter()

        def send() -> None:
            for number in range(count):
                connection.send(f"{number:06}")

        sender = threading.Thread(target=send)
        sender.start()
        for number in range(count):
            assert connection.recv(TIME_LIMIT) == f"{number:06}"
        sender.join()
        seconds = time.perf_counter() - started
    assert count / seconds > 1000


def test_who_the_application_sees(gateway: Gateway, start_agent: StartAgent) -> None:
    agent = start_agent()
    forged = {
        "X-EIMZO-PINFL": "99999999999999",
        "x_eimzo_cn": "boshqa",
        "X-Forwarded-For": "10.0.0.1",
        "X-Real-IP": "10.0.0.1",
        "Cookie": "session=1",
    }
    with page(agent, "/xizmat?til=uz", additional_headers=forged) as connection:
        connection.send("/request")
        path, headers = json.loads(connection.recv(TIME_LIMIT))
    assert path == "/xizmat?til=uz"
    found: dict[str, list[str]] = {}
    for name, value in headers:
        found.setdefault(name.lower(), []).append(unquote(value))
    assert found["x-eimzo-pinfl"] == [CITIZEN.pinfl]
    assert found["x-eimzo-cn"] == [CITIZEN.name]
    assert found["x-eimzo-tunnel-id"] == [agent.tunnel_id]
    assert found["x-forwarded-for"] == ["127.0.0.1"]
    assert found["cookie"] == ["session=1"]
    assert not {"x_eimzo_cn", "x-real-ip"} & found.keys()
    assert gateway.logged("tunnel_closed")["tunnel_id"] == agent.tunnel_id


def test_two_domains_on_different_curves_at_once(gateway: Gateway, start_agent: StartAgent) -> None:
    first, second = start_agent(), start_agent(domain=SECOND_DOMAIN)
    with (
        page(first) as one,
        page(second, origin=Origin(f"https://{SECOND_DOMAIN}")) as other,
    ):
        for connection, text in ((one, "bir"), (other, "ikki"), (one, "uch")):
            connection.send(text)
            assert connection.recv(TIME_LIMIT) == text
    assert gateway.logged("tunnel_closed", domain=FIRST_DOMAIN)["reason"] == "completed"
    assert gateway.logged("tunnel_closed", domain=SECOND_DOMAIN)["reason"] == "completed"

"""`connect --stp` at a server of others: one tunnel, and what it says of refusals."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import stp_words_of_others as words
from tests.support.credentials import Credentials
from tests.support.processes import TIME_LIMIT, Agent
from tests.support.stp_server_of_others import StpServerOfOthers
from tunnel_gateway.gost.curves import CRYPTOPRO_A
from tunnel_gateway.pki.certificates.certificate import to_pem

Connect = Callable[[StpServerOfOthers], Agent]


@pytest.fixture
def connect(credentials: Credentials, tmp_path: Path) -> Iterator[Connect]:
    """Start `connect --stp` to a server."""
    root = tmp_path / "root.pem"
    root.write_bytes(to_pem(credentials.example.identity.chain[1:]))
    user = credentials.user("of-stp-connect", curve=CRYPTOPRO_A)
    started: list[Agent] = []

    def start(server: StpServerOfOthers) -> Agent:
        more = "--stp", "--truststore", str(root)
        running = Agent(credentials, server.address[1], dst_id="255", user=user, more=more)
        started.append(running)
        return running

    yield start
    for running in started:
        if running.process.poll() is None:
            running.process.kill()
        running.exit_code()


def test_one_tunnel(connect: Connect, credentials: Credentials) -> None:
    example = credentials.example.identity
    with StpServerOfOthers(example.leaf.der, example.private_key) as server:
        agent = connect(server)
        with server.accept(table=5, mode=words.CFB) as served:
            served.open(5)
            assert served.dst_id == 255
            with socket.create_connection(agent.address(), TIME_LIMIT) as page:
                page.sendall(b"salom")
                assert served.receive(5) == b"salom"
                served.send_cut(b"va alaykum")
                assert words.exactly(page, 10) == b"va alaykum"
            assert served.is_closed()
        assert agent.exit_code() == 0


def test_one_tunnel_that_is_refused(connect: Connect, credentials: Credentials) -> None:
    example = credentials.example.identity
    with StpServerOfOthers(example.leaf.der, example.private_key) as server:
        refused_one, repeatable = connect(server), connect(server)
        served = [server.accept(mode=words.SIC) for _ in range(2)]
        for one in served:
            with one:
                one.receive_hello()
                one.refuse_at_once(64) if one is served[0] else one.send_params()
                assert one.is_closed()
        told = sorted((refused_one.failure(), repeatable.failure()))
    assert "repeatable_mode" in told[1]
    assert "SIC" in told[0]

"""Thousands of short tunnels: nothing crashes, and nothing is left of them."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor

from tests.support.credentials import Credentials
from tests.support.destination import everything, join
from tests.support.peer import Peer
from tests.support.processes import TIME_LIMIT, Gateway, Program, wait_until


def test_the_relay_alone() -> None:
    program = Program("the churn", "-m", "tests.support.churn", "4000")
    # The work of half a minute, if nothing else runs.
    program.wait_for(lambda: program.output, "what is left", 6 * TIME_LIMIT)
    left = program.next_output()
    assert program.exit_code() == 0, program.last_words()
    assert program.errors == []
    assert left["sockets"] == 0
    assert left["tasks"] == 0
    assert sum(left["reasons"].values()) == 4000
    for reason in ("completed", "peer_lost", "shutting_down"):
        assert left["reasons"][reason] > 10, left


def test_whole_tunnels(
    gateway: Gateway, credentials: Credentials, destination: socket.socket
) -> None:
    count = 120

    def one(number: int) -> None:
        with Peer.of(gateway, credentials, dst_id="raw") as peer, join(peer, destination) as other:
            if number % 3 == 0:
                return  # both sockets end without a word
            if number % 3 == 1:
                peer.send_close()
                assert everything(other) == b""
                other.shutdown(socket.SHUT_WR)
                assert peer.data_to_close() == b""
            else:
                other.shutdown(socket.SHUT_WR)
                assert peer.data_to_close() == b""
                peer.send_close()
                assert everything(other) == b""

    with ThreadPoolExecutor(1) as threads:
        list(threads.map(one, range(count)))
    wait_until(lambda: len(gateway.records()) == count, "a line for each")
    reasons = [line["reason"] for line in gateway.records()]
    assert reasons.count("completed") >= count * 2 // 3

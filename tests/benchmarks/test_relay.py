"""The floor and the load work: bytes go through, and what is counted is the daemon's."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.client import Client
from benchmarks.counters import cpu_seconds, memory_kib
from benchmarks.far import SWITCHED
from benchmarks.measures import Scale, bulk, echo
from benchmarks.places import LOOPBACK, Size, Target
from benchmarks.systems import SYSTEM_OF, Laboratory
from benchmarks.tunnels import first_visits, spread
from tests.support.processes import TIME_LIMIT

SMALL = Scale(seconds=0.01, round_trips=20, visits=5, idle_tunnels=10, spread_bytes=10**6)


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    made = Laboratory(tmp_path_factory.mktemp("laboratory"))
    yield made
    made.close()


@pytest.fixture(scope="module", params=["relay", "gateway", "gateway-native", "gateway-stp"])
def target(request: pytest.FixtureRequest, laboratory: Laboratory) -> Iterator[Target]:
    with SYSTEM_OF[request.param].start(laboratory, Size()) as found:
        yield found


@pytest.mark.parametrize("mode", ["sink", "source", "both"])
async def test_bulk(mode: str, target: Target) -> None:
    with Client(target) as client:
        figures = await bulk(mode, client, SMALL)
    assert set(figures) == {"MB/s", "CPU-s/GB"}
    assert min(figures.values()) > 0


async def test_echo(target: Target) -> None:
    with Client(target) as client:
        figures = await echo(1000, client, SMALL)
    assert 0 < figures["p50 µs"] <= figures["p99 µs"]


async def test_visits_and_many_tunnels(target: Target) -> None:
    with Client(target) as client:
        assert (await first_visits(client, SMALL))["CPU-ms"] > 0
        assert (await spread(10, client, SMALL))["MB/s"] > 0


async def test_a_tunnel_that_breaks_off_is_no_figure(laboratory: Laboratory) -> None:
    running = SYSTEM_OF["relay"].start(laboratory, Size())
    with Client(running.target) as client:
        conversation = await client.open("/echo")
        for program in running.programs:
            program.stop()
        with pytest.raises(ConnectionError):
            await conversation.receive(1)
        await conversation.close()


def test_the_relay_keeps_bytes_in_order_and_ends_with_either_side(laboratory: Laboratory) -> None:
    with SYSTEM_OF["relay"].start(laboratory, Size()) as found:
        for _ in range(3):
            with socket.create_connection((LOOPBACK, found.port), timeout=TIME_LIMIT) as one:
                one.sendall(b"GET /echo HTTP/1.1\r\n\r\n")
                assert one.recv(65536) == SWITCHED
                sent = os.urandom(100_000)
                one.sendall(sent)
                got = b""
                while len(got) < len(sent):
                    got += one.recv(65536)
                assert got == sent
                one.shutdown(socket.SHUT_WR)
                assert one.recv(1) == b""


def test_the_clock_of_another_process() -> None:
    burn = "import time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\ninput()"
    with subprocess.Popen(
        (sys.executable, "-c", burn), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").split()
        seconds = cpu_seconds([process.pid])
        assert seconds >= 0.3
        assert seconds == pytest.approx((int(fields[13]) + int(fields[14])) / 100, abs=0.05)
        assert memory_kib([process.pid]) > 1000
        process.kill()
    with pytest.raises(OSError, match=r".*"):
        cpu_seconds([process.pid])

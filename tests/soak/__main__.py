"""``make soak``: refused handshakes of every kind against a real gateway, with tunnels open.

The loopback counts as any network here, and its addresses may begin as many handshakes as they
like: tunnel.source.rate and the places of a source are as good as off, or the gateway would turn
the strangers away before they cost it anything.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import MutableSequence
from contextlib import ExitStack, suppress
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any, Final, cast

from tests.soak.attacker import Attacker
from tests.soak.strangers import Stranger, strangers
from tests.support.credentials import FIRST_DOMAIN, Credentials
from tests.support.destination import join
from tests.support.peer import Peer
from tests.support.processes import (
    COMMAND,
    LOOPBACK,
    PROJECT,
    ReservedPort,
    resident_memory,
    wait_until,
    write_config,
)

FIRST: Final = 10_000
SETTINGS: Final = {
    "handshake.timeout": 3,  # or those who are silent would be most of the time
    "source.networks": "192.0.2.0/24 free",
    "source.rate": 1_000_000,
    "source.burst": 1_000_000,
    "source.handshakes": 0,
    "source.limit": 0,
}
MIB: Final = 2**20
# What malloc keeps of one moment and not of another.
TOLERATED: Final = 4 * MIB
SOURCES_EACH: Final = 40
USER_SECONDS: Final = 1.0
REPORT_SECONDS: Final = 10.0

# How many of each kind each attacker has sent; nobody else writes into its part.
Counts = MutableSequence[int]


def main() -> int:
    """Run; 1 when the memory grew, a tunnel broke or the gateway wrote of an error of its own."""
    arguments = _parser().parse_args()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        report = Soak(arguments, Path(folder), stack).run()
    print(json.dumps(report, indent=1))
    return 1 if report["grown_too_much"] or report["faults"] else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    add = parser.add_argument
    add("--handshakes", type=int, default=1_000_000, help="how many in all (%(default)s)")
    add("--seconds", type=float, help="for how long instead, whatever their number")
    add("--attackers", type=int, default=3, help="processes that send them (%(default)s)")
    add("--tunnels", type=int, default=60, help="tunnels that are open meanwhile (%(default)s)")
    add("--log", type=Path, help="where the gateway's log goes; by default nowhere")
    return parser


class Soak:
    """One run: a gateway, its tunnels, a real user, and the crowd."""

    def __init__(self, arguments: argparse.Namespace, folder: Path, stack: ExitStack) -> None:
        self._arguments = arguments
        self._credentials = Credentials(folder / "credentials")
        self._kinds = strangers(self._credentials)
        self._stack = stack
        raw, closed = ReservedPort(), ReservedPort()
        self._listening = stack.enter_context(raw.listen(128))
        own = ReservedPort()
        self._address = (LOOPBACK, own.number)
        config = folder / "config.properties"
        ports = {"raw": raw.number, "closed": closed.number}
        write_config(config, self._credentials, own.number, ports, SETTINGS)
        self._log = arguments.log or folder / "gateway.log"
        self._gateway = self._start(config)
        wait_until(self._answers, "a gateway that listens")
        own.close()
        self._faults: Counter[str] = Counter()
        self._latencies: list[float] = []
        self._echoes: list[float] = []
        self._over = threading.Event()

    def _start(self, config: Path) -> subprocess.Popen[bytes]:
        command = (sys.executable, *COMMAND, "serve", "--config", str(config))
        # A million lines: of no use to anybody, and they shall not fill a disk.
        output = self._arguments.log.open("wb") if self._arguments.log else subprocess.DEVNULL
        started = subprocess.Popen(command, cwd=PROJECT, stdout=output, stderr=output)
        self._stack.callback(started.wait, 60)
        self._stack.callback(started.terminate)
        return started

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(self._address, 1.0):
            return True
        return False

    def run(self) -> dict[str, Any]:
        """Attack until it is enough, and say what became of the gateway."""
        size = len(self._kinds) * self._arguments.attackers
        counts = cast("Counts", multiprocessing.Array("Q", size, lock=False))
        enough = multiprocessing.Event()
        attackers = [
            multiprocessing.Process(
                target=attack, args=(self._kinds, self._address, number, counts, enough)
            )
            for number in range(self._arguments.attackers)
        ]
        tunnels = [self._tunnel() for _ in range(self._arguments.tunnels)]
        for one in attackers:
            one.start()
        user = threading.Thread(target=self._be_a_user)
        user.start()
        begun = time.monotonic()
        first, last = self._watch(counts, attackers, tunnels, begun)
        enough.set()
        for one in attackers:
            one.join(120)
        self._over.set()
        user.join()
        seconds = time.monotonic() - begun
        time.sleep(5)  # what lingers is closed
        end = self._memory()
        self._talk(tunnels)
        return {
            "handshakes": sum(counts),
            "seconds": round(seconds),
            "by_kind": self._by_kind(counts),
            "after_the_first": {"handshakes": first[0], "mib": round(first[1] / MIB, 1)},
            "at_the_end_mib": round(end / MIB, 1),
            "largest_mib": round(max(last, end) / MIB, 1),
            "grown_too_much": first[0] >= FIRST and end - first[1] > TOLERATED,
            "user_handshake_ms": _milliseconds(self._latencies),
            "tunnel_echo_ms": _milliseconds(self._echoes),
            "faults": self._faults,
        }

    def _watch(
        self,
        counts: Counts,
        attackers: list[multiprocessing.Process],
        tunnels: list[tuple[Peer, socket.socket]],
        begun: float,
    ) -> tuple[tuple[int, int], int]:
        """Return how many there were and the memory after the first, and the largest memory."""
        first, largest, reported = (0, self._memory()), 0, begun
        while not self._is_enough(sum(counts), begun):
            time.sleep(1.0)
            done, memory, now = sum(counts), self._memory(), time.monotonic()
            largest = max(largest, memory)
            if first[0] < FIRST <= done:
                first = done, memory
            if not all(one.is_alive() for one in attackers):
                self._faults["an attacker has died"] += 1
                break
            if now - reported >= REPORT_SECONDS:
                reported = now
                self._talk(tunnels)
                print(
                    f"{now - begun:6.0f} s {done:9d} handshakes {memory / MIB:7.1f} MiB"
                    f"  user {1000 * statistics.median(self._latencies[-5:] or [0]):6.1f} ms",
                    file=sys.stderr,
                    flush=True,
                )
        return first, largest

    def _is_enough(self, done: int, begun: float) -> bool:
        if self._arguments.seconds:
            return bool(time.monotonic() - begun >= self._arguments.seconds)
        return bool(done >= self._arguments.handshakes)

    def _memory(self) -> int:
        return resident_memory(self._gateway.pid)

    def _tunnel(self) -> tuple[Peer, socket.socket]:
        settings = self._credentials.settings(dst_id="raw")
        peer = Peer(self._address, settings)
        self._stack.enter_context(peer.socket)
        return peer, self._stack.enter_context(join(peer, self._listening))

    def _talk(self, tunnels: list[tuple[Peer, socket.socket]]) -> None:
        """Say something through every tunnel and back."""
        for peer, destination in tunnels:
            said = os.urandom(1000)
            begun = time.monotonic()
            try:
                peer.send(said)
                heard = b""
                while len(heard) < len(said) and (data := destination.recv(1000)):
                    heard += data
                destination.sendall(heard)
                assert peer.data(1000) == said
            except (AssertionError, OSError) as error:
                self._faults[f"a tunnel: {error!r}"] += 1
                return
            self._echoes.append(time.monotonic() - begun)

    def _be_a_user(self) -> None:
        """Make a tunnel every second, from an address of his own."""
        while not self._over.wait(USER_SECONDS):
            begun = time.monotonic()
            try:
                peer = Peer(self._address, self._credentials.settings(dst_id="raw"))
                with peer.socket:
                    peer.open()
                    self._latencies.append(time.monotonic() - begun)
                    self._listening.accept()[0].close()  # or its queue is full one day
            except (AssertionError, OSError) as error:
                self._faults[f"the user: {error!r}"] += 1

    def _by_kind(self, counts: Counts) -> dict[str, int]:
        found: Counter[str] = Counter()
        for place, number in enumerate(counts):
            found[self._kinds[place % len(self._kinds)].name] += number
        return dict(found)


def attack(
    kinds: list[Stranger],
    address: tuple[str, int],
    number: int,
    counts: Counts,
    enough: Event,
) -> None:
    """Be one stranger after the other, in any order; count them."""
    first = 2 + number * SOURCES_EACH
    sources = [f"127.0.{one // 250}.{one % 250 + 1}" for one in range(first, first + SOURCES_EACH)]
    attacker = Attacker(address, sources, FIRST_DOMAIN)
    order = [place for place, kind in enumerate(kinds) for _ in range(kind.share)]
    while not enough.is_set():
        random.shuffle(order)
        for kind in order:
            with suppress(OSError):
                kinds[kind].come(attacker)
            counts[number * len(kinds) + kind] += 1
    attacker.close()


def _milliseconds(seconds: list[float]) -> dict[str, float]:
    if len(seconds) < 2:
        return {}
    found = statistics.quantiles(seconds, n=100, method="inclusive")
    return {
        "number": len(seconds),
        "median": round(1000 * found[49], 1),
        "p99": round(1000 * found[98], 1),
        "largest": round(1000 * max(seconds), 1),
    }


if __name__ == "__main__":
    sys.exit(main())

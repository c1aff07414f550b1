"""The files of a run: an authority with its messages, and the configurations of the servers."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self

from benchmarks.counters import cpu_seconds
from benchmarks.places import LOOPBACK, Target, free_port
from benchmarks.programs import Program
from benchmarks.rest.connections import VERIFY, post
from benchmarks.rest.java import compile_java, java_command
from benchmarks.rest.stamp_server import stamp_server
from benchmarks.rest.stores import Store
from benchmarks.systems import Laboratory, gateway_config, start_gateway
from benchmarks.verification import Bench
from tunnel_gateway.pki.certificates.certificate import to_pem
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.pki.listing import issue_list

_DAY: Final = timedelta(days=1)

# The status of every certificate is known from lists, as an operator keeps them in a folder.
_CONFIG: Final = """\
listen.ip={host}
listen.port={port}
tsp.jks.file.path={folder}/root.pem
status.crl.dir={folder}/lists
"""
# Nobody begins so many documents; this load does not meet the bound.
_FOR_PHONES: Final = """\
mobile.siteId=0000
mobile.limit=1000000
tsp.url={stamps}
"""


@dataclass(frozen=True, slots=True)
class Server:
    """A program that answers on a port of the loopback. As a context manager it ends."""

    program: Program
    port: int

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes whose cost is counted."""
        return (self.program.pid,)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.program.stop()


class Site:
    """An authority and its files in a folder; ``laboratory`` starts the programs there.

    ``stamps`` is the address where the daemons get time stamps.
    """

    def __init__(self, laboratory: Laboratory, stack: ExitStack) -> None:
        self.folder = laboratory.folder / "rest"
        self.bench = Bench(datetime.now(UTC).replace(microsecond=0))
        self.stamps = stack.enter_context(stamp_server(self.bench))
        self._laboratory = laboratory
        self._started = 0
        authority = self.bench.authority
        lists = self.folder / "lists"
        lists.mkdir(parents=True)
        (self.folder / "root.pem").write_bytes(to_pem([authority.root.leaf]))
        (self.folder / "root.der").write_bytes(authority.root.leaf.der)
        for name, issuer in (("root", authority.root), ("centre", authority.centre)):
            (lists / f"{name}.crl").write_bytes(_list_of(issuer))

    def messages(self, count: int) -> list[bytes]:
        """Return the messages of new users."""
        return [self.bench.message() for _ in range(count)]

    def start_daemon(self) -> Server:
        """Start the daemon with the REST service alone."""
        return self._start("")

    def start_for_phones(self, store: Store, settings: str = "") -> Server:
        """Start the daemon with the methods for phones, and with lines of the configuration."""
        usual = _FOR_PHONES.format(stamps=self.stamps)
        return self._start(usual + store.settings + settings, *store.events)

    def start_with_tunnels(self) -> tuple[Server, Target]:
        """Start the daemon with both services; return the REST service and the tunnels."""
        laboratory, tunnels = self._laboratory, free_port()
        server = self._start(gateway_config(laboratory, tunnels, shared=False), "listening")
        return server, Target("gateway", tunnels, server.pids, laboratory.credentials)

    def _start(self, config: str, *events: str) -> Server:
        self._started += 1
        port = free_port()
        path = self.folder / f"{self._started}.properties"
        rest = _CONFIG.format(host=LOOPBACK, port=port, folder=self.folder)
        path.write_text(config + rest, encoding="utf-8")
        name = f"rest-{self._started}"
        program = start_gateway(self._laboratory, name, path, events=("rest_listening", *events))
        # It accepts a moment after it has said that it listens.
        return Server(program.wait_for_port(port), port)

    def start_java(self) -> Server:
        """Start the server in Java."""
        classes = self.folder / "classes"
        compile_java(classes)
        port = free_port()
        command = java_command(classes, "VerifyServer")
        arguments = (str(port), str(self.folder / "root.der"))
        program = self._laboratory.start("java", (*command, *arguments))
        return Server(program.wait_for_port(port), port)


def verifications(messages: Sequence[bytes]) -> list[bytes]:
    """Return the requests to verify messages with their documents inside."""
    return [post(VERIFY, b64encode(message)) for message in messages]


@contextmanager
def counted(server: Server) -> Iterator[Callable[[], float]]:
    """Count the processor seconds of a server in the block; the result tells them after it."""
    before = cpu_seconds(server.pids)
    spent: list[float] = []
    yield lambda: spent[0]
    spent.append(cpu_seconds(server.pids) - before)


def _list_of(issuer: Identity) -> bytes:
    now = datetime.now(UTC)
    return issue_list(
        issuer, {}, this_update=now - _DAY, next_update=now + _DAY, entropy=os.urandom
    )

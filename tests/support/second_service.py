"""A second service beside the tunnels: it echoes, and its material is a number in a file."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.support.loopback import LOOPBACK, TIME_LIMIT
from tunnel_gateway.config.configuration import Configuration
from tunnel_gateway.config.key_table import Key
from tunnel_gateway.config.values import whole
from tunnel_gateway.daemon.descriptors import Needed
from tunnel_gateway.daemon.port import Port
from tunnel_gateway.daemon.service import Operators, Part, Shared
from tunnel_gateway.errors import CannotListenError, FileError
from tunnel_gateway.observability.background import Loop
from tunnel_gateway.observability.metric_table import Sample

KEY = Key("second.port", "port", whole(0, 65535), "0", "A port.", "It is free.", restart=True)


@dataclass(frozen=True)
class Settings:
    port: int


class SecondFiles:
    """Reads the files ``second`` and ``second.port`` beside the configuration file."""

    name = "second"
    keys: Sequence[Key] = (KEY,)
    listen_keys = frozenset({KEY.name})

    def settings(self, configuration: Configuration) -> Settings:
        # As they were when the configuration was read: the file may have changed.
        path = configuration.file.with_name("second.port")
        known = self._ports.setdefault(id(configuration), (configuration, path.read_text()))
        return Settings(int(known[1]))

    def __init__(self) -> None:
        self._ports: dict[int, tuple[Configuration, str]] = {}

    def port(self, configuration: Configuration) -> Port:
        number = self.settings(configuration).port
        return Port(LOOPBACK, number, shared=False, keys="second", unit="second.socket")

    def descriptors(self, configuration: Configuration) -> Needed:
        return Needed("second.limit", 10, 1)

    def load(self, configuration: Configuration, before: int | None) -> int:
        self.settings(configuration)
        path = file_of(configuration)
        try:
            return int(path.read_text())
        except (OSError, ValueError):
            raise FileError(f"{path}: not a number; it was {before} before") from None

    def files(self, configuration: Configuration) -> Iterable[Path]:
        return [file_of(configuration)]

    def changes(self, before: int, after: int) -> dict[str, object]:
        return {"numbers": [before, after]}


def file_of(configuration: Configuration) -> Path:
    return configuration.file.with_name("second")


class Second(Operators):
    """Echoes on a free port."""

    def __init__(self, shared: Shared, number: int) -> None:
        self.shared = shared
        self.number = number
        self.reasons: list[str] = []
        self.calls: list[str] = []
        self.has_port_for_prometheus = False
        self.rounds = 0
        self.started = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def port(self) -> int:
        port: int = self._socket.getsockname()[1]
        return port

    def listen(self, passed: socket.socket | None) -> None:
        try:
            self._socket = passed or socket.create_server((LOOPBACK, 0))
        except OSError as error:
            raise CannotListenError(str(error)) from None
        self.calls.append("listen")

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._echo, sock=self._socket)
        self.calls.append("start")
        self.started.set()

    async def _echo(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        while data := await reader.read(100):
            writer.write(data)
        self._writers.discard(writer)
        writer.close()

    def use(self, material: int) -> None:
        self.number = material

    def connections(self) -> int:
        return len(self._writers)

    def status_line(self) -> str:
        return f"{len(self._writers)} echoes"

    def not_ready(self) -> Iterable[str]:
        return self.reasons

    def warnings(self) -> Iterable[str]:
        return [f"the number is {self.number}"] if self.number < 0 else []

    def limits(self) -> Iterable[tuple[str, int, int]]:
        yield "second.limit", len(self._writers), 10

    def samples(self) -> Iterator[Sample]:
        yield "tunnel_gateway_trust_anchors", (), self.number

    def answers_prometheus(self) -> bool:
        return self.has_port_for_prometheus

    def operators(self) -> Operators:
        return self

    async def stop_accepting(self) -> None:
        self._server.close()
        self.calls.append("stop_accepting")

    async def drain(self, seconds: float, insisted: Awaitable[object]) -> Mapping[str, object]:
        self.calls.append("drain")
        ending = asyncio.ensure_future(insisted)
        await asyncio.wait([ending], timeout=seconds if self._writers else 0)
        ending.cancel()
        for writer in self._writers:
            writer.close()
        return {"echoes_ended": True}

    async def close(self) -> None:
        self.calls.append("close")

    # --- what operators are told -----------------------------------------------------------

    def routes(self) -> Iterable[web.RouteDef]:
        async def number(_: web.Request) -> web.Response:
            return web.Response(text=str(self.number))

        return [web.get("/number", number)]

    def loops(self) -> Mapping[Loop, Callable[[], Awaitable[object]]]:
        return {"probes": self._round}

    async def _round(self) -> None:
        self.rounds += 1
        await asyncio.sleep(TIME_LIMIT)

    async def state(self) -> dict[str, Any]:
        return {"second": {"number": self.number}}

    def sections(self, state: Mapping[str, Any]) -> Iterable[str]:
        yield f"<p>second {state['second']['number']}</p>"


def second_part() -> tuple[Part[int], list[Second]]:
    """Return the part, and the services that are made of it."""
    made: list[Second] = []

    def make(shared: Shared, number: int) -> Second:
        made.append(Second(shared, number))
        return made[-1]

    return Part(SecondFiles(), make), made


def write_second(configuration_file: Path, number: object, port: int = 0) -> None:
    """Write the files of the service."""
    configuration_file.with_name("second").write_text(str(number))
    configuration_file.with_name("second.port").write_text(str(port))

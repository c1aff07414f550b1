"""Asking a gateway as its operators do, by http on a Unix socket or on the loopback."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.house import House
from tests.support.processes import LOOPBACK, TIME_LIMIT
from tunnel_gateway.gateway.admin.overview import Overview
from tunnel_gateway.gateway.admin.probes import Probes

_SAMPLE = re.compile(r"(?P<name>\w+)(\{(?P<labels>.*)\})? (?P<value>\S+)")
_LABEL = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=TIME_LIMIT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(TIME_LIMIT)
        self.sock.connect(str(self._path))


class Operator:
    """Somebody who asks at a path, or at a port of the loopback."""

    def __init__(self, place: Path | int) -> None:
        self._place = place

    def ask(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """Ask once; ``headers`` are written with underscores."""
        if isinstance(self._place, Path):
            connection: http.client.HTTPConnection = _UnixConnection(self._place)
        else:
            connection = http.client.HTTPConnection(LOOPBACK, self._place, timeout=TIME_LIMIT)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers=named)
        with connection.getresponse() as response:
            body = response.read().decode()
            answer = Answer(response.status, dict(response.headers), body)
        connection.close()
        return answer

    def close(self, tunnel_id: str) -> Answer:
        """Close a tunnel."""
        return self.ask(f"/tunnels/{tunnel_id}/close", "POST", X_Tunnel_Gateway="test")

    def metrics(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        """Return all samples, by name and labels."""
        return samples(self.ask("/metrics").text)

    def metric(self, name: str, **labels: str) -> float:
        """Return one sample; 0 if it is not there."""
        return self.metrics().get((name, frozenset(labels.items())), 0.0)


def samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return what the text format of Prometheus says, by name and labels."""
    found = {}
    for line in text.splitlines():
        if match := _SAMPLE.fullmatch(line):
            labels = frozenset(_LABEL.findall(match["labels"] or ""))
            found[match["name"], labels] = float(match["value"])
    return found


async def carried(seen: Overview, down: int) -> None:
    """Wait until the threads have counted so many bytes to users: they send before they count."""
    async with asyncio.timeout(TIME_LIMIT):
        while sum(one.bytes_down for one in seen.workers()) != down:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def overview(home: House) -> Overview:
    """Return what there is to see of the tunnels in this process."""
    return Overview(
        resources=lambda: home.resources,
        accepted=dict,
        sessions=home.sessions,
        probes=Probes(lambda: home.resources),
    )

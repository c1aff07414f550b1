"""The programs of the fleet: two gateways, and two HAProxies that lead to both."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket

from benchmarks.counters import memory_kib
from benchmarks.places import LOOPBACK, free_port
from benchmarks.programs import ROOT, BenchmarkError, Program
from benchmarks.systems import Laboratory, gateway_config, start_gateway

# An hour is the largest value: busy and idle users can all keep their tunnels.
DRAIN_SECONDS = 3600
_MORE = f"""\
tunnel.proxy.from={LOOPBACK}
tunnel.drain.timeout={DRAIN_SECONDS}
tunnel.admin.listen=unix:{{folder}}/{{{{instance}}}}.sock
"""
_OPEN = re.compile(r"^tunnel_gateway_tunnels_open\{.*\} (\S+)$", re.MULTILINE)
_ANSWER_SECONDS = 30.0


class Gateway:
    """One daemon: ``place`` is its machine, ``name`` its own."""

    def __init__(self, laboratory: Laboratory, place: str, name: str) -> None:
        self.name = name
        self._admin = laboratory.folder / f"{name}.sock"
        config = laboratory.folder / f"{place}.properties"
        environment = {"TUNNEL_GATEWAY_INSTANCE": name}
        self._program = start_gateway(laboratory, name, config, environment)
        self._program.wait_for_word('"admin_listening"')
        self.pid = self._program.pid
        self.empty_kib = memory_kib([self.pid])

    def tunnels(self) -> int:
        """Return how many it has open, as it says itself (/metrics)."""
        with socket.socket(socket.AF_UNIX) as one:
            one.settimeout(_ANSWER_SECONDS)
            one.connect(str(self._admin))
            one.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            answer = b"".join(iter(lambda: one.recv(65536), b""))
        if not answer.startswith(b"HTTP/1.1 200 "):
            raise BenchmarkError(f"{self.name} does not give its metrics: {answer[:200]!r}")
        return sum(int(float(value)) for value in _OPEN.findall(answer.decode()))

    def retire(self) -> None:
        """Ask it to stop: it keeps its tunnels and takes no new ones."""
        os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """End it as a broken machine does."""
        self._program.stop()


class Fleet:
    """Two places with a gateway each, and two HAProxies: one has not descriptors enough."""

    def __init__(self, laboratory: Laboratory) -> None:
        self._laboratory = laboratory
        ports = {place: free_port() for place in ("gateway-1", "gateway-2")}
        for place, port in ports.items():
            text = gateway_config(laboratory, port, shared=True)
            text += _MORE.format(folder=laboratory.folder)
            path = laboratory.folder / f"{place}.properties"
            path.write_text(text, encoding="utf-8")
        self.first, self.second = (self.start(place, place) for place in ports)
        addresses = {
            f"GATEWAY_{number}": f"{LOOPBACK}:{port}"
            for number, port in enumerate(ports.values(), 1)
        }
        self.ports = tuple(self._balancer(number, addresses) for number in (1, 2))

    def start(self, place: str, name: str) -> Gateway:
        """Start a daemon at a place, beside what may listen there."""
        return Gateway(self._laboratory, place, name)

    def _balancer(self, number: int, gateways: dict[str, str]) -> int:
        program = shutil.which("haproxy", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
        if program is None:
            raise BenchmarkError("haproxy is missing: run scripts/system-packages --for-tests")
        port = free_port()
        command = (program, "-db", "-f", str(ROOT / "deploy/haproxy/haproxy.cfg"))
        environment = {"LISTEN": f"{LOOPBACK}:{port}"} | gateways
        started: Program = self._laboratory.start(f"haproxy-{number}", command, environment)
        started.wait_for_port(port)
        return port

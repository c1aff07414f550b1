"""The systems that are measured, in one table, and how each is started."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from benchmarks.places import (
    DESTINATION,
    DOMAIN,
    LOOPBACK,
    NATIVE,
    STP,
    STP_DESTINATION,
    USER,
    Size,
    Target,
    free_port,
)
from benchmarks.programs import PYTHON, BenchmarkError, Program
from benchmarks.stunnel_files import AES, GOST, Suite, write_files
from tunnel_gateway.cli.main import main as tunnel_gateway


class Laboratory:
    """A folder with the credentials, and the destination that every system leads to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.credentials = folder / "credentials"
        with redirect_stdout(io.StringIO()):
            made = tunnel_gateway(
                ["pki", "init", str(self.credentials), "--domain", DOMAIN, "--user", USER]
            )
        if made != 0:
            raise BenchmarkError("no credentials could be made")
        self._programs: list[Program] = []
        self.far_port = free_port()
        self.start("far", python_module("far", self.far_port)).wait_for_port(self.far_port)

    def start(
        self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> Program:
        """Start a program; its output goes into a file of that name."""
        program = Program(self.folder / f"{name}.log", command, environment)
        self._programs.append(program)
        return program

    def close(self) -> None:
        """End every program that still runs."""
        for program in self._programs:
            program.stop()


def python_module(name: str, *arguments: object) -> tuple[str, ...]:
    """Return the command that runs a module of this package."""
    return (PYTHON, "-m", f"benchmarks.{name}", *map(str, arguments))


@dataclass(frozen=True, slots=True)
class Running:
    """A system that runs: where, and its processes. As a context manager it ends them."""

    target: Target
    programs: list[Program]

    def __enter__(self) -> Target:
        return self.target

    def __exit__(self, *_: object) -> None:
        for program in self.programs:
            program.stop()


@dataclass(frozen=True, slots=True)
class System:
    """One system: ``start`` takes the laboratory and the system's size there."""

    name: str
    label: str
    start: Callable[[Laboratory, Size], Running]


def _usual_only(size: Size) -> None:
    if not size.is_usual:
        raise BenchmarkError("only the gateway is measured in several sizes")


def _start_relay(laboratory: Laboratory, size: Size) -> Running:
    _usual_only(size)
    port = free_port()
    command = python_module("plain_relay", port, laboratory.far_port)
    daemon = laboratory.start(f"relay-{port}", command).wait_for_port(port)
    return Running(Target("relay", port, (daemon.pid,)), [daemon])


def _stunnel(suite: Suite) -> Callable[[Laboratory, Size], Running]:
    def start(laboratory: Laboratory, size: Size) -> Running:
        _usual_only(size)
        program = shutil.which("stunnel")
        if program is None:
            raise BenchmarkError("stunnel is missing: run scripts/system-packages --for-benchmarks")
        near, between = free_port(), free_port()
        files = write_files(
            laboratory.folder / suite.name, suite, near, between, laboratory.far_port
        )
        pair = ("server", files.server, between), ("client", files.client, near)
        daemon, client = (
            laboratory.start(
                f"{suite.name}-{name}-{port}", (program, str(path)), files.environment
            ).wait_for_port(port)
            for name, path, port in pair
        )
        return Running(Target(suite.name, near, (daemon.pid,)), [client, daemon])

    return start


_GATEWAY_CONFIG = """\
tunnel.enabled=yes
tunnel.listen.ip={host}
tunnel.listen.port={port}
tunnel.listen.reuseport={reuseport}
tunnel.servers.dir={credentials}/servers
tunnel.truststore.file={credentials}/truststore.pem
tunnel.certificate.limit=0
tunnel.destination.{destination}.host={host}
tunnel.destination.{destination}.port={far_port}
"""


def gateway_config(laboratory: Laboratory, port: int, *, shared: bool) -> str:
    """Return the configuration of a gateway that leads to the laboratory's destination."""
    return _GATEWAY_CONFIG.format(
        host=LOOPBACK,
        port=port,
        reuseport="yes" if shared else "no",
        credentials=laboratory.credentials,
        destination=DESTINATION,
        far_port=laboratory.far_port,
    )


def start_gateway(
    laboratory: Laboratory,
    name: str,
    config: Path,
    environment: Mapping[str, str] | None = None,
    events: Sequence[str] = ("listening",),
) -> Program:
    """Start a gateway and wait until it has logged that it listens."""
    command = (
        PYTHON,
        "-c",
        "from tunnel_gateway.cli.start import start; raise SystemExit(start())",
    )
    program = laboratory.start(name, (*command, "serve", "--config", str(config)), environment)
    for event in events:
        program.wait_for_word(f'"{event}"')
    return program


_STP_CONFIG = """\
tunnel.stp=yes
tunnel.intermediates.dir={folder}
tunnel.destination.{destination}.host={host}
tunnel.destination.{destination}.port={far_port}
"""


def _stp_config(laboratory: Laboratory) -> str:
    """Return the further lines for STP, whose clients show no centre."""
    folder = laboratory.folder / "centres"
    folder.mkdir(exist_ok=True)
    shutil.copy(laboratory.credentials / "ca" / "centre.pem", folder)
    return _STP_CONFIG.format(
        folder=folder,
        destination=STP_DESTINATION,
        host=LOOPBACK,
        far_port=laboratory.far_port,
    )


def _start_gateways(laboratory: Laboratory, size: Size, more: str = "") -> Running:
    port = free_port()
    config = laboratory.folder / f"gateway-{port}.properties"
    text = gateway_config(laboratory, port, shared=size.daemons > 1) + more
    if size.workers is not None:
        text += f"tunnel.workers={size.workers}\n"
    config.write_text(text, encoding="utf-8")
    daemons = [
        start_gateway(laboratory, f"gateway-{port}-{number}", config)
        for number in range(size.daemons)
    ]
    pids = tuple(daemon.pid for daemon in daemons)
    return Running(Target("gateway", port, pids, laboratory.credentials), list(daemons))


def _start_gateway_and_near(laboratory: Laboratory, size: Size) -> Running:
    return _and_near(laboratory, _start_gateways(laboratory, size), NATIVE)


def _start_gateway_and_near_by_stp(laboratory: Laboratory, size: Size) -> Running:
    gateway = _start_gateways(laboratory, size, _stp_config(laboratory))
    return _and_near(laboratory, gateway, STP, "--stp")


def _and_near(laboratory: Laboratory, gateway: Running, name: str, *more: str) -> Running:
    port = free_port()
    command = python_module("near", port, gateway.target.port, laboratory.credentials, *more)
    near = laboratory.start(f"near-{port}", command).wait_for_port(port)
    return Running(Target(name, port, gateway.target.pids), [near, *gateway.programs])


SYSTEMS = (
    System("relay", "plain relay, no cryptography", _start_relay),
    System("gateway", "tunnel-gateway", _start_gateways),
    System(NATIVE, "tunnel-gateway, its client beside the load", _start_gateway_and_near),
    System(STP, "tunnel-gateway by STP", _start_gateway_and_near_by_stp),
    System("stunnel-gost", "stunnel, GOST 28147-89", _stunnel(GOST)),
    System("stunnel-aes", "stunnel, TLS 1.3 AES", _stunnel(AES)),
)
SYSTEM_OF = {system.name: system for system in SYSTEMS}

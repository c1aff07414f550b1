"""What systemd sees of the real daemon: its units, its messages, the socket that it passes."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.credentials import Credentials
from tests.support.destination import finish, join
from tests.support.log_lines import Record, first_record, read_records
from tests.support.machine import UNITS
from tests.support.notify import NotifySocket
from tests.support.peer import Peer
from tests.support.processes import (
    COMMAND,
    LOOPBACK,
    PROJECT,
    TIME_LIMIT,
    Gateway,
    Program,
    ReservedPort,
    command,
    wait_until,
    write_config,
)
from tunnel_gateway.dataplane.joining import MAX_WORKERS

StartGateway = Callable[..., Gateway]
INSTANCE = (
    "# In the names of addresses and files, {instance} stands for this.\n"
    "Environment=TUNNEL_GATEWAY_INSTANCE=%i\n"
)
SERVICES = ("tunnel-gateway.service", "tunnel-gateway@.service")
# A signal that makes the event loop stand still, and leaves the process alive.
STALLING = command("import signal, time", "signal.signal(10, lambda *_: time.sleep(3600))")


def analyse(*arguments: str | Path) -> str:
    done = subprocess.run(
        ("systemd-analyze", *map(str, arguments)), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stderr


def test_the_units_are_correct(installed: Path, tmp_path: Path) -> None:
    paths = []
    for unit in sorted((installed / UNITS).iterdir()):
        text = unit.read_text().replace("/opt/tunnel-gateway", f"{installed}/opt/tunnel-gateway")
        path = tmp_path / unit.name.replace("@.", "@1.")
        path.write_text(text)
        paths.append(path)
    assert [path.name for path in paths] == [
        "tunnel-gateway-rest.socket",
        "tunnel-gateway.service",
        "tunnel-gateway.socket",
        "tunnel-gateway.target",
        "tunnel-gateway@1.service",
    ]
    assert analyse("verify", "--man=no", *paths) == ""


@pytest.mark.parametrize("name", SERVICES)
def test_little_is_exposed(installed: Path, name: str, tmp_path: Path) -> None:
    unit = tmp_path / name.replace("@.", "@1.")
    unit.write_text((installed / UNITS / name).read_text())
    analyse("security", "--offline=true", "--threshold=15", unit)


def test_both_services_are_one() -> None:
    one, other = ((PROJECT / "systemd" / name).read_text() for name in SERVICES)
    assert one.partition("\n[Service]\n")[2].replace(
        "multi-user.target", "tunnel-gateway.target"
    ) == other.partition("\n[Service]\n")[2].replace(INSTANCE, "")


@pytest.mark.parametrize("name", SERVICES)
def test_a_large_machine_may_have_its_threads(name: str) -> None:
    """Those that carry tunnels, and those of Python: its default pool alone has 32."""
    found = re.search(r"^TasksMax=(\d+)$", (PROJECT / "systemd" / name).read_text(), re.MULTILINE)
    assert found is not None
    assert int(found[1]) >= MAX_WORKERS + 100


def test_states_come_in_order(
    manager: NotifySocket, start_gateway: StartGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "200000")
    gateway = start_gateway()
    manager.wait(lambda: manager.count("WATCHDOG") > 2, "food for the watchdog")
    gateway.signal(signal.SIGHUP)
    manager.wait(lambda: manager.states() == ["READY", "RELOADING", "READY"], "a reload")
    good = gateway.config.read_text()
    gateway.config.write_text("tunnel.enabled=perhaps\n")
    gateway.signal(signal.SIGHUP)
    gateway.logged("reload_refused")
    manager.wait(lambda: manager.states()[3:] == ["RELOADING", "READY"], "a refused reload")
    gateway.config.write_text(good)
    gateway.signal(signal.SIGTERM)
    assert gateway.exit_code() == 0
    assert manager.states() == [*("READY", "RELOADING") * 2, "READY", "STOPPING"]
    (stopping,) = (one for one in manager.messages if "STOPPING" in one)
    assert stopping["EXTEND_TIMEOUT_USEC"] == "45000000"  # 30 s to drain, and 15
    times = [int(one["MONOTONIC_USEC"]) for one in manager.messages if "RELOADING" in one]
    assert times == sorted(times)
    assert {"STATUS": "0 open tunnels, 0 connections"} in manager.messages


def test_the_status_counts_tunnels(
    manager: NotifySocket,
    start_gateway: StartGateway,
    credentials: Credentials,
    destination: socket.socket,
) -> None:
    gateway = start_gateway()
    with Peer.of(gateway, credentials, dst_id="raw") as peer, join(peer, destination):
        wanted = {"STATUS": "1 open tunnels, 1 connections"}
        manager.wait(lambda: wanted in manager.look(), "the open tunnel")


def test_a_loop_that_stands_still_feeds_nobody(
    manager: NotifySocket,
    credentials: Credentials,
    destinations: dict[str, int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "100000")
    gateway = Gateway(credentials, tmp_path, destinations, program=STALLING)
    manager.wait(lambda: manager.count("WATCHDOG") > 2, "food for the watchdog")
    gateway.signal(signal.SIGUSR1)
    stack = Path(f"/proc/{gateway.process.pid}/wchan")
    wait_until(lambda: "nanosleep" in stack.read_text(), "the loop to stand still")
    fed = manager.count("WATCHDOG")
    gateway.signal(signal.SIGHUP)  # nothing moves it
    with pytest.raises(subprocess.TimeoutExpired):
        gateway.process.wait(1)  # ten times what a watchdog waits
    assert manager.count("WATCHDOG") == fed
    gateway.process.kill()
    gateway.exit_code()


class Activated(Program):
    """systemd-socket-activate, which becomes the gateway with the first connection."""

    def __init__(self, config: Path, address: tuple[str, int], name: str) -> None:
        super().__init__(
            "systemd-socket-activate",
            *("-c", "import os, sys; os.execvp(sys.argv[1], sys.argv[1:])"),
            *("systemd-socket-activate", "--listen={}:{}".format(*address), f"--fdname={name}"),
            *(sys.executable, *COMMAND, "serve", "--config", str(config)),
        )
        self.address = address
        self.wait_for(lambda: any("Listening on" in one for one in self.errors), "its line")

    def logged(self, event: str) -> Record:
        """Wait for a line of the gateway's log."""

        def find() -> Record | None:
            log = "\n".join(line for line in self.errors if line.startswith("{"))
            return first_record(read_records(log), event, {})

        record = self.wait_for(find, event)
        assert record is not None
        return record


@pytest.fixture
def activate(
    credentials: Credentials, destinations: dict[str, int], tmp_path: Path
) -> Iterator[Callable[[str], Activated]]:
    reserved, started = ReservedPort(), list[Activated]()

    def start(name: str) -> Activated:
        config = tmp_path / "config.properties"
        write_config(config, credentials, 1, destinations)  # another port than the passed one
        running = Activated(config, (LOOPBACK, reserved.number), name)
        started.append(running)
        return running

    yield start
    reserved.close()
    for running in started:
        if running.process.poll() is None:
            running.process.kill()
        running.exit_code()


def test_a_tunnel_through_a_passed_socket(
    activate: Callable[[str], Activated], credentials: Credentials, destination: socket.socket
) -> None:
    gateway = activate("tunnel")
    # The connection that starts the gateway is the first that it serves.
    peer = Peer(gateway.address, credentials.settings(dst_id="raw"))
    with peer.socket, join(peer, destination) as other:
        line = gateway.logged("listening")
        assert line["address"] == "{}:{}".format(*gateway.address)
        assert line["socket"] == "systemd"
        config = Path(gateway.process.args[-1])  # type: ignore[index,arg-type]
        config.write_text(config.read_text().replace("listen.port=1\n", "listen.port=2\n"))
        gateway.signal(signal.SIGHUP)
        assert gateway.logged("listen_key_not_used")["key"] == "tunnel.listen.port"
        gateway.signal(signal.SIGTERM)
        gateway.logged("draining")
        finish(peer, other)
    assert gateway.exit_code() == 0


def test_a_socket_that_nobody_asks(activate: Callable[[str], Activated]) -> None:
    gateway = activate("other")
    with socket.create_connection(gateway.address, timeout=TIME_LIMIT):
        assert gateway.exit_code() == 1
    assert "passed sockets that the gateway does not use: other;" in gateway.last_words()

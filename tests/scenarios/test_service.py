"""The installed service under a real systemd with a real journal, in a machine of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.credentials import FIRST_DOMAIN, Credentials
from tests.support.destination import everything, finish, join
from tests.support.machine import CONFIG, Machine
from tests.support.peer import Peer
from tests.support.processes import (
    LOOPBACK,
    PROJECT,
    TIME_LIMIT,
    ReservedPort,
    command,
    wait_until,
    write_config,
)
from tunnel_gateway.pki.files.keyfiles import identity_to_pfx

UNIT = "tunnel-gateway.service"
PASSWORD = "maxfiy so‘z"


class Service:
    """A gateway in a machine, and its files there."""

    def __init__(
        self, machine: Machine, credentials: Credentials, destinations: dict[str, int]
    ) -> None:
        self.machine = machine
        self.credentials = credentials
        self.destinations = destinations
        self.reserved = ReservedPort()
        self.address = (LOOPBACK, self.reserved.number)
        self.folder = machine.root / CONFIG
        self.dropins: list[Path] = []
        self.user = "tunnel-gateway:tunnel-gateway"
        machine.run("systemd-sysusers", "/usr/local/lib/sysusers.d/tunnel-gateway.conf")
        shutil.copytree(credentials.servers, self.folder / "tunnel" / "servers")
        shutil.copy(credentials.truststore, self.folder)

    def configure(self, **settings: object) -> None:
        """Write the configuration, as an administrator would; permissions are tmpfiles' work."""
        keys = {name.replace("_", "."): value for name, value in settings.items()}
        keys = {"servers.dir": "tunnel/servers", "truststore.file": "truststore.pem"} | keys
        path = self.folder / "config.properties"
        write_config(path, self.credentials, self.address[1], self.destinations, keys)
        self.machine.run("systemd-tmpfiles", "--create")

    def change_unit(self, unit: str, text: str) -> None:
        """Do what `systemctl edit` does."""
        path = self.machine.root / f"etc/systemd/system/{unit}.d/{len(self.dropins)}.conf"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        self.dropins.append(path)
        self.machine.systemctl("daemon-reload")

    def wait_for(self, unit: str, name: str, value: str) -> None:
        """Wait until a property of a unit is so."""

        def there() -> bool:
            return self.machine.show(unit, name) == value

        wait_until(there, f"{name}={value} of {unit}")

    def events(self, event: str, *fields: str) -> list[str]:
        """Return the messages of the log's lines of this event."""
        return self.machine.journal(f"TUNNEL_EVENT={event}", *fields).splitlines()

    def lines(self, count: int, event: str, *fields: str) -> list[str]:
        """Wait until there are so many of these; a line is written after what it tells."""

        def there() -> list[str]:
            lines = self.events(event, *fields)
            return lines if len(lines) >= count else []

        lines = wait_until(there, f"{count} lines {event}")
        assert len(lines) == count
        return lines

    def clean(self) -> None:
        """Make the machine as it was."""
        sockets = ("tunnel-gateway.socket", "tunnel-gateway-rest.socket")
        units = (UNIT, *sockets, "tunnel-gateway.target", "tunnel-gateway@*")
        self.machine.run("systemctl", "kill", "--signal=KILL", *units, check=False)
        self.machine.run("systemctl", "stop", *units, check=False)
        for path in self.dropins:
            path.unlink()
        self.dropins.clear()
        self.machine.run("systemctl", "daemon-reload")
        self.machine.run("systemctl", "reset-failed")
        self.machine.run("journalctl", "--rotate")
        self.machine.run("journalctl", "--vacuum-time=1us")


@pytest.fixture(scope="module")
def machine(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    running = Machine(tmp_path_factory.mktemp("machine") / "root", installed)
    yield running
    running.close()


@pytest.fixture(scope="module")
def _service(
    machine: Machine, credentials: Credentials, destinations: dict[str, int]
) -> Iterator[Service]:
    service = Service(machine, credentials, destinations)
    yield service
    service.reserved.close()


@pytest.fixture
def service(_service: Service) -> Iterator[Service]:
    _service.configure()
    yield _service
    _service.clean()


def peer_of(service: Service, credentials: Credentials, dst_id: str = "api") -> Peer:
    return Peer(service.address, credentials.settings(dst_id=dst_id))


def test_check_before_the_first_start(service: Service) -> None:
    machine = service.machine
    for folder in ("lib", "log"):
        machine.run("rm", "-rf", f"/var/{folder}/tunnel-gateway")
    service.configure(
        audit_file="/var/log/tunnel-gateway/audit{instance}.jsonl",
        revocation="soft",
        revocation_cache_dir="/var/lib/tunnel-gateway",
    )
    program = "/opt/tunnel-gateway/bin/tunnel-gateway"
    as_gateway = ("runuser", "-u", "tunnel-gateway", "--")
    said = machine.run(*as_gateway, program, "check", "--json", check=False).splitlines()
    bad = {one["area"] for one in map(json.loads, said) if one["status"] != "ok"}
    assert bad <= {"destination", "limits"}  # not every application runs here
    said_to_root = machine.run(program, "check", "--json", check=False)
    assert "runuser -u tunnel-gateway -- tunnel-gateway check" in said_to_root


def test_start_reload_and_stop(
    service: Service, credentials: Credentials, destination: socket.socket
) -> None:
    machine = service.machine
    # Shorter than what the drain takes: the daemon asks for more time by itself.
    service.change_unit(UNIT, "[Service]\nTimeoutStopSec=1s\n")
    machine.systemctl("start", UNIT)
    assert machine.show(UNIT, "User") == "tunnel-gateway"
    assert machine.show(UNIT, "ActiveState") == "active"
    (line,) = service.lines(1, "listening")
    assert f"address={LOOPBACK}:{service.address[1]}" in line
    assert service.events("listening", f"TUNNEL_DOMAINS={FIRST_DOMAIN}", "PRIORITY=6") == [line]

    machine.systemctl("reload", UNIT)
    service.lines(1, "reloaded")
    service.configure(limit="many")
    machine.systemctl("reload", UNIT)
    assert "tunnel.limit" in service.lines(1, "reload_refused", "PRIORITY=3")[0]
    assert machine.show(UNIT, "ActiveState") == "active"

    peer = peer_of(service, credentials, "raw")
    with peer.socket, join(peer, destination) as other:
        service.wait_for(UNIT, "StatusText", "1 open tunnels, 1 connections")
        machine.systemctl("stop", "--no-block", UNIT)
        service.wait_for(UNIT, "SubState", "stop-sigterm")
        stopped = time.monotonic()
        wait_until(lambda: time.monotonic() > stopped + 2, "more than TimeoutStopSec")
        finish(peer, other)
    service.wait_for(UNIT, "ActiveState", "inactive")
    assert machine.show(UNIT, "Result") == "success"
    service.lines(1, "tunnel_closed", f"TUNNEL_DOMAIN={FIRST_DOMAIN}")


def test_a_loop_that_stands_still_is_started_anew(
    service: Service, credentials: Credentials
) -> None:
    machine = service.machine
    _, statements = command("import signal, time", "signal.signal(10, lambda *_: time.sleep(3600))")
    program = f'/opt/tunnel-gateway/bin/python -c "{statements}"'
    service.change_unit(
        UNIT,
        "[Service]\nWatchdogSec=3s\nExecStart=\n"
        f"ExecStart={program} serve --config /etc/tunnel-gateway/config.properties\n",
    )
    machine.systemctl("start", UNIT)
    first = machine.show(UNIT, "MainPID")
    restarts = machine.show(UNIT, "NRestarts")
    machine.systemctl("kill", "--kill-whom=main", "--signal=USR1", UNIT)
    wait_until(lambda: machine.show(UNIT, "NRestarts") > restarts, "a restart")
    service.wait_for(UNIT, "ActiveState", "active")
    assert machine.show(UNIT, "MainPID") != first
    assert "Watchdog timeout" in machine.journal("UNIT=tunnel-gateway.service")
    peer = peer_of(service, credentials)
    with peer.socket:
        peer.open()


@pytest.mark.parametrize("how", ["LoadCredential", "LoadCredentialEncrypted"])
def test_a_password_from_a_credential(how: str, service: Service, credentials: Credentials) -> None:
    machine = service.machine
    pfx = identity_to_pfx(
        credentials.example.identity, "men", PASSWORD.encode(), os.urandom, rounds=2048
    )
    servers = service.folder / "closed"
    servers.mkdir(exist_ok=True)
    key = servers / f"{FIRST_DOMAIN}.pfx"
    key.write_bytes(pfx)
    key.chmod(0o600)
    machine.run("chown", "-R", service.user, "/etc/tunnel-gateway/closed")
    service.configure(servers_dir="closed")
    password = service.folder / "password"
    password.write_text(PASSWORD, encoding="utf-8")
    path = "/etc/tunnel-gateway/password"
    if how == "LoadCredentialEncrypted":
        machine.run("systemd-creds", "encrypt", "--name=tunnel.servers.password", path, f"{path}.c")
        password.unlink()
        path = f"{path}.c"
    service.change_unit(UNIT, f"[Service]\n{how}=tunnel.servers.password:{path}\n")
    machine.systemctl("start", UNIT)
    service.lines(1, "listening", f"TUNNEL_DOMAINS={FIRST_DOMAIN}")
    assert PASSWORD not in machine.journal()

    service.configure(servers_dir="closed", servers_password="boshqa")
    machine.systemctl("reload", UNIT)
    assert "also given as a credential" in service.lines(1, "reload_refused")[0]


def test_a_start_that_fails_says_why_as_an_error(service: Service) -> None:
    service.configure(limit="many")
    service.machine.run("systemctl", "start", UNIT, check=False)
    said = service.machine.journal("PRIORITY=3", f"_SYSTEMD_UNIT={UNIT}").splitlines()
    assert said
    assert all("tunnel-gateway: " in line and "tunnel.limit" in line for line in said)


def test_a_gateway_that_is_switched_off_is_no_failure(service: Service) -> None:
    path = service.folder / "config.properties"
    path.write_text("tunnel.enabled=no\n")
    service.machine.systemctl("start", UNIT)
    service.wait_for(UNIT, "ActiveState", "inactive")
    assert service.machine.show(UNIT, "Result") == "success"
    assert service.machine.show(UNIT, "NRestarts") == "0"


def free_port_below_1024() -> int:
    for number in range(1023, 512, -1):
        with suppress(OSError), socket.socket() as trying:
            trying.bind((LOOPBACK, number))
            return number
    pytest.skip("no port below 1024 is free")


def test_the_socket_unit(
    service: Service, credentials: Credentials, destination: socket.socket
) -> None:
    machine = service.machine
    address = (LOOPBACK, free_port_below_1024())  # the service's user has no right to such a port
    where = "{}:{}".format(*address)
    service.change_unit("tunnel-gateway.socket", f"[Socket]\nListenStream=\nListenStream={where}\n")
    machine.systemctl("start", "tunnel-gateway.socket")
    for number in (1, 2):  # the second connection waits until the gateway is there again
        peer = Peer(address, credentials.settings(dst_id="raw"))
        with peer.socket, join(peer, destination):
            service.lines(number, "listening", "TUNNEL_SOCKET=systemd")
        machine.systemctl("stop", UNIT)
    assert machine.show("tunnel-gateway.socket", "ActiveState") == "active"


def test_the_socket_unit_of_the_rest_service(service: Service) -> None:
    """The REST service alone, with the example that is installed for it."""
    machine, folder = service.machine, service.folder
    (folder / "keys").mkdir()
    shutil.copy(service.credentials.truststore, folder / "keys/truststore.jks")
    machine.run("chgrp", "-R", "tunnel-gateway", f"/{CONFIG}/keys")
    shutil.copy(folder / "rest.properties.example", folder / "config.properties")
    machine.run("systemd-tmpfiles", "--create")
    unit, address = "tunnel-gateway-rest.socket", (LOOPBACK, free_port_below_1024())
    where = "{}:{}".format(*address)
    service.change_unit(unit, f"[Socket]\nListenStream=\nListenStream={where}\n")
    machine.systemctl("start", unit)
    for number in (1, 2):  # the second call waits until the service is there again
        with urllib.request.urlopen(f"http://{where}/ping", timeout=TIME_LIMIT) as answer:
            assert json.load(answer)["yourIP"] == LOOPBACK
        service.lines(number, "rest_listening", "TUNNEL_SOCKET=systemd")
        machine.systemctl("stop", UNIT)
    assert machine.show(unit, "ActiveState") == "active"


def test_several_on_one_port(service: Service, credentials: Credentials) -> None:
    machine = service.machine
    service.configure(
        listen_reuseport="yes",
        admin_listen="unix:/run/tunnel-gateway/admin{instance}.sock",
        audit_file="/var/log/tunnel-gateway/audit{instance}.jsonl",
    )
    instances = ("tunnel-gateway@1.service", "tunnel-gateway@2.service")
    machine.systemctl("enable", *instances)
    machine.systemctl("start", "tunnel-gateway.target")
    for instance in instances:
        service.wait_for(instance, "ActiveState", "active")
    service.lines(2, "listening")
    for name in ("run/tunnel-gateway/admin{}.sock", "var/log/tunnel-gateway/audit{}.jsonl"):
        assert all((machine.root / name.format(number)).exists() for number in (1, 2))
    peer = peer_of(service, credentials)
    with peer.socket:
        peer.open()
    machine.systemctl("stop", "tunnel-gateway.target")
    for instance in instances:
        service.wait_for(instance, "ActiveState", "inactive")
    machine.systemctl("disable", *instances)


def test_uninstalling_stops_it(
    installed: Path, credentials: Credentials, destinations: dict[str, int], tmp_path: Path
) -> None:
    machine = Machine(tmp_path / "machine", installed)
    service = Service(machine, credentials, destinations)
    service.configure()
    machine.systemctl("enable", "--now", UNIT)
    said = machine.run("/bin/bash", str(PROJECT / "scripts" / "install"), "--remove")
    assert "These stay, because they may contain keys" in said
    assert machine.show(UNIT, "ActiveState") == "inactive"
    assert machine.show(UNIT, "LoadState") == "not-found"
    assert not (machine.root / "opt/tunnel-gateway").exists()
    assert (service.folder / "config.properties").exists()
    service.reserved.close()
    machine.close()


def night_commands() -> Iterator[str]:
    """Yield the commands of docs/night-shift.md that look and change nothing."""
    text = (PROJECT / "docs" / "night-shift.md").read_text(encoding="utf-8")
    yield from text.partition("```sh\n")[2].partition("```")[0].splitlines()
    rows = re.findall(r"^\| *(?:\d+|\+) *\|[^|]*\| `(.+?)` \|", text, re.MULTILINE)
    yield from (row.replace("\\|", "|") for row in rows)


def test_the_commands_of_the_night(service: Service, credentials: Credentials) -> None:
    machine = service.machine
    service.configure(
        admin_listen="unix:/run/tunnel-gateway/admin.sock",
        audit_file="/var/log/tunnel-gateway/audit.jsonl",
    )
    machine.systemctl("start", UNIT)
    with socket.create_connection(service.address) as stranger:
        stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
        everything(stranger)
    service.lines(1, "tunnel_refused")
    commands = list(night_commands())
    assert len(commands) == 17
    for each in commands:
        said = machine.run("bash", "-c", f"PATH=$PATH:/usr/local/bin; {each} 2>&1", check=False)
        for failure in ("not found", "o such file", "nvalid", "nrecognized", "Usage", "usage:"):
            assert failure not in said, f"{each}: {said}"
        if "grep" not in each and "-p err" not in each and "-n" not in each.split():
            assert said, each
    asked = next(each for each in commands if "TUNNEL_EVENT=tunnel_refused" in each)
    assert machine.run("bash", "-c", asked) == "1 reason=protocol_error"

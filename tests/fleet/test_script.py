"""``deploy/fleet`` and what lies beside it: as they are shipped, and when something is missing."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from pathlib import Path

from tests.support.credentials import Credentials
from tests.support.fleet import Fleet, find_or_skip
from tests.support.processes import LOOPBACK, PROJECT, Program, write_config


def test_the_example_of_haproxy_is_whole() -> None:
    command = [find_or_skip("haproxy"), "-c", "-f", str(PROJECT / "deploy/haproxy/haproxy.cfg")]
    checked = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert checked.returncode == 0, checked.stderr
    assert "WARNING" not in checked.stderr


def test_what_it_started_it_ends(
    credentials: Credentials, destinations: dict[str, int], tmp_path: Path
) -> None:
    fleet = Fleet("haproxy", credentials, tmp_path, destinations)
    made = list(tmp_path.glob(".fleet-*.properties"))
    assert [path.stat().st_mode & 0o777 for path in made] == [0o600, 0o600]
    os.kill(fleet.gateways[0].pid, signal.SIGKILL)  # one that is gone already is no trouble
    fleet.close()
    for gateway in fleet.gateways:
        assert not Path(f"/proc/{gateway.pid}").exists()
    assert not Path(f"/proc/{fleet.balancer.pid}").exists()
    assert not list(tmp_path.glob(".fleet-*.properties"))


def test_a_port_that_is_taken(
    credentials: Credentials, destinations: dict[str, int], tmp_path: Path
) -> None:
    config = tmp_path / "fleet.properties"
    write_config(config, credentials, 1, destinations)
    # Two gateways cannot have the one port of this REST service, so the script leaves it out.
    rest = f"listen.ip={LOOPBACK}\nlisten.port=1\ntsp.truststore.file={credentials.truststore}\n"
    config.write_text(config.read_text() + rest)
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = str(taken.getsockname()[1])
        arguments = ("--config", str(config), "--folder", str(tmp_path), "--port", port)
        program = Program("the fleet", str(PROJECT / "deploy/fleet"), *arguments)
        assert program.exit_code() == 1
    assert program.errors == ["fleet: [Errno 98] Address already in use"]
    assert [program.next_output()["name"] for _ in range(2)] == ["gateway-1", "gateway-2"]
    assert not list(tmp_path.glob(".fleet-*.properties"))

"""How the program starts: descriptors that are closed, signals that come early, a user unknown."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.admin import Operator
from tests.support.credentials import Credentials
from tests.support.peer import Peer
from tests.support.processes import (
    COMMAND,
    LOOPBACK,
    PROJECT,
    TIME_LIMIT,
    Api,
    Gateway,
    ReservedPort,
    command,
    inspectable,
    wait_until,
    write_config,
)

# A signal that comes as soon as it can be held back.
EARLY = (
    "import os, signal",
    "import tunnel_gateway.cli.start as s",
    "hold = s._hold_signals",
    "s._hold_signals = lambda: (hold(), signal.raise_signal(signal.{0}))",
)
UNKNOWN = ("import pwd", "pwd.getpwuid = lambda _: {}['unknown']")


@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
def test_closed_descriptors(
    closed: str, credentials: Credentials, api: Api, tmp_path: Path
) -> None:
    port = ReservedPort()
    path, admin = tmp_path / "config.properties", tmp_path / "admin.sock"
    settings = {"admin.listen": f"unix:{admin}", "drain.timeout": 0}
    write_config(path, credentials, port.number, {"api": api.port}, settings)
    shell = f'exec "$@" {closed}'
    program = subprocess.Popen(
        ("sh", "-c", shell, "sh", sys.executable, *COMMAND, "serve", "--config", str(path)),
        cwd=PROJECT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=inspectable(),
    )
    try:
        wait_until(admin.exists, "the admin's socket")
        wait_until(lambda: Operator(admin).ask("/readyz").status == 200, "a gateway that is ready")
        for descriptor in range(3):
            target = str(Path(f"/proc/{program.pid}/fd/{descriptor}").readlink())
            assert not target.startswith(("socket:", "anon_inode:"))
        for _ in range(3):
            peer = Peer((LOOPBACK, port.number), credentials.settings())
            with peer.socket:
                peer.open()
        program.send_signal(signal.SIGTERM)
        assert program.wait(TIME_LIMIT) == 0
    finally:
        program.kill()
        program.wait()
        port.close()


@pytest.mark.parametrize("stream", [1, 2])
def test_commands_that_print_nowhere(stream: int) -> None:
    done = subprocess.run(
        ("sh", "-c", f'exec "$@" {stream}>&-', "sh", sys.executable, *COMMAND, "close", "ab"),
        cwd=PROJECT,
        capture_output=True,
        check=False,
        timeout=TIME_LIMIT,
    )
    assert done.returncode == 2


def test_an_early_hangup_is_a_reload(credentials: Credentials, tmp_path: Path) -> None:
    early = command(*(one.format("SIGHUP") for one in EARLY))
    gateway = Gateway(credentials, tmp_path, {"api": 1}, program=early, preloaded=False)
    gateway.logged("reloaded")
    gateway.signal(signal.SIGHUP)
    gateway.forget()
    gateway.logged("reloaded")
    assert gateway.stop() == 0


def run(name: str, *changes: str, more: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key != "HOME"}
    environment.pop("XDG_DATA_HOME", None)
    return subprocess.run(
        (sys.executable, *command(*changes), name, *more),
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=TIME_LIMIT,
    )


def test_an_early_hangup_ends_any_other_command() -> None:
    assert run("selftest").returncode == 0
    assert run("selftest", *(one.format("SIGHUP") for one in EARLY)).returncode == -signal.SIGHUP


@pytest.mark.parametrize(("pid", "code"), [("1", 128 + signal.SIGTERM), ("2", -signal.SIGTERM)])
def test_an_early_end(pid: str, code: int) -> None:
    changes = (*(one.format("SIGTERM") for one in EARLY), f"os.getpid = lambda: {pid}")
    assert run("selftest", *changes).returncode == code


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--help",), 0),
        (("selftest",), 0),
        (("agent", "--help"), 0),
        (("agent",), 1),
        (("serve", "--config", "/nothing"), 1),
    ],
)
def test_a_user_that_nobody_knows(arguments: tuple[str, ...], code: int) -> None:
    name, *more = arguments
    done = run(name, *UNKNOWN, more=tuple(more))
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    if arguments == ("agent",):
        assert "set HOME, or say with --state" in done.stderr


def test_an_agent_of_a_user_that_nobody_knows(tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "HOME"}
    program = subprocess.Popen(
        (
            *(sys.executable, *command(*UNKNOWN), "agent", "--state", str(tmp_path)),
            *("--ws-port", "0", "--wss-port", "0"),
        ),
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert program.stdout is not None
    assert b"ws_port" in program.stdout.readline()
    program.terminate()
    assert program.wait(TIME_LIMIT) == 0
    program.stdout.close()

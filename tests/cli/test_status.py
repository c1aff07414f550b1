"""``tunnel-gateway status`` with a real gateway: once, as JSON, live on a terminal; exit codes."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.admin import Operator
from tests.support.credentials import Credentials
from tests.support.processes import COMMAND, PROJECT, TIME_LIMIT, Gateway, Program, wait_until
from tunnel_gateway.cli.main import main


def start(credentials: Credentials, destinations: dict[str, int], folder: Path) -> Gateway:
    path = folder / "admin.sock"
    gateway = Gateway(credentials, folder, destinations, {"admin.listen": f"unix:{path}"})
    wait_until(lambda: Operator(path).ask("/readyz").status == 200, "ready")
    return gateway


@pytest.fixture(scope="module")
def running(
    credentials: Credentials, destinations: dict[str, int], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    """A gateway that no test stops."""
    gateway = start(credentials, destinations, tmp_path_factory.mktemp("status"))
    yield gateway
    assert gateway.stop() == 0


@pytest.fixture
def stopping(
    credentials: Credentials, destinations: dict[str, int], tmp_path: Path
) -> Iterator[Gateway]:
    """A gateway for a test that stops it."""
    gateway = start(credentials, destinations, tmp_path)
    yield gateway
    if gateway.process.poll() is None:
        gateway.stop()


def test_once(running: Gateway, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--config", str(running.config)]) == 0
    out = capsys.readouterr().out
    assert ": ready, up for " in out
    assert "boshqa.uz" in out
    assert "connections: 0" in out


@pytest.mark.parametrize(
    "line",
    [
        "tunnel.lissen.port=1",
        "tunnel.idle.timeout=5m",
        "tunnel.enabled=perhaps",
        "tunnel.servers.dir=/nowhere",
        "tunnel.servers.password=\\uZZZZ",
        "tunnel.destination.0.host=a b",
    ],
)
@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_fault_in_the_file_on_disk(
    line: str,
    more: list[str],
    running: Gateway,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = running.config.read_text()
    key = line.partition("=")[0]
    kept = [other for other in text.splitlines() if not other.startswith(f"{key}=")]
    changed = tmp_path / "changed.properties"
    changed.write_text("\n".join([*kept, line]))
    assert main(["status", *more, "--config", str(changed)]) == 0
    printed = capsys.readouterr()
    assert "boshqa.uz" in printed.out
    # What the file names is for `check` to look at: it may well be out of an operator's reach.
    assert ("the file on disk has a fault" in printed.err) == ("/nowhere" not in line)
    assert printed.err.count("\n") <= 1


def test_a_file_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.properties").write_bytes(b"\0")
    assert main(["status", "--config", str(tmp_path / "a.properties")]) == 1
    assert main(["status", "--config", str(tmp_path / "b.properties")]) == 1
    assert "cannot be read" in capsys.readouterr().err


def test_as_json(running: Gateway, capsys: pytest.CaptureFixture[str]) -> None:
    path = running.config.with_name("admin.sock")
    assert main(["status", "--json", "--admin", f"unix:{path}"]) == 0
    state = json.loads(capsys.readouterr().out)
    assert (state["ready"], state["pid"]) == (True, running.process.pid)


def test_a_gateway_that_is_not_ready(
    credentials: Credentials, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listen = {"admin.listen": f"unix:{tmp_path}/admin.sock"}
    gateway = Gateway(credentials, tmp_path, {"closed": 1}, listen)
    assert main(["status", "--config", str(gateway.config)]) == 3
    assert ": NOT READY, " in capsys.readouterr().out
    gateway.stop()


def test_nothing_answers(
    stopping: Gateway, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stopping.stop()
    assert main(["status", "--config", str(stopping.config)]) == 1
    assert "No such file or directory): is it running" in capsys.readouterr().err
    assert main(["status", "--admin", "127.0.0.1:1"]) == 1
    assert "Connection refused): is it running" in capsys.readouterr().err
    text = stopping.config.read_text()
    stopping.config.write_text(re.sub("tunnel.admin.listen=.*", "", text))
    assert main(["status", "--config", str(stopping.config)]) == 1
    told = capsys.readouterr().err
    assert "has no tunnel.admin.listen that can be used: set it" in told
    assert "--admin unix:/run/tunnel-gateway/admin.sock" in told
    stopping.config.unlink()
    assert main(["status", "--config", str(stopping.config)]) == 1
    told = capsys.readouterr().err
    assert "cannot be read (No such file or directory)" in told
    assert "--admin unix:/run/tunnel-gateway/admin.sock" in told


def test_an_instance(running: Gateway, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = running.config.read_text().replace("admin.sock", "{instance}.sock")
    (tmp_path / "several.properties").write_text(text)
    arguments = ["status", "--config", str(tmp_path / "several.properties"), "--instance"]
    assert main([*arguments, "admin"]) == 0
    assert main([*arguments, "other"]) == 1
    assert f"unix:{running.config.parent}/other.sock" in capsys.readouterr().err


def test_live_without_a_terminal(stopping: Gateway) -> None:
    arguments = (*COMMAND, "status", "--watch", "--config", str(stopping.config))
    watching = Program("status", *arguments, preloaded=False)

    def looks() -> int:
        return sum(": ready, up for" in line for line in watching.output)

    watching.wait_for(lambda: looks() >= 2, "a second look")
    assert "\x1b" not in "".join(watching.output)
    stopping.stop()
    watching.wait_for(lambda: any("is it running" in one for one in watching.output), "its end")
    watching.signal(signal.SIGINT)
    assert watching.exit_code() == 0
    assert watching.errors == []


class Terminal:
    """``status --watch`` on a terminal of its own."""

    def __init__(self, config: Path, columns: int) -> None:
        self._master, slave = pty.openpty()
        self.resize(columns)
        self.process = subprocess.Popen(
            (sys.executable, *COMMAND, "status", "--watch", "--config", str(config)),
            cwd=PROJECT,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES")},
        )
        os.close(slave)
        self.text = ""

    def resize(self, columns: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("4H", 24, columns, 0, 0))

    def read_until(self, pattern: str) -> str:
        """Return what was written up to the pattern."""
        while not (found := re.search(pattern, self.text, re.DOTALL)):
            self.text += os.read(self._master, 65536).decode(errors="replace")
        before, self.text = self.text[: found.end()], self.text[found.end() :]
        return before

    def close(self) -> None:
        os.close(self._master)


SCREEN_END = re.escape("\x1b[J")


def widest(screen: str) -> int:
    plain = re.sub(r"\x1b\[[?0-9]*[A-Za-z]", "", screen)
    return max(map(len, plain.split("\r\n")))


def test_live_on_a_terminal(running: Gateway) -> None:
    terminal = Terminal(running.config, 80)
    first = terminal.read_until(SCREEN_END)
    assert first.startswith("\x1b[?1049h")
    assert "ready, up for" in first
    assert 40 < widest(first) <= 80
    terminal.resize(44)
    terminal.process.send_signal(signal.SIGWINCH)
    terminal.read_until(SCREEN_END)  # one may have been under way
    assert widest(terminal.read_until(SCREEN_END)) <= 44
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.process.wait(TIME_LIMIT) == 0
    assert terminal.read_until(re.escape("\x1b[?1049l"))
    terminal.close()

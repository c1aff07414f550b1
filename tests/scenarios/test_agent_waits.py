"""What hangs does not hang the agent: a dead disk, a question that nobody answers, a hang-up."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import termios
from base64 import b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.credentials import FIRST_DOMAIN
from tests.support.dead_disk import dead_disk
from tests.support.page import AgentService, Page
from tests.support.processes import PROJECT, TIME_LIMIT, command, wait_until

Start = Callable[..., AgentService]


def test_a_dead_disk(start_service: Start, tmp_path: Path) -> None:
    dead = tmp_path / "dead"
    dead.mkdir()
    with dead_disk(dead):
        service = start_service(key_folders=[dead])
        page = service.opened()
        threads = Path(f"/proc/{service.process.pid}/task")
        first = page.call("list_all_certificates", plugin="pfx")
        before = len(list(threads.iterdir()))
        assert first["silent_disks"] == [f"{dead}/"]
        with ThreadPoolExecutor(8) as calling:  # more than there are threads for work
            again = calling.map(
                lambda _: page.call("list_all_certificates", plugin="pfx"), range(40)
            )
        assert all(answer == first for answer in again)
        assert len(list(threads.iterdir())) <= before + 8  # of the loop's own pool, not of the disk
        disk = page.call("list_certificates", f"{dead}/", plugin="pfx")
        load = page.call("load_key", f"{dead}/", "", "x", "cn=x", plugin="pfx")
        assert disk["code"] == load["code"] == "disk_silent"
        key_id = page.load_key()
        text = b64encode(b"salom").decode()
        assert page.call("create_pkcs7", text, key_id, "no", plugin="pkcs7")["success"] is True
        assert page.tunnel(key_id)["success"] is True
        assert len([one for one in service.records() if one["event"] == "disk_silent"]) == 1
        assert service.stop() == 0


def test_a_hangup_without_a_terminal(start_service: Start) -> None:
    service = start_service()
    assert service.ports
    service.process.send_signal(signal.SIGHUP)
    service.logged("hangup_ignored")
    assert service.page().call("version")["success"] is True


ON_TERMINAL = command("import fcntl, termios", "fcntl.ioctl(0, termios.TIOCSCTTY, 0)")


@pytest.fixture
def asking(start_service: Start) -> Iterator[tuple[subprocess.Popen[bytes], int, int]]:
    """An agent that asks for a password on a terminal of its own: process, screen, terminal."""
    service = start_service()
    assert service.ports  # it is stopped at the end, and is to be there by then
    screen, terminal = pty.openpty()
    process = subprocess.Popen(
        [
            *(sys.executable, *ON_TERMINAL),
            *("agent", "--settings", str(service.state.parent / "agent.properties")),
            *("--state", str(service.state), "--ws-port", "0", "--wss-port", "0"),
        ],
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd=PROJECT,
        env=os.environ | {"PATH": "", "LC_ALL": "C.UTF-8"},
    )
    assert process.stdout is not None
    page = Page(json.loads(process.stdout.readline())["ws_port"])
    page.call("apikey", FIRST_DOMAIN, service.issuer.key(FIRST_DOMAIN))
    key_id = page.load_key()
    with page.socket() as one:
        one.send(json.dumps({"plugin": "pfx", "name": "verify_password", "arguments": [key_id]}))
        seen = b""
        while b"Password:" not in seen:
            seen += os.read(screen, 4096)
        wait_until(lambda: not echoes(terminal), "the question without echo")
        yield process, screen, terminal
    process.kill()
    process.wait()
    process.stdout.close()


def echoes(terminal: int) -> bool:
    return bool(termios.tcgetattr(terminal)[3] & termios.ECHO)


def test_it_ends_while_it_asks(asking: tuple[subprocess.Popen[bytes], int, int]) -> None:
    process, screen, terminal = asking
    process.terminate()
    assert process.wait(TIME_LIMIT) == 0
    assert echoes(terminal)
    os.close(screen)
    os.close(terminal)


def test_its_terminal_is_closed(asking: tuple[subprocess.Popen[bytes], int, int]) -> None:
    process, screen, terminal = asking
    os.close(terminal)
    os.close(screen)
    assert process.wait(TIME_LIMIT) == 0

"""Errors that nobody caught do not wait for who reads standard error either."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.support.processes import PROJECT, TIME_LIMIT, command

RAISING = ("import tunnel_gateway.cli.main as m", "m.main = lambda: raising()")
FAILURES = {
    "main": "def raising(): raise RuntimeError('odd\\x1b[31m')",
    "thread": (
        "import threading\n"
        "def fail(): raise RuntimeError('odd\\x1b[31m')\n"
        "def raising():\n t = threading.Thread(target=fail); t.start(); t.join(); return 1"
    ),
    "destructor": (
        "class Gone:\n def __del__(self): raise RuntimeError('odd\\x1b[31m')\n"
        "def raising(): Gone(); return 1"
    ),
    "warning": (
        "import warnings\n"
        "def raising():\n"
        " warnings.simplefilter('always'); warnings.warn('RuntimeError: odd\\x1b[31m'); return 1"
    ),
}


def run(how: str, *, log: bool, stderr: int) -> subprocess.Popen[bytes]:
    first = ("from tunnel_gateway.observability.logs import configure_logs", "configure_logs()")
    definition = f"exec({FAILURES[how]!r})"
    changes = command(*(first if log else ()), definition, *RAISING)
    return subprocess.Popen((sys.executable, *changes), cwd=PROJECT, stderr=stderr)


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("how", FAILURES)
def test_it_is_written(how: str, log: bool) -> None:
    program = run(how, log=log, stderr=subprocess.PIPE)
    _, said = program.communicate(timeout=TIME_LIMIT)
    assert program.returncode == 1
    assert b"RuntimeError: odd" in said
    assert b"\x1b" not in said
    assert (b'"event": "internal_error"' in said) is (log and how != "warning")


@pytest.mark.parametrize("how", FAILURES)
def test_nobody_waits_for_who_reads_it(how: str) -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    try:
        while os.write(writing, b"x" * 4096):
            pass
    except BlockingIOError:
        os.set_blocking(writing, True)
    program = run(how, log=False, stderr=writing)
    try:
        assert program.wait(TIME_LIMIT) == 1
    finally:
        program.kill()
        program.wait()
        os.close(reading)
        os.close(writing)

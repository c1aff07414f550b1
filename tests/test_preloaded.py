"""A forked program cannot be told from one that was started."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from tests.support.preloaded import Forked, is_preloaded
from tests.support.processes import TIME_LIMIT, Program

pytestmark = pytest.mark.skipif(not is_preloaded(), reason="this run counts coverage")

LOOK = """
import gc, json, os, resource, signal, sys, threading
streams = [
    (stream.encoding, stream.errors, stream.isatty(), stream.line_buffering, stream.seekable())
    for stream in (sys.stdin, sys.stdout, sys.stderr)
]
handlers = {str(n): str(signal.getsignal(n)) for n in signal.valid_signals()}
for name in list(handlers):
    handlers[name] = handlers[name].partition(" at 0x")[0]
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
kept = ("SigBlk", "SigIgn", "SigCgt", "Umask", "Threads", "CoreDumping", "VmLck")
# The signals 32 and 33 belong to the C library. A process may inherit them ignored, and the library
# takes each back when it first needs it: in the one program before its start, in the other after.
for name in ("SigIgn", "SigCgt"):
    status[name] = f"{int(status[name], 16) & ~(3 << 31):016x}"
print(json.dumps({
    "arguments": sys.argv,
    "module": __name__,
    "folder": os.getcwd(),
    "environment": dict(os.environ),
    "descriptors": [(n, os.path.exists(f"/proc/self/fd/{n}")) for n in range(64)],
    "streams": streams,
    "handlers": handlers,
    "status": {name: status[name].strip() for name in kept},
    # A test of this process may have changed the two others, as the program itself does.
    "limits": [
        resource.getrlimit(n)
        for n in range(16)
        if n not in (resource.RLIMIT_CORE, resource.RLIMIT_NOFILE)
    ],
    "threads": threading.active_count(),
    "hooks": [sys.excepthook is sys.__excepthook__, sys.gettrace() is None],
    "garbage": [gc.isenabled(), gc.get_threshold()],
    "group": [os.getpgid(0), os.getsid(0), os.getpriority(os.PRIO_PROCESS, 0)],
    "identity": [os.geteuid(), os.getgroups()],
}))
"""


def run(statements: str, *, preloaded: bool) -> Program:
    program = Program("a program", "-c", statements, "bir", "--ikki", preloaded=preloaded)
    kind = Forked if preloaded else subprocess.Popen
    assert isinstance(program.process, kind)
    return program


def test_both_see_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIRINCHI", "bir")
    looks = []
    for preloaded in (True, False):
        program = run(LOOK, preloaded=preloaded)
        looks.append(program.next_output())
        assert program.exit_code() == 0
        assert program.errors == []
    forked, started = looks
    del started["environment"]["PRELOADED_SOCKET"]
    assert forked.keys() == started.keys()
    for name, value in started.items():
        assert forked[name] == value, name


@pytest.mark.parametrize(
    ("statements", "code", "last"),
    [
        ("import sys; sys.exit(3)", 3, None),
        ("import os; os._exit(4)", 4, None),
        ("import os; os.kill(os.getpid(), 9)", -9, None),
        ("raise ValueError('bir')", 1, "ValueError: bir"),
        ("import atexit, sys; atexit.register(print, 'oxiri', file=sys.stderr)", 0, "oxiri"),
        ("import threading; threading.Thread(target=lambda: exec('1/0')).start()", 0, "Zero"),
    ],
)
@pytest.mark.parametrize("preloaded", [True, False])
def test_both_end_alike(statements: str, code: int, last: str | None, preloaded: bool) -> None:
    program = run(statements, preloaded=preloaded)
    assert program.exit_code() == code
    assert [line.partition("DivisionError")[0] for line in program.errors[-1:]] == (
        [] if last is None else [last]
    )


@pytest.mark.parametrize("preloaded", [True, False])
def test_it_is_awaited_and_signalled(preloaded: bool) -> None:
    program = run("import time; print(1, flush=True); time.sleep(600)", preloaded=preloaded)
    assert program.next_output() == 1
    assert program.process.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        program.process.wait(0.01)
    os.kill(program.process.pid, 0)
    program.signal(signal.SIGTERM)
    assert program.exit_code(TIME_LIMIT) == -signal.SIGTERM
    program.signal(signal.SIGTERM)  # nobody is hit
    program.process.kill()
    assert program.process.poll() == -signal.SIGTERM


def test_random_numbers_are_its_own() -> None:
    look = "import json, os, random; print(json.dumps([random.random(), os.urandom(8).hex()]))"
    programs = [run(look, preloaded=True) for _ in range(2)]
    first, second = ([*program.next_output()] for program in programs)
    assert first[0] != second[0]
    assert first[1] != second[1]
    assert [program.exit_code() for program in programs] == [0, 0]

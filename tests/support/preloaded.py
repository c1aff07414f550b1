"""Programs that need not load the package: forked from a process that has loaded it already.

Loading takes a second of processor time, and the tests start hundreds of programs. A forked program
has arguments, environment, folder and standard streams of its own. It runs the same statements as
``python -c`` does, and ends as Python ends. Tests about the start itself start Python
(``preloaded=False``). tests/test_preloaded.py compares both.

One such process serves a whole run of the tests. It loads the package when the first program is
asked for. Outside of pytest and in `make coverage` there is none, and Python is started.
"""

from __future__ import annotations

import gc
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import IO, Final

SOCKET: Final = "PRELOADED_SOCKET"  # in the environment of the tests, not of their programs
_STANDARD: Final = range(3)
_MAX_REQUEST: Final = 131_072
_NOT_LOADED: Final = ("_native",)  # the build of the extension

# --- the side of the tests ---------------------------------------------------------------------


class Forker:
    """The process from which programs are forked, for one run of the tests."""

    def __init__(self, path: Path, project: Path) -> None:
        until, self._end = os.pipe()  # it ends when nobody holds the writing end
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
            listening.bind(str(path))
            listening.listen(64)
            descriptors = (listening.fileno(), until)
            self._process = subprocess.Popen(
                (sys.executable, "-m", "tests.support.preloaded", *map(str, descriptors)),
                cwd=project,
                # As the streams of its programs: Python looks what they are when it starts.
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=descriptors,
            )
        os.close(until)
        os.environ[SOCKET] = str(path)

    def close(self) -> None:
        """Let it end with the programs that still run: those of a run that was interrupted."""
        del os.environ[SOCKET]
        os.close(self._end)
        _, errors = self._process.communicate()
        assert not errors, errors.decode()


def is_preloaded() -> bool:
    """Whether there is a process to fork programs from."""
    return SOCKET in os.environ


class Forked:
    """A program that was forked, with what tests use of subprocess.Popen."""

    cpu_seconds = 0.0  # that all such programs of this process used until they ended

    def __init__(self, arguments: Sequence[str], folder: Path, environment: dict[str, str]) -> None:
        self.args = tuple(arguments)
        self.returncode: int | None = None
        environment = {name: value for name, value in environment.items() if name != SOCKET}
        request = json.dumps([self.args, str(folder), environment])
        self._line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _MAX_REQUEST)
        self._line.connect(os.environ[SOCKET])
        nothing = os.open(os.devnull, os.O_RDWR)
        (output, written), (errors, complained) = os.pipe(), os.pipe()
        socket.send_fds(self._line, [request.encode()], [nothing, written, complained])
        for descriptor in (nothing, written, complained):
            os.close(descriptor)
        self.stdout: IO[str] = os.fdopen(output, encoding="utf-8")
        self.stderr: IO[str] = os.fdopen(errors, encoding="utf-8")
        answer, descriptors, _, _ = socket.recv_fds(self._line, 64, 1)
        assert descriptors, "the process that forks has ended"
        self._pidfd = descriptors[0]
        self.pid = int(answer)

    def poll(self) -> int | None:
        """Return the exit code if it has ended."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end and return the exit code, or minus the signal that ended it."""
        if self.returncode is None:
            self._line.settimeout(timeout)
            try:
                answer = self._line.recv(64)
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(self.args, timeout or 0) from None
            assert answer, "the process that forks has ended"
            self.returncode, seconds = json.loads(answer)
            Forked.cpu_seconds += seconds
            self._line.close()
            os.close(self._pidfd)
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, number)

    def terminate(self) -> None:
        """Send it SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send it SIGKILL."""
        self.send_signal(signal.SIGKILL)


# --- the side of the process that forks --------------------------------------------------------


@dataclass(frozen=True)
class _Program:
    """What a forked process becomes."""

    arguments: Sequence[str]
    folder: str
    environment: dict[str, str]

    def become(self, streams: Sequence[int]) -> None:
        """Take its standard streams, folder and environment, and no other descriptor."""
        for number, descriptor in zip(_STANDARD, streams, strict=True):
            os.dup2(descriptor, number)
        os.closerange(len(_STANDARD), os.sysconf("SC_OPEN_MAX"))
        os.chdir(self.folder)
        os.environ.clear()
        os.environ.update(self.environment)

    def run(self) -> None:
        """Run its statements as ``python -c`` does."""
        option, statements, *arguments = self.arguments
        assert option == "-c"
        sys.argv[:] = ["-c", *arguments]
        main = sys.modules["__main__"] = ModuleType("__main__")
        exec(statements, main.__dict__)  # noqa: S102 - that is what -c says


def _serve(listening: socket.socket, until: int) -> _Program | None:
    """Fork until the tests are over; returns a program in a process that was forked, else None."""
    lines: dict[int, tuple[int, socket.socket]] = {}  # by the descriptor of a process
    poll = select.poll()
    poll.register(until, select.POLLIN)
    poll.register(listening, select.POLLIN)
    while True:
        for descriptor, _ in poll.poll():
            if descriptor == until:
                for process in lines:
                    signal.pidfd_send_signal(process, signal.SIGKILL)
                return None
            if descriptor in lines:
                poll.unregister(descriptor)
                _report(descriptor, *lines.pop(descriptor))
                continue
            _load()
            line, _ = listening.accept()
            request, streams, _, _ = socket.recv_fds(line, _MAX_REQUEST, len(_STANDARD))
            if (pid := os.fork()) == 0:
                for other in (listening, line, *(other for _, other in lines.values())):
                    other.detach()
                program = _Program(*json.loads(request))
                program.become(streams)
                return program
            for stream in streams:
                os.close(stream)
            process = os.pidfd_open(pid)
            lines[process] = pid, line
            poll.register(process, select.POLLIN)
            with suppress(BrokenPipeError):
                socket.send_fds(line, [str(pid).encode()], [process])


def _report(process: int, pid: int, line: socket.socket) -> None:
    _, status, usage = os.wait4(pid, 0)
    os.close(process)
    answer = [os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime]
    with line, suppress(BrokenPipeError):
        line.send(json.dumps(answer).encode())


def _load() -> None:
    """Load all modules of the package, once."""
    if "tunnel_gateway.cli.serve" in sys.modules:
        return
    package = import_module("tunnel_gateway")
    for module in pkgutil.walk_packages(package.__path__, "tunnel_gateway."):
        if not any(part in module.name for part in _NOT_LOADED):
            import_module(module.name)
    import_module("aiohttp.web")
    assert threading.active_count() == 1
    # 0 to 2, those that main has, and the folder that is read here.
    assert len(list(Path("/proc/self/fd").iterdir())) == 6
    gc.collect()
    gc.freeze()  # or the first search for garbage in each program would copy all of it


def main() -> None:
    """Serve, and be the program in the processes that were forked."""
    program = _serve(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]))
    if program is not None:
        program.run()


if __name__ == "__main__":
    main()

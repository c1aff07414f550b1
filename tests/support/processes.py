"""Real processes: the application behind the gateway, the gateway, the agent.

What a process says is awaited, with a time limit, and never slept for. The tests are blocking
code, so a process that hangs fails one test and no event loop of ours.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, TypeVar

from tests.support.credentials import CITIZEN, FIRST_DOMAIN, Credentials, Holder
from tests.support.log_lines import Record, first_record, read_records
from tests.support.preloaded import Forked, is_preloaded
from tunnel_gateway.cli.secrecy import INSPECTABLE
from tunnel_gateway.observability.event_table import GATEWAY_EVENTS, Event

PROJECT = Path(__file__).parents[2]
LOOPBACK = "127.0.0.1"
TIME_LIMIT = 60.0  # for a machine with much else to do

T = TypeVar("T")


def command(*changes: str) -> tuple[str, str]:
    """Return the arguments that run ``tunnel-gateway``, after statements that change it."""
    start = ("import sys", *changes, "from tunnel_gateway.cli.start import start")
    return "-c", "; ".join((*start, "sys.exit(start())"))


COMMAND = command()


def wait_until(condition: Callable[[], T], what: str, seconds: float = TIME_LIMIT) -> T:
    """Return the first true value of ``condition``; for what nobody announces."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not in {seconds:g} s: {what}"
        threading.Event().wait(0.01)
    return value


class ReservedPort:
    """A free port of the loopback that stays ours: bound, and not listened on.

    The system gives it to nobody else, and refuses who connects to it, until a program listens
    on it with SO_REUSEADDR.
    """

    def __init__(self, number: int = 0) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((LOOPBACK, number))
        except OSError:
            self._socket.close()
            raise
        self.number: int = self._socket.getsockname()[1]

    def listen(self, backlog: int = 8) -> socket.socket:
        """Listen on it."""
        listening = socket.create_server((LOOPBACK, self.number), backlog=backlog)
        listening.settimeout(TIME_LIMIT)
        return listening

    def close(self) -> None:
        """Give it back."""
        self._socket.close()


def inspectable() -> dict[str, str]:
    """The environment of a process into which an ordinary user may look; root may anyway."""
    return {**os.environ, **({} if os.geteuid() == 0 else {INSPECTABLE: "yes"})}


class Program:
    """A process and the lines that it writes.

    It is forked from a process that has loaded the package. If it is not ``preloaded``, Python is
    started.
    """

    def __init__(self, name: str, *arguments: str, preloaded: bool = True) -> None:
        self.name = name
        self.output: list[str] = []
        self.errors: list[str] = []
        self._taken = 0
        self.reading = threading.Event()  # cleared, nobody reads what it writes
        self.reading.set()
        self._changed = threading.Condition()
        self.process: Forked | subprocess.Popen[str]
        if preloaded and is_preloaded() and arguments[0] == "-c":
            self.process = Forked(arguments, PROJECT, inspectable())
        else:
            self.process = subprocess.Popen(
                (sys.executable, *arguments),
                cwd=PROJECT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                env=inspectable(),
            )
        self._readers = [
            threading.Thread(target=self._read, args=pair, daemon=True)
            for pair in ((self.process.stdout, self.output), (self.process.stderr, self.errors))
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, stream: IO[str], lines: list[str]) -> None:
        with stream:
            for line in stream:
                self.reading.wait()
                with self._changed:
                    lines.append(line.rstrip("\n"))
                    self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def wait_for(self, find: Callable[[], T], what: str, seconds: float = TIME_LIMIT) -> T:
        """Return the first true value of ``find``, asked again after every line."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while not (value := find()):
                left = deadline - time.monotonic()
                over = left <= 0 or not any(reader.is_alive() for reader in self._readers)
                assert not over or find(), f"{self.name} never wrote {what}:\n{self.last_words()}"
                self._changed.wait(min(left, 0.1))
        return value

    def next_output(self) -> Any:
        """Return the next line of standard output, which is JSON."""
        self.wait_for(lambda: len(self.output) > self._taken, "a line of output")
        self._taken += 1
        return json.loads(self.output[self._taken - 1])

    def last_words(self) -> str:
        """Return the end of what it wrote to standard error."""
        return "\n".join(self.errors[-8:])

    def exit_code(self, seconds: float = TIME_LIMIT) -> int:
        """Wait until it has ended and all that it wrote is here."""
        code = self.process.wait(seconds)
        for reader in self._readers:
            reader.join(seconds)
        return code

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def stop(self) -> int:
        """Ask it to end and return its exit code; kill it if it does not."""
        self.signal(signal.SIGTERM)
        try:
            return self.exit_code()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.exit_code()
            raise

    # --- what /proc says -------------------------------------------------------------------

    def sockets(self) -> int:
        """Return how many open sockets it has."""
        return open_sockets(self.process.pid)

    def memory(self) -> int:
        """Return its resident memory in bytes."""
        return resident_memory(self.process.pid)


class LoggingProgram(Program):
    """A program whose standard error is a log of JSON lines."""

    _first = 0

    def records(self) -> list[Record]:
        """Return the log since ``forget``; a line that is not JSON fails."""
        return read_records("\n".join(self.errors[self._first :]))

    def forget(self) -> None:
        """Look only at later lines from now on."""
        self._first = len(self.errors)

    def logged(self, event: str, seconds: float = TIME_LIMIT, **facts: object) -> Record:
        """Wait for the log line ``event`` with these facts among its own."""
        record = self.wait_for(
            lambda: first_record(self.records(), event, facts), f"{event} with {facts}", seconds
        )
        assert record is not None
        return record


def open_sockets(pid: int | str) -> int:
    """Return how many sockets a process has."""
    found = 0
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed since
            found += str(descriptor.readlink()).startswith("socket:")
    return found


def resident_memory(pid: int) -> int:
    """Return the resident memory of a process in bytes."""
    pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


class Api(Program):
    """tests/support/api.py."""

    def __init__(self) -> None:
        super().__init__("the API", "-m", "tests.support.api")
        self.port = int(self.next_output()["port"])
        self.idle_sockets = self.sockets()


def write_config(
    path: Path,
    credentials: Credentials,
    port: int,
    destinations: Mapping[str, int],
    settings: Mapping[str, object] = MappingProxyType({}),
) -> None:
    """Write the configuration of a gateway; ``settings`` are keys without ``tunnel.``."""
    lines = {
        "tunnel.enabled": "yes",
        "tunnel.listen.ip": LOOPBACK,
        "tunnel.listen.port": port,
        "tunnel.servers.dir": credentials.servers,
        "tunnel.truststore.file": credentials.truststore,
        **{f"tunnel.{name}": value for name, value in settings.items()},
    }
    for name, number in destinations.items():
        lines[f"tunnel.destination.{name}.host"] = LOOPBACK
        lines[f"tunnel.destination.{name}.port"] = number
    path.write_text("".join(f"{key}={value}\n" for key, value in lines.items()), encoding="utf-8")


class Gateway(LoggingProgram):
    """``tunnel-gateway serve``; its log is JSON, for its standard error is no terminal."""

    def __init__(
        self,
        credentials: Credentials,
        folder: Path,
        destinations: Mapping[str, int],
        settings: Mapping[str, object] = MappingProxyType({}),
        program: Sequence[str] = COMMAND,
        *,
        shared_port: int | None = None,
        preloaded: bool = True,
    ) -> None:
        reserved = None if shared_port else ReservedPort()
        self.port = shared_port or (reserved.number if reserved else 0)
        self.address = (LOOPBACK, self.port)
        self.config = folder / f"gateway-{self.port}.properties"
        write_config(self.config, credentials, self.port, destinations, settings)
        arguments = (*program, "serve", "--config", str(self.config))
        super().__init__("the gateway", *arguments, preloaded=preloaded)
        try:
            self.logged("listening")
        finally:
            if reserved:
                reserved.close()  # it is the gateway's now
        self.idle_sockets = self.sockets()

    def check_clean(self) -> None:
        """Fail if it leaked a socket or wrote of an error of its own."""
        wait_until(lambda: self.sockets() <= self.idle_sockets, "every socket closed")
        self.check_log()

    def check_log(self) -> None:
        """Fail if it wrote of an error of its own, or anything that is no log line."""
        log = "\n".join(self.errors)
        for word in ("Traceback", "never retrieved", "internal_error", "Warning"):
            assert word not in log, log
        for line in self.errors:
            check_line(json.loads(line))


def check_line(line: Record) -> None:
    """Fail if a line of the gateway's log is not in the table of events, or names a person."""
    text = json.dumps(line, ensure_ascii=False)
    assert CITIZEN.pinfl not in text, text
    assert CITIZEN.name not in text, text
    check_event(line, GATEWAY_EVENTS)


def check_event(line: Record, events: Sequence[Event]) -> None:
    """Fail if a line of the log is not as the table ``events`` says; libraries have no table."""
    text = json.dumps(line, ensure_ascii=False)
    if "logger" in line:
        return
    (event,) = (event for event in events if event.name == line["event"])
    keys = line.keys() - {"timestamp", "level", "event"}
    assert set(event.keys) <= keys <= {*event.keys, *event.sometimes}, text
    assert line["level"] in event.levels, text


class Agent(Program):
    """``tunnel-gateway connect``."""

    def __init__(
        self,
        credentials: Credentials,
        gateway_port: int,
        *,
        domain: str = FIRST_DOMAIN,
        dst_id: str = "api",
        user: Holder | None = None,
        more: Sequence[str] = (),
        preloaded: bool = True,
    ) -> None:
        user = user or credentials.citizen
        super().__init__(
            "the agent",
            *COMMAND,
            *("connect", "--gateway", f"{LOOPBACK}:{gateway_port}", "--domain", domain),
            *("--dst", dst_id, "--key", str(user.key), "--cert", str(user.chain)),
            *("--truststore", str(credentials.truststore), *more),
            preloaded=preloaded,
        )
        self.tunnel_id = ""

    def address(self) -> tuple[str, int]:
        """Wait for the one-shot address."""
        announced = self.next_output()
        self.tunnel_id = announced["tunnel_id"]
        host, _, port = announced["address"].rpartition(":")
        return host, int(port)

    def failure(self) -> str:
        """Wait for its end, which must be a failure, and return the one line that it says."""
        assert self.exit_code() == 1, self.last_words()
        (line,) = self.errors
        assert line.startswith("tunnel-gateway: ")
        return line.removeprefix("tunnel-gateway: ")

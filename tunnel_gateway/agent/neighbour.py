"""The other programs on this machine: who holds a port, who connects, and whether E-IMZO runs.

Linux tells this in /proc; other systems are not asked. An ordinary user cannot see which process of
another user holds a port, but can see which user it is.
"""

from __future__ import annotations

import os
import re
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from tunnel_gateway.observability.logs import escaped

try:
    import pwd
except ImportError:  # on Windows
    pwd = None  # type: ignore[assignment]

# An E-IMZO that starts takes its ports within this time. If it has not taken them by then, it does
# not want them: it hangs, or another program has a name like this.
STARTING_SECONDS: Final = 60.0

_PROC: Final = Path("/proc")
_TABLES: Final = (_PROC / "net/tcp", _PROC / "net/tcp6")
_LISTENS: Final = "0A"
_NO_INODE: Final = "0"  # of a socket that its program has closed
# The table changes while it is read, and then an entry can be missing.
_READINGS: Final = 3
_MAX_LINES: Final = 65_536
_MAX_WORDS: Final = 65_536  # bytes of a command line
NAME = re.compile(r"e-?imzo", re.IGNORECASE)
_JAVA: Final = ("java", "javaw")
# IPv4 addresses in IPv6, as the table writes them.
_MAPPED: Final = "0000000000000000FFFF0000"
_LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Holder:
    """The program that listens on a port. The system may not tell all of it: then it is None."""

    program: str | None
    process: int | None
    user: str | None

    def __str__(self) -> str:
        name = self.program or "a program"
        number = "" if self.process is None else f", process {self.process}"
        return f"{name}{number}" if self.user is None else f"{name}{number} of user {self.user}"


@dataclass(frozen=True, slots=True)
class _Entry:
    local: str  # address and port in hexadecimal digits
    remote: str
    state: str
    uid: int
    inode: str


def holder_of(port: int) -> Holder | None:
    """Return who listens on this port of the loopback; None if nobody is seen to listen."""
    wanted = {_shown(address, port) for address in (_LOOPBACK, "0.0.0.0")}  # noqa: S104
    wanted |= {_MAPPED + each for each in wanted} | {f"{'0' * 32}:{port:04X}"}
    for entry in _entries():
        if entry.state == _LISTENS and entry.local in wanted:
            process = _process_of(entry.inode)
            program = None if process is None else program_of(process)
            return Holder(program, process, user_name(entry.uid))
    return None


def is_of_another_user(peer: tuple[str, int] | None, port: int) -> bool:
    """Tell whether a program of another user is connected from ``peer`` to this port.

    If the system does not tell, it is not. Root may do everything in any case. A program that has
    closed its socket belongs to nobody, so it counts as another user's: its bytes may still come.
    """
    if sys.platform != "linux" or not os.access(_TABLES[0], os.R_OK):
        return False
    if peer is None:
        return True
    local, remote = _shown(*peer), _shown(_LOOPBACK, port)
    ends = {(local, remote), (_MAPPED + local, _MAPPED + remote)}
    for _ in range(_READINGS):
        for entry in _entries():
            if (entry.local, entry.remote) in ends:
                return entry.inode == _NO_INODE or entry.uid not in (0, os.getuid())
    return True


class Starting:
    """Tells whether an E-IMZO of this user is starting: its process began a short time ago.

    A program of another user does not count, no matter its name: the agent would leave the ports to
    it, and pages would send it their documents. Only new processes are looked at closely, so a look
    costs next to nothing.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: dict[int, float] = {}

    def look(self) -> bool:
        """Look at the processes of this machine."""
        now = self._clock()
        self._since = {process: self._since.get(process, now) for process in processes()}
        return any(
            now - since < STARTING_SECONDS
            and is_e_imzo(process)
            and user_of(process) in (0, os.getuid())
            for process, since in self._since.items()
        )


def is_e_imzo(process: int) -> bool:
    """Tell whether a process has the name of E-IMZO, or is a Java that was told to run it."""
    name = _command(process)
    if name in _JAVA:
        return any(map(NAME.search, words_of(process)))
    return NAME.match(name) is not None


def program_of(process: int) -> str | None:
    """Return the name of a process for people; None if it has gone."""
    name = _command(process)
    if name in _JAVA and is_e_imzo(process):
        return "E-IMZO"
    return escaped(name) or None


def _entries() -> Iterator[_Entry]:
    if sys.platform != "linux":
        return
    for table in _TABLES:
        with suppress(OSError), table.open(encoding="ascii") as file:
            for _, line in zip(range(_MAX_LINES), file, strict=False):
                fields = line.split()
                if len(fields) > 9 and fields[7].isdigit():
                    yield _Entry(fields[1], fields[2], fields[3], int(fields[7]), fields[9])


def _shown(address: str, port: int) -> str:
    """Write an IPv4 address as the table does: a number of this machine in hexadecimal digits."""
    (number,) = struct.unpack("=I", socket.inet_aton(address))
    return f"{number:08X}:{port:04X}"


def processes() -> list[int]:
    """Return the numbers of all processes; none if the system does not tell."""
    if sys.platform != "linux":
        return []
    try:
        with os.scandir(_PROC) as entries:
            return [int(entry.name) for entry in entries if entry.name.isdigit()]
    except OSError:
        return []


def _process_of(inode: str) -> int | None:
    """Return the process that has this socket, if this user may see it."""
    wanted = f"socket:[{inode}]"
    for process in processes():
        with suppress(OSError):
            for descriptor in (_PROC / str(process) / "fd").iterdir():
                with suppress(OSError):  # closed since
                    if str(descriptor.readlink()) == wanted:
                        return process
    return None


def _command(process: int) -> str:
    try:
        return (_PROC / str(process) / "comm").read_text(errors="replace").rstrip("\n")
    except OSError:
        return ""


def words_of(process: int) -> list[str]:
    """Return the command line of a process; empty if the process has gone."""
    try:
        with (_PROC / str(process) / "cmdline").open("rb") as file:
            return file.read(_MAX_WORDS).decode(errors="replace").split("\0")
    except OSError:
        return []


def user_of(process: int) -> int | None:
    """Return the user of a process, who also owns a process that hides its memory; None if gone."""
    with suppress(OSError, ValueError, IndexError):
        for line in (_PROC / str(process) / "status").read_text(errors="replace").splitlines():
            if line.startswith("Uid:"):
                return int(line.split()[1])
    return None


@cache
def user_name(uid: int) -> str:
    """Return the name of a user; the number if the system does not know the name."""
    with suppress(KeyError, AttributeError):
        return pwd.getpwuid(uid).pw_name
    return str(uid)

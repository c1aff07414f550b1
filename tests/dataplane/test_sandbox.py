"""The systemd units let the threads of the data plane make every system call that they need."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.support.processes import PROJECT
from tunnel_gateway.dataplane._native import plane_build

# What the functions of the C library that system.c calls ask of the kernel, on Linux with glibc.
CALLS = {
    "clock_gettime": "clock_gettime",
    "close": "close",
    "epoll_create1": "epoll_create1",
    "epoll_ctl": "epoll_ctl",
    "epoll_wait": "epoll_wait",
    "eventfd": "eventfd2",
    "eventfd_read": "read",
    "eventfd_write": "write",
    "free": "munmap",
    "madvise": "madvise",
    "malloc": "mmap brk",
    "mmap": "mmap",
    "munmap": "munmap",
    "pthread_create": "clone clone3 mmap mprotect rseq set_robust_list",
    "pthread_join": "futex",
    "pthread_setname_np": "prctl",
    "pthread_sigmask": "rt_sigprocmask",
    "recv": "recvfrom",
    "send": "sendto",
    "setsockopt": "setsockopt",
    "shutdown": "shutdown",
}
# These stay within the process.
PURE = {
    "gost_wipe",
    "pthread_attr_destroy",
    "pthread_attr_init",
    "pthread_attr_setstacksize",
    "pthread_self",
    "sigfillset",
    "snprintf",
}
UNITS = ("tunnel-gateway.service", "tunnel-gateway@.service")


@cache
def calls_of(group: str) -> frozenset[str]:
    """The system calls of a group of systemd's, with those of the groups in it."""
    found = subprocess.run(
        ("systemd-analyze", "--no-pager", "syscall-filter", group),
        capture_output=True,
        text=True,
        check=True,
    )
    names = {line.strip() for line in found.stdout.splitlines()[1:]}
    inner = (calls_of(name) for name in names if name.startswith("@"))
    own = {name for name in names if re.fullmatch(r"\w+", name)}
    return frozenset(own.union(*inner))


def called() -> set[str]:
    """The functions that system.c calls and does not have itself."""
    source = Path(plane_build.HERE, "system.c").read_text("utf-8")
    code = re.sub(r"/\*.*?\*/", "", source, flags=re.DOTALL)
    own = set(re.findall(r"^[a-z][\w *]*?\b(\w+)\([^;]*?\)\n\{", code, flags=re.MULTILINE))
    calls = set(re.findall(r"(?<!\*)\b([a-z]\w+)\(", code))
    return calls - own - {"for", "if", "sizeof", "step", "switch", "while"}


def test_the_list_is_complete() -> None:
    assert called() == CALLS.keys() | PURE


@pytest.mark.parametrize("unit", UNITS)
def test_every_call_is_allowed(unit: str) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("NOT TESTED: the system calls of the data plane; install systemd")
    text = (PROJECT / "systemd" / unit).read_text("utf-8")
    allowed: set[str] = set()
    for line in re.findall(r"^SystemCallFilter=(.*)$", text, flags=re.MULTILINE):
        names = frozenset[str]().union(*map(calls_of, re.findall(r"@[\w-]+", line)))
        allowed = allowed - names if line.startswith("~") else allowed | names
    assert "mount" not in allowed
    assert {name for calls in CALLS.values() for name in calls.split()} <= allowed

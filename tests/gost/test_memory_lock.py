"""Secrets on locked pages."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.support.processes import PROJECT
from tunnel_gateway.gost.curves import CRYPTOPRO_A, PrivateKey

SCRIPT = """
import resource, sys
from pathlib import Path
from tunnel_gateway.gost.memory_lock import lock
if len(sys.argv) > 1:
    import os
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0))
    if os.geteuid() == 0:
        os.setuid(65534)
secret = bytearray(range(32))
told = lock(secret)
locked = next(line for line in Path("/proc/self/status").open() if line.startswith("VmLck"))
secret[:] = bytes(32)
print(told, locked.split()[1])
"""


def run(*arguments: str) -> list[str]:
    command = (sys.executable, "-c", SCRIPT, *arguments)
    return subprocess.run(
        command, cwd=PROJECT, capture_output=True, check=True, text=True
    ).stdout.split()


def test_a_secret_lies_on_a_locked_page() -> None:
    told, kilobytes = run()
    assert told == "True"
    assert 0 < int(kilobytes) <= 2 * os.sysconf("SC_PAGE_SIZE") // 1024


def test_where_nothing_may_be_locked_it_says_so_and_goes_on() -> None:
    assert run("none") == ["False", "0"]


def test_a_key_that_is_locked_can_be_used_and_wiped() -> None:
    key = PrivateKey.generate(CRYPTOPRO_A, os.urandom)
    assert isinstance(key.lock(), bool)
    key.public_key()
    key.wipe()

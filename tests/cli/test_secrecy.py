"""What other processes see of one that holds keys."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.support.processes import PROJECT
from tunnel_gateway.cli.secrecy import INSPECTABLE

# What it finds out about itself: PR_GET_DUMPABLE, and what the daemon reads of its own in /proc.
SCRIPT = """
import ctypes, json, os, resource
from pathlib import Path
from tunnel_gateway.cli.secrecy import keep_memory_private
if os.geteuid() == 0:
    os.setuid(65534)
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
keep_memory_private()
print(json.dumps({
    "dumpable": ctypes.CDLL(None).prctl(3, 0, 0, 0, 0),
    "core": resource.getrlimit(resource.RLIMIT_CORE)[0],
    "owner": os.stat("/proc/self/environ").st_uid,
    "user": os.geteuid(),
    "descriptors": len(os.listdir("/proc/self/fd")),
    "pages": int(Path("/proc/self/statm").read_text().split()[1]),
}))
"""


@pytest.mark.parametrize("inspectable", [False, True])
def test_an_ordinary_users_process(inspectable: bool) -> None:
    environment = {key: value for key, value in os.environ.items() if key != INSPECTABLE}
    run = subprocess.run(
        (sys.executable, "-c", SCRIPT),
        cwd=PROJECT,
        env=environment | ({INSPECTABLE: "1"} if inspectable else {}),
        capture_output=True,
        check=True,
        text=True,
    )
    found = json.loads(run.stdout)
    assert found["dumpable"] == int(inspectable)
    assert found["descriptors"] > 0
    assert found["pages"] > 0
    if not inspectable:
        assert found["core"] == 0
    # Root's files: other processes of this user cannot open its memory.
    assert found["owner"] == (found["user"] if inspectable else 0)

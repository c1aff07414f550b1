"""The running programs keep their keys in memory, and to themselves."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.page import AgentService
from tests.support.processes import Gateway, Program


def locked_kilobytes(program: Program) -> int:
    status = Path(f"/proc/{program.process.pid}/status").read_text(encoding="ascii")
    return int(status.split("VmLck:")[1].split()[0])


def has_no_core_dump(program: Program) -> bool:
    limits = Path(f"/proc/{program.process.pid}/limits").read_text(encoding="ascii")
    (line,) = [line for line in limits.splitlines() if line.startswith("Max core file size")]
    return line.split()[4:6] == ["0", "0"]


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user's tests look into their processes")
def test_keys_are_locked_and_not_dumped(
    gateway: Gateway, start_service: Callable[..., AgentService]
) -> None:
    service = start_service(preloaded=False)
    page = service.opened()
    assert has_no_core_dump(gateway)
    assert has_no_core_dump(service)
    assert locked_kilobytes(gateway) > 0
    assert locked_kilobytes(service) == 0
    page.tunnel(page.load_key())
    assert locked_kilobytes(service) > 0

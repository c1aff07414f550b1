"""The event loop of the commands."""

from __future__ import annotations

import asyncio
import sys

import pytest

from tests.support.processes import PROJECT
from tunnel_gateway.cli import loop


async def kind() -> str:
    return type(asyncio.get_running_loop()).__module__.partition(".")[0]


def test_it_is_uvloops() -> None:
    assert loop.run(kind()) == "uvloop"


def test_without_uvloop_it_is_pythons(monkeypatch: pytest.MonkeyPatch) -> None:
    source = PROJECT / "tunnel_gateway" / "cli" / "loop.py"
    monkeypatch.setitem(sys.modules, "uvloop", None)
    names: dict[str, object] = {"__name__": "loop_without_uvloop"}
    exec(compile(source.read_text(encoding="utf-8"), str(source), "exec"), names)  # noqa: S102
    run = names["run"]
    assert callable(run)
    assert run(kind()) == "asyncio"

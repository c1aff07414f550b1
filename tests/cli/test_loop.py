"""The event loop of the commands."""

from __future__ import annotations

import asyncio
import gc
import io
import sys

import pytest

from tests.support.log_lines import read_records
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


async def failing(where: str) -> None:
    def fail() -> None:
        raise ValueError("nonsense")

    async def fail_alone() -> None:
        fail()

    if where == "a callback":
        asyncio.get_running_loop().call_soon(fail)
    else:
        owner = asyncio.create_task(fail_alone())
        await asyncio.wait((owner,))
        del owner
    await asyncio.sleep(0)
    gc.collect()


@pytest.mark.parametrize("where", ["a callback", "a task"])
def test_what_fails_where_nobody_waits_is_an_event(where: str, log: io.StringIO) -> None:
    loop.run(failing(where))
    (line,) = read_records(log.getvalue())
    assert (line["event"], line["level"]) == ("internal_error", "error")
    assert "ValueError: nonsense" in line["exception"]

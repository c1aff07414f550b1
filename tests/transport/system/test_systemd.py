"""sd_notify against a real datagram socket."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.notify import NotifySocket
from tests.support.processes import TIME_LIMIT
from tunnel_gateway.transport.system import systemd as module
from tunnel_gateway.transport.system.systemd import Notifier


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NotifySocket]:
    address = tmp_path / "notify" if request.param == "path" else f"@tunnel-gateway-{tmp_path}"
    listening = NotifySocket(address)
    yield listening
    listening.close()


def environment(manager: NotifySocket, **more: object) -> dict[str, str]:
    return {"NOTIFY_SOCKET": manager.address} | {name: str(value) for name, value in more.items()}


def cancel(tasks: list[asyncio.Task[None]]) -> None:
    for one in tasks:
        one.cancel()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(TIME_LIMIT):
        while not condition():  # noqa: ASYNC110 - a datagram socket announces nothing
            await asyncio.sleep(0.01)


def test_a_life(manager: NotifySocket) -> None:
    notifier = Notifier(environment(manager))
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    notifier.ready()
    with notifier.reloading():
        assert manager.look()[-1].keys() == {"RELOADING", "MONOTONIC_USEC"}
    notifier.stopping(30)
    assert manager.states() == ["READY", "RELOADING", "READY", "STOPPING"]
    _, reloading, _, stopping = manager.messages
    now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    assert before <= int(reloading["MONOTONIC_USEC"]) <= now
    assert stopping == {"STOPPING": "1", "EXTEND_TIMEOUT_USEC": "45000000"}


def test_ready_comes_after_a_reload_that_failed(manager: NotifySocket) -> None:
    notifier = Notifier(environment(manager))
    notifier.ready()
    with pytest.raises(ZeroDivisionError), notifier.reloading():
        raise ZeroDivisionError
    assert manager.states() == ["READY", "RELOADING", "READY"]


def test_nothing_follows_stopping(manager: NotifySocket) -> None:
    notifier = Notifier(environment(manager))
    notifier.ready()
    with notifier.reloading():
        notifier.stopping(0)
    notifier.ready()
    with notifier.reloading():
        pass
    assert manager.states() == ["READY", "RELOADING", "STOPPING"]


async def test_the_loop_feeds_the_watchdog(manager: NotifySocket) -> None:
    variables = environment(manager, WATCHDOG_USEC=20_000, WATCHDOG_PID=os.getpid())
    notifier = Notifier(variables)
    assert variables == {}
    attending = list(notifier.attend(lambda: "salom"))
    await until(lambda: manager.count("WATCHDOG") > 3)
    assert manager.messages.count({"STATUS": "salom"}) == 1
    cancel(attending)
    await asyncio.gather(*attending, return_exceptions=True)
    fed = manager.count("WATCHDOG")
    await asyncio.sleep(0.05)
    assert manager.count("WATCHDOG") == fed


async def test_a_status_is_told_when_it_changes(
    manager: NotifySocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STATUS_SECONDS", 0.001)
    texts = iter(["0 open", "0 open", "1 open", "1 open", "0 open"])
    last = "0 open"
    notifier = Notifier(environment(manager))
    attending = list(notifier.attend(lambda: next(texts, last)))
    await until(lambda: manager.count("STATUS") == 3)
    cancel(attending)
    assert [one["STATUS"] for one in manager.look()] == ["0 open", "1 open", "0 open"]


@pytest.mark.parametrize(
    "variables",
    [
        {"WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"},  # another process is meant
        {"WATCHDOG_USEC": "soon"},
        {"WATCHDOG_USEC": "0"},
        {},
    ],
)
async def test_no_watchdog(manager: NotifySocket, variables: dict[str, str]) -> None:
    notifier = Notifier(environment(manager, **variables))
    attending = list(notifier.attend(lambda: "salom"))
    await until(lambda: manager.count("STATUS"))
    cancel(attending)
    assert manager.count("WATCHDOG") == 0


@pytest.mark.parametrize("address", ["", "relative", "vsock:1:2", "/nowhere/notify", "/" * 200])
async def test_a_message_that_cannot_be_sent_does_no_harm(address: str) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "1000"})
    notifier.ready()
    with notifier.reloading():
        pass
    attending = list(notifier.attend(lambda: "salom"))
    await asyncio.sleep(0.02)
    assert not any(one.done() for one in attending)
    cancel(attending)
    notifier.stopping(0)


def test_a_full_socket_does_not_hold_us_up(manager: NotifySocket) -> None:
    notifier = Notifier(environment(manager))
    for _ in range(5000):  # more than any queue of datagrams
        notifier.ready()
    assert 0 < len(manager.look()) < 5000


def test_the_environment_of_the_process(
    manager: NotifySocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", manager.address)
    Notifier().ready()
    assert "NOTIFY_SOCKET" not in os.environ
    assert manager.states() == ["READY"]

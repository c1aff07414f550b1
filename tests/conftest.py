"""Fixtures: credentials, the processes of the scenarios, and the event loop of production."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import uvloop
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadFileScheduling

from tests.support.cpu import Costs
from tests.support.credentials import Credentials
from tests.support.daemons import Log
from tests.support.page import AgentService
from tests.support.preloaded import Forker
from tests.support.processes import PROJECT, Agent, Api, Gateway, Program, ReservedPort
from tunnel_gateway.observability.logs import configure_logs

# A shell ignores these signals in the programs that it starts in the background (nohup, &), and the
# tests' own programs would inherit that.
for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)

# How long an example takes says how busy the machine is, and nothing else.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")

# What `coverage run` puts into the environment of what it starts.
COUNTING = {"COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG"}

# The tests of each of these folders start a browser and programs for all of them.
BROWSERS = ("tests/browser/library/", "tests/browser/")

# The files that take longest, where each worker takes a file at a time: none is left for the end.
# test_service.py waits for the installation that test_install.py makes.
LONGEST_FIRST = (
    "tests/scenarios/test_install.py",
    *sorted(
        f"tests/browser/{path.name}" for path in Path(__file__).parent.glob("browser/test_*.py")
    ),
    *sorted(
        f"tests/browser/library/{path.name}"
        for path in Path(__file__).parent.glob("browser/library/test_*.py")
    ),
    "tests/gost/test_curve_arithmetic.py",
    "tests/gost/test_native.py",
    "tests/benchmarks/test_fleet.py",
    "tests/scenarios/test_agent_waits.py",
    "tests/fleet/test_redis.py",
    "tests/soak/test_strangers.py",
    "tests/cli/test_start.py",
    "tests/cli/test_status.py",
    "tests/cms/test_signed_data.py",
    "tests/scenarios/test_service.py",
    "tests/scenarios/test_audit.py",
    "tests/scenarios/test_admin.py",
    "tests/scenarios/test_prometheus.py",
    "tests/scenarios/test_half_gigabyte.py",
    "tests/cli/test_pki_init.py",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--cpu", action="store_true", help="show what each test costs")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("cpu"):
        config.pluginmanager.register(Costs())


@pytest.hookimpl(wrapper=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, object, object]:
    """Keep a process to fork programs from, for all workers of a run."""
    # Programs that are counted start as Python: coverage counts from there.
    if hasattr(config, "workerinput") or COUNTING.intersection(os.environ):
        return (yield)
    with tempfile.TemporaryDirectory() as folder:
        forker = Forker(Path(folder) / "socket", PROJECT)
        try:
            return (yield)
        finally:
            forker.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first, and leave all others in their order."""
    rank = {name: number for number, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: rank.get(item.nodeid.partition("::")[0], len(rank)))


def unit(nodeid: str) -> str:
    """Return what a worker takes as a whole: a file, or all tests that share a browser."""
    folders = (folder for folder in BROWSERS if nodeid.startswith(folder))
    return next(folders, nodeid.partition("::")[0])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    if config.getoption("dist") != "loadfile":
        return None
    scheduler = LoadFileScheduling(config, log)
    scheduler._split_scope = unit
    return scheduler


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], Any]]:
    loops: dict[str, Callable[[], Any]] = {"uvloop": uvloop.new_event_loop}
    if item.get_closest_marker("both_loops"):
        loops["asyncio"] = asyncio.SelectorEventLoop
    return loops


@pytest.fixture
def log() -> Iterator[Log]:
    """What is logged in this process from the level info on, one JSON object a line."""
    stream = Log()
    configure_logs("json", "info", stream)
    yield stream
    configure_logs("json", "info")


@pytest.fixture(scope="session")
def credentials(tmp_path_factory: pytest.TempPathFactory) -> Credentials:
    """A development authority with two domains and a user; one for each worker."""
    return Credentials(tmp_path_factory.mktemp("credentials"))


@pytest.fixture(scope="session")
def api() -> Iterator[Api]:
    """The application behind the gateway."""
    running = Api()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def raw_port() -> Iterator[ReservedPort]:
    """The port of the destination ``raw``, for a test to listen on."""
    port = ReservedPort()
    yield port
    port.close()


@pytest.fixture
def destination(raw_port: ReservedPort) -> Iterator[socket.socket]:
    """What listens as the destination ``raw``."""
    with raw_port.listen() as listening:
        yield listening


@pytest.fixture(scope="session")
def closed_port() -> Iterator[ReservedPort]:
    """The port of the destination ``closed``, which refuses."""
    port = ReservedPort()
    yield port
    port.close()


@pytest.fixture(scope="session")
def destinations(api: Api, raw_port: ReservedPort, closed_port: ReservedPort) -> dict[str, int]:
    """The destinations of every gateway, by dst_id."""
    return {"api": api.port, "raw": raw_port.number, "closed": closed_port.number}


@pytest.fixture(scope="session")
def _shared_gateway(
    credentials: Credentials,
    destinations: dict[str, int],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("gateway")
    running = Gateway(credentials, folder, destinations, preloaded=False)
    yield running
    assert running.stop() == 0
    running.check_log()


@pytest.fixture
def gateway(_shared_gateway: Gateway) -> Iterator[Gateway]:
    """A gateway with the default settings, checked for leaks after the test."""
    _shared_gateway.forget()
    yield _shared_gateway
    _shared_gateway.check_clean()


@pytest.fixture
def start_gateway(
    credentials: Credentials, destinations: dict[str, int], tmp_path: Path
) -> Iterator[Callable[..., Gateway]]:
    """Start a gateway with settings of its own: ``handshake_timeout=1``.

    It is ended after the test, unless the test did, and checked for leaks.
    """
    started: list[Gateway] = []

    def start(*, preloaded: bool = True, **settings: object) -> Gateway:
        keys = {name.replace("_", "."): value for name, value in settings.items()}
        running = Gateway(credentials, tmp_path, destinations, keys, preloaded=preloaded)
        started.append(running)
        return running

    yield start
    for running in started:
        if running.process.poll() is None:
            running.check_clean()
            assert running.stop() == 0
        running.check_log()


@pytest.fixture
def start_agent(
    credentials: Credentials, gateway: Gateway, start_gateway: object
) -> Iterator[Callable[..., Agent]]:
    """Start an agent of the shared gateway, or of the one at ``port``.

    It is killed after the test, and before the gateways are checked for leaks.
    """
    started: list[Program] = []

    def start(port: int | None = None, **options: Any) -> Agent:
        running = Agent(credentials, port or gateway.port, **options)
        started.append(running)
        return running

    yield start
    for running in started:
        if running.process.poll() is None:
            running.process.kill()
        running.exit_code()
        assert "Traceback" not in running.last_words()


@pytest.fixture
def start_service(
    credentials: Credentials, gateway: Gateway, start_gateway: object, tmp_path: Path
) -> Iterator[Callable[..., AgentService]]:
    """Start the agent's service for the shared gateway, or for the one at ``port``.

    It is ended after the test, in order, and before the gateways are checked for leaks.
    """
    started: list[AgentService] = []

    def start(port: int | None = None, **options: Any) -> AgentService:
        folder = tmp_path / f"agent-{len(started)}"
        folder.mkdir()
        running = AgentService(credentials, folder, port or gateway.port, **options)
        started.append(running)
        return running

    yield start
    for running in started:
        if running.process.poll() is None:
            assert running.stop() == 0, running.last_words()
        running.check_log()

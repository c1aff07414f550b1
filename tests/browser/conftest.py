"""Fixtures: a real Chromium, and all that the page talks to.

One worker runs all tests of this folder, with one browser, and another one those of ``library``
(``unit`` in tests/conftest.py).
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.support.browser import CHROMIUM, World, chromium, make_world, officer
from tests.support.centre import RunningCentre, running_centre
from tests.support.credentials import Credentials
from tests.support.processes import check_event
from tests.support.rest_daemon import RestDaemon
from tunnel_gateway.observability.event_table import GATEWAY_EVENTS
from tunnel_gateway.observability.rest_events import REST_EVENTS
from tunnel_gateway.pki.files.keyfiles import Identity


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    """Playwright, for the tests of this folder only: while it runs no other event loop can."""
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is missing: no browser test is run")
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="package")
def browser(playwright: Playwright) -> Iterator[Browser]:
    with chromium(playwright) as running:
        yield running


@pytest.fixture(scope="package")
def centre() -> Iterator[RunningCentre]:
    with running_centre() as answering:
        yield answering


@pytest.fixture(scope="package")
def credentials(centre: RunningCentre, tmp_path_factory: pytest.TempPathFactory) -> Credentials:
    """Certificates whose status the centre tells."""
    made = Credentials(tmp_path_factory.mktemp("credentials"), centre.authority)
    centre.adopt(made.citizen.identity)
    return made


@pytest.fixture(scope="package")
def users(centre: RunningCentre, credentials: Credentials) -> dict[str, Identity]:
    """The agent's keys."""
    made = {"citizen": credentials.citizen.identity, "officer": officer(credentials)}
    centre.adopt(made["officer"])
    return made


@pytest.fixture(scope="package")
def rest(
    centre: RunningCentre, credentials: Credentials, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RestDaemon]:
    more = f"tsp.url={centre.services.tsa}\nmobile.siteId=0000\n"
    daemon = RestDaemon(tmp_path_factory.mktemp("rest"), credentials, more)
    yield daemon
    assert daemon.stop() == 0
    for line in daemon.records():
        check_event(line, (*GATEWAY_EVENTS, *REST_EVENTS))


@pytest.fixture(scope="package")
def world(
    credentials: Credentials,
    users: dict[str, Identity],
    rest: RestDaemon,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    """Programs that no test ends."""
    folder = tmp_path_factory.mktemp("world")
    with make_world(credentials, folder, users=users, rest_port=rest.port) as made:
        yield made
        made.gateway.check_clean()


@pytest.fixture(scope="package")
def axe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The script of axe-core, from the registry of npm."""
    folder = tmp_path_factory.mktemp("axe")
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
    try:
        subprocess.run(
            [*command, "axe-core@4"], cwd=folder, check=True, capture_output=True, timeout=120
        )
    except (OSError, subprocess.SubprocessError) as fault:
        pytest.skip(f"axe-core cannot be installed: {fault}")
    return folder / "node_modules" / "axe-core" / "axe.min.js"

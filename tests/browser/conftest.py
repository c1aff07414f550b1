"""Fixtures: a real Chromium, and all that the page talks to.

One worker runs all tests of this folder, with one browser (``unit`` in tests/conftest.py).
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.support.browser import CHROMIUM, World, chromium, make_world
from tests.support.credentials import Credentials


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
def world(credentials: Credentials, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Programs that no test ends."""
    with make_world(credentials, tmp_path_factory.mktemp("world")) as made:
        yield made
        made.gateway.check_clean()

"""Fixtures: the packed library, a site that serves it, and what of it has run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.support.https import tls_contexts
from tests.support.web_library import Coverage, Lab, Site, pack, serving_site


@pytest.fixture(scope="package")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack(tmp_path_factory.mktemp("package"))


@pytest.fixture(scope="package")
def coverage() -> Coverage:
    return Coverage()


@pytest.fixture(scope="package")
def site(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    server, _ = tls_contexts(tmp_path_factory.mktemp("certificates"))
    with serving_site(package, server) as running:
        yield running


@pytest.fixture(scope="package")
def lab(browser: Browser, site: Site, coverage: Coverage) -> Lab:
    return Lab(browser, site, coverage)

"""Fixtures of the scenarios with an installation."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.machine import installed_once


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make install` puts in place, to be read only; made once for all workers."""
    base = tmp_path_factory.getbasetemp()
    return installed_once(base.parent if "PYTEST_XDIST_WORKER" in os.environ else base)

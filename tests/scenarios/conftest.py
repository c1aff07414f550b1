"""Fixtures of the scenarios with an installation or a service manager."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.machine import installed_once
from tests.support.notify import NotifySocket


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make install` puts in place, to be read only; made once for all workers."""
    base = tmp_path_factory.getbasetemp()
    return installed_once(base.parent if "PYTEST_XDIST_WORKER" in os.environ else base)


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[NotifySocket]:
    """What NOTIFY_SOCKET of every process that is started here leads to."""
    listening = NotifySocket(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", listening.address)
    yield listening
    listening.close()

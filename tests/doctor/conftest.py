"""What tests of the doctor share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.programs import Programs


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """The programs of the PATH: those that the test adds."""
    return Programs(tmp_path / "programs", monkeypatch)

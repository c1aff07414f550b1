"""The audit of a service; tests/gateway/test_reports.py has the records of users."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.support.log_lines import read_records
from tunnel_gateway.daemon.audit.audit_trail import Audit
from tunnel_gateway.errors import FileError


def records(path: Path) -> list[dict[str, Any]]:
    return read_records(path.read_bytes())


def test_records_stand_between_a_start_and_an_end(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    audit = Audit(path)
    audit.record("close", {"tunnel_id": "ab"})
    assert audit.enabled
    audit.close()
    start, close, end = records(path)
    assert (start["event"], start["pid"]) == ("start", os.getpid())
    assert (close["event"], close["tunnel_id"], end["event"]) == ("close", "ab", "end")
    assert start["time"] <= close["time"] <= end["time"]
    assert (audit.ok, audit.lost_total, audit.waiting) == (True, 0, 0)


def test_without_a_file_nothing_happens() -> None:
    audit = Audit()
    audit.record("stop", {})
    audit.reopen()
    audit.close()
    assert (audit.enabled, audit.ok, audit.lost_total, audit.waiting) == (False, True, 0, 0)


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_text("something else\n")
    path.chmod(0o600)
    with pytest.raises(FileError, match="move it away"):
        Audit(path)
    with pytest.raises(FileError, match="Is a directory"):
        Audit(tmp_path)

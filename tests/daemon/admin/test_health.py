"""The health of a daemon, as text and as metrics."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from tests.support.admin import samples
from tests.support.second_service import Second
from tunnel_gateway.daemon.admin.health import Health
from tunnel_gateway.daemon.audit.audit_trail import Audit
from tunnel_gateway.daemon.resident_memory import MemoryWatch
from tunnel_gateway.daemon.service import Shared
from tunnel_gateway.daemon.stopping import Stopping, StopStep
from tunnel_gateway.daemon.workers import Workers
from tunnel_gateway.observability.metrics import Metrics


class Parts:
    """A health and what it looks at."""

    def __init__(self, audit: Audit | None = None, memory_limit: int = 0) -> None:
        self.metrics = Metrics()
        self.stopping = Stopping()
        shared = Shared(
            audit or Audit(), self.metrics, Workers(), MemoryWatch(memory_limit), self.stopping
        )
        self.service = Second(shared, 0)
        self.other = Second(shared, 0)
        self.health = Health(shared, [self.service, self.other])
        self.metrics.watch(self.health.samples)

    def shown(self, name: str, **labels: str) -> float | None:
        text = self.metrics.text().decode()
        return samples(text).get((f"tunnel_gateway_{name}", frozenset(labels.items())))


def test_ready_or_not() -> None:
    parts = Parts()
    assert parts.health.not_ready() == []
    assert (parts.shown("ready"), parts.shown("draining")) == (1, 0)
    parts.service.reasons = ["no destination answers"]
    parts.other.reasons = ["no source of time stamps"]
    assert parts.health.not_ready() == ["no destination answers", "no source of time stamps"]
    assert (parts.shown("ready"), parts.shown("draining")) == (0, 0)
    parts.stopping.begin(StopStep.NOT_READY)
    assert parts.health.not_ready() == ["stopping"]
    assert (parts.shown("ready"), parts.shown("draining")) == (0, 1)


def test_reloads() -> None:
    parts = Parts()
    health, first = parts.health, parts.health.loaded
    health.reloaded(False)
    assert (health.loaded, health.reload_ok) == (first, False)
    assert list(health.warnings()) == ["the last reload was refused; the log says why"]
    assert parts.shown("last_reload_ok") == 0
    health.reloaded(True)
    assert health.loaded > first
    assert list(health.warnings()) == []
    assert parts.shown("reloads_total", result="ok") == 1
    assert parts.shown("reloads_total", result="refused") == 1


def test_the_audit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Parts().shown("audit_ok") is None  # there is no file
    with closing(Audit(tmp_path / "audit.jsonl")) as audit:
        parts = Parts(audit)
        assert (parts.shown("audit_ok"), parts.shown("audit_lost_total")) == (1, 0)
        monkeypatch.setattr(Audit, "ok", False)
        monkeypatch.setattr(Audit, "waiting", 3)
        assert (parts.shown("audit_ok"), parts.shown("audit_waiting")) == (0, 3)
        (warning,) = parts.health.warnings()
        assert warning == "the audit file cannot be written; 3 records wait in memory"


def test_memory_that_is_full() -> None:
    (warning,) = Parts(memory_limit=1).health.warnings()
    assert warning == "tunnel.memory.limit is reached; new tunnels and REST calls are refused"


def test_a_service_warns_too() -> None:
    parts = Parts()
    parts.other.number = -1
    assert list(parts.health.warnings()) == ["the number is -1"]

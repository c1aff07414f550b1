"""The state of a daemon with two services, as JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

from tests.support.second_service import Second
from tunnel_gateway.daemon.admin.health import Health
from tunnel_gateway.daemon.admin.state import State, moment
from tunnel_gateway.daemon.audit.audit_trail import Audit
from tunnel_gateway.daemon.resident_memory import MemoryWatch
from tunnel_gateway.daemon.service import Shared
from tunnel_gateway.daemon.stopping import Stopping, StopStep
from tunnel_gateway.daemon.workers import Workers
from tunnel_gateway.observability.metrics import Metrics


async def test_what_concerns_all_and_a_part_of_each_service() -> None:
    shared = Shared(Audit(), Metrics(), Workers(), MemoryWatch(0), Stopping())
    service = Second(shared, -5)
    service.reasons = ["no work"]
    health = Health(shared, [service])
    state = State(shared, health, service.limits, [service])
    first = await state.make()
    assert json.loads(json.dumps(first)) == first
    assert (first["ready"], first["not_ready"]) == (False, ["no work"])
    assert first["warnings"] == ["the number is -5"]
    assert first["limits"] == [{"limit": "second.limit", "used": 0, "most": 10}]
    assert (first["public_key_queue"], first["stop"], first["reload"]["ok"]) == (0, [], True)
    assert first["second"] == {"number": -5}
    shared.stopping.begin(StopStep.NOT_READY)
    second = await state.make()
    assert [step["step"] for step in second["stop"]] == [1]
    assert (second["ready"], second["not_ready"]) == (False, ["stopping"])


def test_times_are_in_utc() -> None:
    time = datetime(2026, 1, 2, 3, 4, 5, 600, tzinfo=UTC)
    assert moment(time) == "2026-01-02T03:04:05Z"
    assert moment(time.astimezone(timezone(timedelta(hours=5)))) == "2026-01-02T03:04:05Z"

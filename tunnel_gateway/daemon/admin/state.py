"""The state of the daemon as /status.json has it: what concerns all, and a part of each service."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from tunnel_gateway.daemon.admin.health import VERSION, Health
from tunnel_gateway.daemon.service import Operators, Shared


class State:
    """Makes the whole state, bounded in size as its parts are."""

    def __init__(
        self,
        shared: Shared,
        health: Health,
        limits: Callable[[], Iterable[tuple[str, int, int]]],
        operators: Sequence[Operators],
    ) -> None:
        self._shared = shared
        self._health = health
        self._limits = limits
        self._operators = operators
        self._started = datetime.now(UTC)

    async def make(self) -> dict[str, Any]:
        """Return the state, ready for JSON. Times are ISO 8601 in UTC, durations seconds."""
        parts = [await service.state() for service in self._operators]
        health, now = self._health, datetime.now(UTC)
        reasons = health.not_ready()
        state: dict[str, Any] = {
            "version": VERSION,
            "pid": os.getpid(),
            "now": moment(now),
            "started": moment(self._started),
            "seconds": round((now - self._started).total_seconds()),
            "warnings": list(health.warnings()),
            "ready": not reasons,
            "not_ready": reasons,
            "stop": [
                {"step": step.number, "name": step.name, "at": moment(step.at), "text": step.text}
                for step in self._shared.stopping.steps
            ],
            "reload": {
                "loaded": moment(datetime.fromtimestamp(health.loaded, UTC)),
                "ok": health.reload_ok,
            },
            "limits": [
                {"limit": name, "used": used, "most": most} for name, used, most in self._limits()
            ],
            "public_key_queue": self._shared.workers.waiting,
        }
        for part in parts:
            state |= part
        return state


def moment(time: datetime) -> str:
    """Return a time as the state has it."""
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

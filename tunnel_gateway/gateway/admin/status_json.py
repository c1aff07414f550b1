"""The state of the gateway for people and their programs: what /status.json says.

Names of persons are shown as `tunnel.log.personal` wants it, and PINFLs not at all.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

from tunnel_gateway.gateway.account import Account
from tunnel_gateway.gateway.admin.overview import VERSION, Overview
from tunnel_gateway.gateway.expiry import days_left
from tunnel_gateway.observability.masking import name_shown

# A page that lists more is of no use to anybody; the number of all is there too.
MAX_SHOWN: Final = 200
_RATE_SECONDS: Final = 1.0
_RATE_MEMORY_SECONDS: Final = 10.0

_Counts = dict[Account, tuple[int, int]]


class Rates:
    """Bytes a second of the tunnels that are looked at, measured from one look to a later one."""

    def __init__(self) -> None:
        self._looks: deque[tuple[float, _Counts]] = deque()

    async def look(self, accounts: Iterable[Account]) -> None:
        """Note what was carried so far. Takes a second if nobody has looked of late."""
        loop = asyncio.get_running_loop()
        while self._looks and self._looks[0][0] < loop.time() - _RATE_MEMORY_SECONDS:
            self._looks.popleft()
        if not self._looks or self._looks[-1][0] <= loop.time() - _RATE_SECONDS:
            self._looks.append((loop.time(), {one: _carried(one) for one in accounts}))
        if len(self._looks) == 1:
            await asyncio.sleep(self._looks[0][0] + _RATE_SECONDS - loop.time())

    def of(self, account: Account) -> tuple[int, int] | None:
        """Return bytes a second, up and down; None for a tunnel that has just come."""
        now = asyncio.get_running_loop().time()
        for then, counts in self._looks:
            if account in counts and now - then > _RATE_SECONDS / 2:
                up, down = _carried(account)
                before_up, before_down = counts[account]
                return round((up - before_up) / (now - then)), round(
                    (down - before_down) / (now - then)
                )
        return None


def _carried(account: Account) -> tuple[int, int]:
    return account.bytes_up, account.bytes_down


class Status:
    """Makes the whole state, bounded in size."""

    def __init__(self, overview: Overview) -> None:
        self._overview = overview
        self._rates = Rates()
        self._started = datetime.now(UTC)

    async def make(self) -> dict[str, Any]:
        """Return the state as JSON has it. Times are ISO 8601 in UTC, durations seconds."""
        await self._rates.look(self._shown())
        overview = self._overview
        now = datetime.now(UTC)
        reasons = overview.not_ready()
        return {
            "version": VERSION,
            "pid": os.getpid(),
            "now": _moment(now),
            "started": _moment(self._started),
            "seconds": round((now - self._started).total_seconds()),
            "warnings": list(overview.warnings()),
            "ready": not reasons,
            "not_ready": reasons,
            "stop": self._stop(),
            "reload": {
                "loaded": _moment(datetime.fromtimestamp(overview.loaded, UTC)),
                "ok": overview.reload_ok,
            },
            "domains": self._domains(now),
            "trust_anchors": len(overview.resources().material.trust_anchors),
            "destinations": self._destinations(),
            "limits": [
                {"limit": name, "used": used, "most": most}
                for name, used, most in overview.limits()
            ],
            "public_key_queue": overview.resources().workers.waiting,
            "connections": {stage.value: count for stage, count in overview.stages().items()},
            "connections_total": len(overview.sessions),
            "connections_shown": [self._connection(one) for one in self._shown()],
        }

    def _shown(self) -> list[Account]:
        """Return those that have been there longest."""
        return [session.account for session in islice(self._overview.sessions, MAX_SHOWN)]

    def _stop(self) -> list[dict[str, Any]]:
        return [
            {"step": one.number, "name": one.name, "at": _moment(one.at), "text": one.text}
            for one in self._overview.stopping.steps
        ]

    def _domains(self, now: datetime) -> list[dict[str, Any]]:
        accepted = self._overview.accepted()
        found = []
        for name, identity in sorted(self._overview.resources().material.domains.items()):
            first = min(identity.chain, key=lambda one: one.not_after)
            found.append(
                {
                    "domain": name,
                    "days_left": days_left(first, now),
                    "until": _moment(first.not_after),
                    "accepted": name in accepted,
                }
            )
        return found[:MAX_SHOWN]

    def _destinations(self) -> list[dict[str, Any]]:
        found = []
        for one in self._overview.resources().config.destinations.values():
            probed = self._overview.probes.result(one.id)
            found.append(
                {
                    "dst_id": one.id,
                    "address": ", ".join(map(str, one.addresses)),
                    "tunnels": self._overview.resources().destinations.tunnels(one.id),
                    "up": probed.up if probed else None,
                    "since": _moment(probed.since) if probed else None,
                    "fault": probed.fault if probed else "not tried yet",
                }
            )
        return found[:MAX_SHOWN]

    def _connection(self, account: Account) -> dict[str, Any]:
        leaf = account.leaf
        rate = self._rates.of(account)
        return {
            "tunnel_id": account.tunnel_id,
            "stage": account.stage.value,
            "client": account.client,
            "user": name_shown(leaf.common_name) if leaf else None,
            "serial": leaf.serial_hex if leaf else None,
            "domain": account.domain,
            "dst_id": account.dst_id,
            "seconds": round(asyncio.get_running_loop().time() - account.started, 1),
            "bytes_up": account.bytes_up,
            "bytes_down": account.bytes_down,
            "rate_up": rate[0] if rate else None,
            "rate_down": rate[1] if rate else None,
        }


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

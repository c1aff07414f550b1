"""The tunnels' part of the state, as /status.json has it.

Names of persons are shown as `tunnel.log.personal` says, and PINFLs are not shown.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from tunnel_gateway.daemon.admin.state import moment
from tunnel_gateway.daemon.expiry import days_left
from tunnel_gateway.gateway.admin.overview import Overview
from tunnel_gateway.gateway.session_facts import SessionFacts

if TYPE_CHECKING:
    from tunnel_gateway.dataplane.plane import WorkerFigures

# Nobody reads a longer list. The status also has the number of all connections.
MAX_SHOWN: Final = 200
# Two looks that a rate compares are at least half a second apart, and usually one second or more.
RATE_SECONDS: Final = 1.0
# Older looks are forgotten: the rate must be the present one, not an average of minutes.
_RATE_MEMORY_SECONDS: Final = 10.0

# The counts of tunnels, and those of threads by their number.
_Counts = dict[SessionFacts | int, tuple[float, ...]]


class Rates:
    """The work of tunnels and threads in each second, measured between two looks."""

    def __init__(self) -> None:
        self._looks: deque[tuple[float, _Counts]] = deque()

    async def look(
        self, sessions: Iterable[SessionFacts], workers: Iterable[WorkerFigures]
    ) -> None:
        """Note the counts so far. Takes a second if nobody has looked in the last seconds."""
        loop = asyncio.get_running_loop()
        while self._looks and self._looks[0][0] < loop.time() - _RATE_MEMORY_SECONDS:
            self._looks.popleft()
        if not self._looks or self._looks[-1][0] <= loop.time() - RATE_SECONDS:
            counts: _Counts = {facts: _carried(facts) for facts in sessions}
            counts.update((number, _worked(one)) for number, one in enumerate(workers))
            self._looks.append((loop.time(), counts))
        if len(self._looks) == 1:
            await asyncio.sleep(self._looks[0][0] + RATE_SECONDS - loop.time())

    def of(self, facts: SessionFacts) -> tuple[int, int] | None:
        """Return bytes per second, up and down; None for a new tunnel."""
        rates = self._since(facts, _carried(facts))
        return (round(rates[0]), round(rates[1])) if rates else None

    def of_worker(self, number: int, figures: WorkerFigures) -> tuple[float, int, int] | None:
        """Return the part of the time that the thread is busy, and bytes per second."""
        rates = self._since(number, _worked(figures))
        return (round(rates[0], 3), round(rates[1]), round(rates[2])) if rates else None

    def _since(self, what: SessionFacts | int, counts: tuple[float, ...]) -> list[float] | None:
        now = asyncio.get_running_loop().time()
        for then, before in self._looks:
            if what in before and now - then > RATE_SECONDS / 2:
                pairs = zip(counts, before[what], strict=True)
                return [(count - old) / (now - then) for count, old in pairs]
        return None


def _carried(facts: SessionFacts) -> tuple[int, int]:
    return facts.bytes_up, facts.bytes_down


def _worked(figures: WorkerFigures) -> tuple[float, int, int]:
    return figures.busy, figures.bytes_up, figures.bytes_down


class StatusJson:
    """Makes the part, bounded in size."""

    def __init__(self, overview: Overview) -> None:
        self._overview = overview
        self._rates = Rates()

    async def make(self) -> dict[str, Any]:
        """Return the part, ready for JSON. Times are ISO 8601 in UTC, durations seconds."""
        overview = self._overview
        await self._rates.look(self._shown(), overview.workers())
        return {
            "domains": self._domains(datetime.now(UTC)),
            "trust_anchors": len(overview.resources().material.trust_anchors),
            "destinations": self._destinations(),
            "workers": [self._worker(*one) for one in enumerate(overview.workers())],
            "connections": {stage.value: count for stage, count in overview.stages().items()},
            "connections_total": len(overview.sessions),
            "connections_shown": [self._connection(facts) for facts in self._shown()],
        }

    def _shown(self) -> list[SessionFacts]:
        """Return the facts of the oldest connections."""
        return [session.facts for session in islice(self._overview.sessions, MAX_SHOWN)]

    def _domains(self, now: datetime) -> list[dict[str, Any]]:
        accepted = self._overview.accepted()
        domains = []
        for name, keys in sorted(self._overview.resources().material.domains.keys_of.items()):
            chains = [certificate for key in keys for certificate in key.chain]
            first = min(chains, key=lambda certificate: certificate.not_after)
            domains.append(
                {
                    "domain": name,
                    "days_left": days_left(first, now),
                    "until": moment(first.not_after),
                    "accepted": name in accepted,
                }
            )
        return domains[:MAX_SHOWN]

    def _destinations(self) -> list[dict[str, Any]]:
        destinations = []
        for destination in self._overview.resources().config.destinations.values():
            probed = self._overview.probes.result(destination.id)
            tunnels = self._overview.resources().destinations.tunnels(destination.id)
            destinations.append(
                {
                    "dst_id": destination.id,
                    "address": ", ".join(map(str, destination.addresses)),
                    "tunnels": tunnels,
                    "up": probed.up if probed else None,
                    "since": moment(probed.since) if probed else None,
                    "fault": probed.fault if probed else "not tried yet",
                }
            )
        return destinations[:MAX_SHOWN]

    def _worker(self, number: int, figures: WorkerFigures) -> dict[str, Any]:
        rates = self._rates.of_worker(number, figures)
        return {
            "worker": number,
            "tunnels": figures.tunnels,
            "wakeups": figures.wakeups,
            "turns": figures.turns,
            "bytes_up": figures.bytes_up,
            "bytes_down": figures.bytes_down,
            "busy_seconds": round(figures.busy, 3),
            "busy": rates[0] if rates else None,
            "rate_up": rates[1] if rates else None,
            "rate_down": rates[2] if rates else None,
        }

    def _connection(self, facts: SessionFacts) -> dict[str, Any]:
        rate = self._rates.of(facts)
        return {
            **facts.status_fields(),
            "seconds": round(asyncio.get_running_loop().time() - facts.started, 1),
            "bytes_up": facts.bytes_up,
            "bytes_down": facts.bytes_down,
            "rate_up": rate[0] if rate else None,
            "rate_down": rate[1] if rate else None,
        }

"""Whether the destinations take connections: tried every few seconds, for who asks meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from tunnel_gateway.config.destinations import Destination
from tunnel_gateway.errors import DestinationBusyError, DestinationUnreachableError
from tunnel_gateway.gateway.resources import Resources
from tunnel_gateway.observability.background import GoOn

PROBE_SECONDS: Final = 10.0
_TIME_LIMIT: Final = 5.0
_AT_ONCE: Final = 16


@dataclass(frozen=True, slots=True)
class Probed:
    """What came of the probes of a destination: ``since`` when it is so, and the last fault."""

    up: bool
    since: datetime
    fault: str = ""


class Probes:
    """Connects to each destination of what ``current`` returns, and hangs up without a byte.

    It goes the way of tunnels, so that it also finds out which addresses to leave out.
    """

    def __init__(self, current: Callable[[], Resources]) -> None:
        self._current = current
        self._results: dict[str, Probed] = {}
        self._at_once = asyncio.Semaphore(_AT_ONCE)

    async def round(self) -> None:
        """Try all destinations, and wait some seconds."""
        await self.look()
        await asyncio.sleep(PROBE_SECONDS)

    async def look(self) -> None:
        """Try all destinations once."""
        destinations = self._current().config.destinations
        await asyncio.gather(*map(self._probe, destinations.values()))
        for gone in self._results.keys() - self._current().config.destinations.keys():
            del self._results[gone]

    def result(self, dst_id: str) -> Probed | None:
        """Return what is known of a destination; None before the first probe has ended."""
        return self._results.get(dst_id)

    def faults(self) -> Iterator[str]:
        """Yield a text for each domain none of whose destinations is known to answer."""
        material = self._current().material
        for domain in material.domains:
            own = [one for one in material.config.destinations.values() if _serves(one, domain)]
            results = [self.result(one.id) for one in own]
            if own and not any(result and result.up for result in results):
                known = next((one.fault for one in results if one), "not tried yet")
                yield f"{domain}: no destination answers: {known}"

    async def _probe(self, destination: Destination) -> None:
        async with self._at_once:
            fault = "not known: this program has failed, background_failed in its log says more"
            with GoOn("probes"):
                try:
                    stream = await self._current().destinations.connect(destination, _TIME_LIMIT)
                except DestinationBusyError:
                    return  # by tunnels: that says enough about it, or nothing
                except DestinationUnreachableError as error:
                    fault = str(error)
                else:
                    stream.close()
                    fault = ""
        before = self.result(destination.id)
        kept = before is not None and before.up is (not fault)
        since = before.since if before and kept else datetime.now(UTC)
        self._results[destination.id] = Probed(not fault, since, fault)


def _serves(destination: Destination, domain: str) -> bool:
    return destination.domains is None or domain in destination.domains.values

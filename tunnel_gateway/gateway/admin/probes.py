"""Probes: every few seconds the gateway tries whether the destinations take connections."""

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
# The default of tunnel.connect.timeout.
_TIME_LIMIT: Final = 5.0
# With many destinations not all sockets are opened at once.
_AT_ONCE: Final = 16


@dataclass(frozen=True, slots=True)
class Probed:
    """The result of the probes of a destination, since when it holds, and the last fault."""

    up: bool
    since: datetime
    fault: str = ""


class Probes:
    """Connects to each destination of the ``current`` resources, and closes without a byte.

    Probes connect as tunnels do, so they also notice addresses that must be left out.
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
        """Return the result for a destination; None before the first probe has ended."""
        return self._results.get(dst_id)

    def faults(self) -> Iterator[str]:
        """Yield a text for each domain that has no destination which is known to answer."""
        material = self._current().material
        for domain in material.domains:
            results = [
                self.result(destination.id)
                for destination in material.config.destinations.values()
                if destination.domains is None or domain in destination.domains.values
            ]
            if results and not any(result and result.up for result in results):
                fault = next((result.fault for result in results if result), "not tried yet")
                yield f"{domain}: no destination answers: {fault}"

    async def _probe(self, destination: Destination) -> None:
        async with self._at_once:
            # This text stays if the probe itself fails: GoOn logs the error and goes on.
            fault = "not known: this program has failed, background_failed in its log says more"
            with GoOn("probes"):
                try:
                    stream = await self._current().destinations.connect(destination, _TIME_LIMIT)
                except DestinationBusyError:
                    return  # tunnels are connecting to it: their results say more than a probe
                except DestinationUnreachableError as error:
                    fault = str(error)
                else:
                    stream.close()
                    fault = ""
        before = self.result(destination.id)
        kept = before is not None and before.up is (not fault)
        since = before.since if before and kept else datetime.now(UTC)
        self._results[destination.id] = Probed(not fault, since, fault)

"""Admission: which connections may begin a handshake or open a tunnel, and which refusals are told.

This daemon counts for itself. A fleet of gateways can count two numbers together: the rate of a
source's handshakes and the tunnels of a certificate.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from tunnel_gateway.config.tunnel import LimitSettings, SourceSettings
from tunnel_gateway.daemon.resident_memory import MIB, MemoryWatch
from tunnel_gateway.daemon.turns import LoopSteps
from tunnel_gateway.daemon.workers import Steps
from tunnel_gateway.errors import OverloadedError, RateLimitedError, TooManyTunnelsError
from tunnel_gateway.limit_keys import Limit
from tunnel_gateway.limits.places import Held, Places
from tunnel_gateway.limits.sources import SourceLimits, Sources
from tunnel_gateway.pki.trust.validation import VerifiedPeer
from tunnel_gateway.transport.wire.rates import Rate

# A healthy fleet answers within a millisecond. Waiting for it saves the work for a source that
# comes too often.
SOON_SECONDS: Final = 0.02


@dataclass(frozen=True, slots=True)
class Limits:
    """How many of everything. 0 means "no limit", except for ``tunnels`` and ``handshakes``."""

    tunnels: int
    handshakes: int
    certificate: int
    source: SourceLimits

    @classmethod
    def of(cls, limits: LimitSettings, sources: SourceSettings) -> Limits:
        """Return the limits of a configuration."""
        rate = Rate(sources.rate, sources.burst) if sources.rate else None
        return cls(
            tunnels=limits.tunnels,
            handshakes=limits.handshakes,
            certificate=limits.certificate,
            source=SourceLimits(rate, sources.handshakes, sources.tunnels, sources.networks),
        )


class Commons(Protocol):
    """The counts that a fleet shares: `tunnel_gateway.limits.fleet.Fleet`."""

    def claim(self, key: str, own: int, limit: int) -> asyncio.Future[bool]:
        """Ask whether the fleet has a place under ``key``, of which ``own`` are then ours."""

    def release(self, key: str, own: int) -> None:
        """Say that ``own`` places under ``key`` are ours from now on."""

    def allows(self, key: str, rate: Rate) -> asyncio.Future[bool]:
        """Take one from the bucket of ``key``; tells whether it was there."""


async def _check_rate(asked: asyncio.Future[bool], source: str, rate: Rate) -> None:
    if not await asked:
        raise RateLimitedError(
            f"{source} begins more than {rate.per_second:g} handshakes a second at all gateways"
            f" together, {Limit.SOURCE_RATE.reached()}",
            Limit.SOURCE_RATE,
        )


async def _nothing_asked() -> None:
    pass


class Admission:
    """Counts connections from accept on, before anything is spent on cryptography.

    Each place is added to the ``held`` of the connection, which gives it back. After an error
    ``held`` may have one of two places.
    """

    def __init__(
        self,
        limits: Limits,
        clock: Callable[[], float] = time.monotonic,
        fleet: Commons | None = None,
        memory: MemoryWatch | None = None,
    ) -> None:
        self._limits = limits
        self._fleet = fleet
        self._sources = Sources(limits.source, clock)
        self._certificates = Places()
        self.memory = memory or MemoryWatch(0)
        self.tunnels = 0
        self.handshakes = 0

    def set_limits(self, limits: Limits) -> None:
        """Change the limits. A connection that was admitted stays, also over a lower limit."""
        self._limits = limits
        self._sources.set_limits(limits.source)

    async def source(self, source: str, held: Held) -> Callable[[], Awaitable[None]]:
        """Count a tunnel of a source: before other counts, because it takes nothing from others.

        Raises RateLimitedError and TooManyTunnelsError. This does not wait for a fleet that is far
        away. The caller must call the returned function before the tunnel opens; it raises
        RateLimitedError too.
        """
        self._sources.tunnel(source, held)
        rate = self._sources.limits_of(source).rate
        if self._fleet is None or rate is None:
            return _nothing_asked
        # The fleet is asked last: a source that is refused above costs Redis no question.
        asked = self._fleet.allows(source, rate)
        check = partial(_check_rate, asked, source, rate)
        await asyncio.wait((asked,), timeout=SOON_SECONDS)
        if asked.done():
            await check()
        return check

    def tunnel(self, held: Held) -> None:
        """Take a place for a tunnel into ``held``; raises OverloadedError when all are taken."""
        if self.memory.full:
            raise OverloadedError(
                f"{self.memory.used // MIB} MiB of memory are used, and {Limit.MEMORY} allows"
                f" {self.memory.limit // MIB}",
                Limit.MEMORY,
            )
        if self.tunnels >= self._limits.tunnels:
            raise OverloadedError.reached(Limit.TUNNELS, f"{self.tunnels} tunnels are open")
        self.tunnels += 1
        held.add(self._tunnel_ended)

    def _tunnel_ended(self) -> None:
        self.tunnels -= 1

    def handshake(self, source: str, held: Held) -> None:
        """Take a place for a handshake; raises OverloadedError, RateLimitedError (the source)."""
        if self.handshakes >= self._limits.handshakes:
            count = f"{self.handshakes} handshakes are in progress"
            raise OverloadedError.reached(Limit.HANDSHAKES, count)
        self._sources.handshake(source, held)
        self.handshakes += 1
        held.add(self._handshake_ended)

    def _handshake_ended(self) -> None:
        self.handshakes -= 1

    def charge(self, source: str, steps: Steps | LoopSteps) -> None:
        """Charge a source for the processor time of a handshake that has ended."""
        self._sources.charge(source, steps.spent)

    async def certificate(self, peer: VerifiedPeer, held: Held) -> None:
        """Take a place of a certificate for a tunnel; raises TooManyTunnelsError."""
        key = f"{peer.leaf.serial_hex}@{peer.path[1].key_id}"
        limit = self._limits.certificate
        if 0 < limit <= self._certificates[key]:
            count = f"{self._certificates[key]} tunnels of this certificate are open"
            raise TooManyTunnelsError.reached(Limit.CERTIFICATE_TUNNELS, count)
        if self._fleet is None or not limit:
            self._certificates.hold(key, held)
            return
        taken = Held()
        # After our own count is down, which is what the others are told.
        taken.add(partial(self._release_in_fleet, self._fleet, key))
        self._certificates.hold(key, taken)
        held.add(taken.release)
        if not await self._fleet.claim(key, self._certificates[key], limit):
            taken.release()
            count = f"{limit} tunnels of this certificate are open at all gateways together"
            raise TooManyTunnelsError.reached(Limit.CERTIFICATE_TUNNELS, count)

    def _release_in_fleet(self, fleet: Commons, key: str) -> None:
        fleet.release(key, self._certificates[key])

    def tells(self, source: str) -> bool:
        """Tell whether a client that is refused before its handshake is told why; it is bounded."""
        return self._sources.tells(source)

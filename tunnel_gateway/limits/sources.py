"""Source addresses: how often each may begin a handshake, and how much it may hold.

A source is an IPv4 address, or the /64 network of an IPv6 address: that is what one subscriber
has at least. An IPv4 address written as IPv6 is the IPv4 address.
"""

from __future__ import annotations

import functools
import ipaddress
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from tunnel_gateway.config.values import IPV6_SOURCE_BITS, Allowance
from tunnel_gateway.errors import RateLimitedError, TooManyTunnelsError
from tunnel_gateway.limit_keys import Limit
from tunnel_gateway.limits.places import Held
from tunnel_gateway.transport.wire.rates import Rate, TokenBucket

# How many sources without an open connection are remembered for their rates. An attacker can make
# the gateway forget a source by coming from many others, but gains nothing: each has its own burst.
REMEMBERED: Final = 16_384

# Processor seconds that one handshake of the rate stands for. The handshake of a user with a new
# certificate takes less; most of its time goes into the chain (`make bench-strangers`).
HANDSHAKE_TIME: Final = 0.004

# Addresses whose source, and sources whose limits, are known without reading the address again.
_LAST_ASKED: Final = 1024

# How often one source is told why it is refused. Its other connections are closed without a word.
_TOLD_EACH: Final = Rate(1, 10)
# The same for all sources together.
_TOLD_ALL: Final = Rate(100, 1000)


@dataclass(frozen=True, slots=True)
class SourceLimits:
    """The limits of one source. 0 means "no limit"; for the ``rate`` of handshakes None does."""

    rate: Rate | None
    handshakes: int
    tunnels: int
    allowances: Sequence[Allowance] = ()
    told: Rate | None = _TOLD_EACH

    def of(self, source: str) -> SourceLimits:
        """Return what holds for ``source``: the allowance of its smallest network, if any."""
        factor = _factor(source, self.allowances) if self.allowances else 1
        if factor == 1:
            return self
        rate, told = (
            each.times(factor) if each and factor else None for each in (self.rate, self.told)
        )
        return SourceLimits(rate, self.handshakes * factor, self.tunnels * factor, told=told)


def _factor(source: str, allowances: Sequence[Allowance]) -> int:
    """Return how many sources this one counts as; 0 is any number."""
    try:
        first = ipaddress.ip_network(source).network_address
    except ValueError:
        return 1
    matching = [allowance for allowance in allowances if first in allowance.network]
    return (
        max(matching, key=lambda allowance: allowance.network.prefixlen).factor if matching else 1
    )


@functools.lru_cache(_LAST_ASKED)
def source_of(host: str) -> str:
    """Return the source that the address ``host`` belongs to, as text; other text is its own."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            return str(ipaddress.ip_network((address, IPV6_SOURCE_BITS), strict=False))
        address = address.ipv4_mapped
    return str(address)


@dataclass(slots=True)
class _Counts:
    begun: TokenBucket = field(default_factory=TokenBucket)
    told: TokenBucket = field(default_factory=TokenBucket)
    handshakes: int = 0
    tunnels: int = 0


class Sources:
    """Counts of each source: handshakes begun lately, and open ones. ``clock`` is in seconds."""

    def __init__(
        self, limits: SourceLimits, clock: Callable[[], float], remembered: int = REMEMBERED
    ) -> None:
        self.set_limits(limits)
        self._clock = clock
        self._remembered = remembered
        self._holding: dict[str, _Counts] = {}  # bounded by the connections that there are
        self._quiet: OrderedDict[str, _Counts] = OrderedDict()
        self._told = TokenBucket()

    def set_limits(self, limits: SourceLimits) -> None:
        """Use these limits from now on."""
        # Asked several times for each connection, and an allowance reads the address as a network.
        self.limits_of = functools.lru_cache(_LAST_ASKED)(limits.of)

    def __len__(self) -> int:
        return len(self._holding) + len(self._quiet)

    def tunnel(self, source: str, held: Held) -> None:
        """Take a place for a tunnel into ``held``; raises RateLimitedError, TooManyTunnelsError."""
        limits = self.limits_of(source)
        counts = self._counts_of(source)
        if limits.rate and not counts.begun.take(limits.rate, self._clock()):
            count = f"{source} begins more than {limits.rate.per_second:g} handshakes a second"
            raise RateLimitedError.reached(Limit.SOURCE_RATE, count)
        if 0 < limits.tunnels <= counts.tunnels:
            count = f"{source} has {counts.tunnels} tunnels"
            raise TooManyTunnelsError.reached(Limit.SOURCE_TUNNELS, count)
        counts.tunnels += 1
        self._holding[source] = counts
        self._quiet.pop(source, None)
        held.add(partial(self._tunnel_ended, source, counts))

    def _tunnel_ended(self, source: str, counts: _Counts) -> None:
        counts.tunnels -= 1
        if not counts.tunnels:
            del self._holding[source]
            self._remember(source, counts)

    def handshake(self, source: str, held: Held) -> None:
        """Take a place for a handshake, beside that for its tunnel; raises RateLimitedError."""
        limits = self.limits_of(source)
        counts = self._counts_of(source)
        if 0 < limits.handshakes <= counts.handshakes:
            count = f"{source} has {counts.handshakes} handshakes in progress"
            raise RateLimitedError.reached(Limit.SOURCE_HANDSHAKES, count)
        counts.handshakes += 1
        held.add(partial(_handshake_ended, counts))

    def charge(self, source: str, seconds: float) -> None:
        """Charge for the processor time of a handshake beyond the time that was paid for it.

        A source that owes more than its burst is refused until the rate has paid for it.
        """
        limits = self.limits_of(source)
        beyond = seconds / HANDSHAKE_TIME - 1
        if limits.rate and beyond > 0:
            self._counts_of(source).begun.spend(limits.rate, self._clock(), beyond)

    def tells(self, source: str) -> bool:
        """Tell whether a refusal is still answered and logged, and count it."""
        now = self._clock()
        each = self.limits_of(source).told
        if each and not self._counts_of(source).told.take(each, now):
            return False
        return self._told.take(_TOLD_ALL, now)

    def _counts_of(self, source: str) -> _Counts:
        if counts := self._holding.get(source):
            return counts
        counts = self._quiet.get(source) or _Counts()
        self._remember(source, counts)
        return counts

    def _remember(self, source: str, counts: _Counts) -> None:
        self._quiet[source] = counts
        self._quiet.move_to_end(source)
        if len(self._quiet) > self._remembered:
            self._quiet.popitem(last=False)


def _handshake_ended(counts: _Counts) -> None:
    counts.handshakes -= 1

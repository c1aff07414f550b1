"""One address of a destination: whether it answers, and what is done while it does not.

A circuit is closed while connections succeed. So many failures in a row open it, and then nobody
waits for the address: connections are tried in the background, later and later, and the first
that succeeds closes it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tunnel_gateway.config.values import Address

# One refused connection may be a restart or a full backlog; five in a row are a state.
FAILURES_TO_OPEN: Final = 5
FIRST_PROBE_SECONDS: Final = 1.0
# An application that is back is used again after this time at the latest.
LAST_PROBE_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class AddressState:
    """What is known of an address of destination ``dst_id``, for people and for metrics.

    ``answers`` is False while its circuit is open, and ``since`` is when that last changed;
    None if it never did. ``failures`` are those in a row until now, ``tunnels`` its open ones.
    """

    dst_id: str
    address: Address
    answers: bool
    since: datetime | None
    failures: int
    tunnels: int


@dataclass(slots=True, eq=False)
class Circuit:
    """The state machine of one address; ``reason`` is that of the last failure."""

    tunnels: int = 0
    failures: int = 0
    open: bool = False
    since: datetime | None = None
    reason: str = ""

    def succeeded(self, now: datetime) -> bool:
        """Note a connection; return whether that has closed the circuit."""
        self.failures = 0
        if not self.open:
            return False
        self.open, self.since = False, now
        return True

    def failed(self, reason: str, now: datetime) -> bool:
        """Note a failure; return whether it has opened the circuit."""
        self.failures += 1
        self.reason = reason
        if self.open or self.failures < FAILURES_TO_OPEN:
            return False
        self.open, self.since = True, now
        return True

    def story(self) -> str:
        """Return why the address is not tried."""
        since = f"{self.since:%Y-%m-%d %H:%M:%S} UTC" if self.since else "now"
        return f"{self.reason}; down since {since}, and tried in the background"


def probe_delays() -> tuple[float, ...]:
    """Return the seconds before each probe; the last is that of all that follow."""
    delays = [FIRST_PROBE_SECONDS]
    while delays[-1] < LAST_PROBE_SECONDS:
        delays.append(min(2 * delays[-1], LAST_PROBE_SECONDS))
    return tuple(delays)

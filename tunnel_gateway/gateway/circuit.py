"""The circuit of one address of a destination: whether the address answers.

A circuit is closed while connections succeed. FAILURES_TO_OPEN failures in a row open it. Then no
user waits for the address: the gateway tries it in the background, with longer and longer delays,
and the first connection that succeeds closes the circuit again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tunnel_gateway.config.values import Address

# One refused connection may be a restart or a full backlog. After five the address is down.
FAILURES_TO_OPEN: Final = 5
FIRST_PROBE_SECONDS: Final = 1.0
# An application that is back gets tunnels again after this time at the latest.
LAST_PROBE_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class AddressState:
    """The state of an address of destination ``dst_id``, for people and for metrics.

    ``answers`` is False while the circuit is open. ``since`` is when that last changed, or None if
    it never changed. ``failures`` counts the failures in a row, ``tunnels`` the open tunnels.
    """

    dst_id: str
    address: Address
    answers: bool
    since: datetime | None
    failures: int
    tunnels: int


@dataclass(slots=True, eq=False)
class Circuit:
    """The state machine of one address; ``reason`` is the text of the last failure."""

    tunnels: int = 0
    failures: int = 0
    open: bool = False
    since: datetime | None = None
    reason: str = ""

    def succeeded(self, now: datetime) -> bool:
        """Note a connection that succeeded; return whether that has closed the circuit."""
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
        """Return why users do not wait for the address."""
        since = f"{self.since:%Y-%m-%d %H:%M:%S} UTC" if self.since else "now"
        return f"{self.reason}; down since {since}, and tried in the background"


def probe_delays() -> tuple[float, ...]:
    """Return the seconds before each probe; the last number holds for all later probes."""
    delays = [FIRST_PROBE_SECONDS]
    while delays[-1] < LAST_PROBE_SECONDS:
        delays.append(min(2 * delays[-1], LAST_PROBE_SECONDS))
    return tuple(delays)

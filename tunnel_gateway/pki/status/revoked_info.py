"""When and why a certificate was revoked: the same facts from a list and from an answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tunnel_gateway.pki.certificates.certificate import format_time

# RFC 5280, 5.3.1, by number; 7 is not used.
REASONS: Final = (
    "unspecified",
    "keyCompromise",
    "cACompromise",
    "affiliationChanged",
    "superseded",
    "cessationOfOperation",
    "certificateHold",
    None,
    "removeFromCRL",
    "privilegeWithdrawn",
    "aACompromise",
)
HOLD: Final = "certificateHold"


@dataclass(frozen=True, slots=True)
class RevokedInfo:
    """A revocation (RevokedInfo of RFC 6960, an entry of a list of RFC 5280).

    ``since`` is an aware time in UTC, None if it cannot be read. ``reason`` is the word of
    RFC 5280, 5.3.1, such as ``keyCompromise``; None if no reason is given.
    """

    since: datetime | None
    reason: str | None

    @property
    def text(self) -> str:
        """When and why, for people: ``on 2026-03-01 … (keyCompromise)``."""
        when = "" if self.since is None else f"on {format_time(self.since)} "
        return f"{when}({self.reason or 'no reason given'})"


def reason_word(number: int) -> str | None:
    """Return the word for a CRLReason; None for a number without one."""
    return REASONS[number] if 0 <= number < len(REASONS) else None

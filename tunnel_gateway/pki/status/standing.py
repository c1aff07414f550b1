"""The standing of a certificate: the knowledge of its status at one moment, as data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final


class Knowledge(Enum):
    """The kinds of knowledge about a certificate's status."""

    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Standing:
    """The knowledge about one certificate, and how that can be proven later.

    All times are aware and in UTC. ``revoked_at`` and ``reason`` are for REVOKED only:
    ``revoked_at`` is None if nobody says since when, and ``reason`` is a word of RFC 5280, 5.3.1
    (``keyCompromise``, ``certificateHold``), None if no reason is given. ``answer`` is the whole
    DER of the OCSPResponse that says so; None if a revocation list says it, or if nobody kept the
    answer. ``updated_at`` and ``next_update_at`` are thisUpdate and nextUpdate of the answer or
    list; ``next_update_at`` is None for an answer without nextUpdate. ``missing`` says for UNKNOWN,
    in words for the operator, what was not learned and why.
    """

    knowledge: Knowledge
    revoked_at: datetime | None = None
    reason: str | None = None
    answer: bytes | None = None
    updated_at: datetime | None = None
    next_update_at: datetime | None = None
    missing: str | None = None

    def revoked_before(self, moment: datetime) -> bool:
        """Tell whether it was revoked at ``moment`` already, or since an unknown time."""
        if self.knowledge is not Knowledge.REVOKED:
            return False
        return self.revoked_at is None or self.revoked_at <= moment


UNKNOWN: Final = Standing(Knowledge.UNKNOWN)

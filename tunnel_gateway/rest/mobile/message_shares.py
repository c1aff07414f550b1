"""How much of the room for messages one signer may fill.

A message can be made long by parts that no signature covers, and one signature may be uploaded for
many documents. So a single user could fill the room, and keep all others from signing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.rest.mobile.documents import MESSAGE_ROOM, at_most
from tunnel_gateway.rest.source_buckets import SourceBuckets
from tunnel_gateway.rest.statuses import Reason, Refusal

# The part of the room that one signer may fill within the life of a document.
_SHARE: Final = 8


class MessageShares:
    """Counts the bytes of each signer, in bounded memory. ``clock`` is in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._signers = SourceBuckets(clock)

    def take(self, signer: Certificate, size: int, seconds: float) -> None:
        """Count a message of ``size`` bytes; a document lives for ``seconds``. Raises Refusal."""
        share = at_most(MESSAGE_ROOM / _SHARE, seconds)
        if not self._signers.take(signer.label, share, size):
            raise Refusal(
                Reason.TOO_MANY_CALLS, f"the {signer.label} has filled an eighth of the room"
            )

"""``POST /frontend/mobile/auth``: a challenge for a phone to sign (guide, 3.4.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tunnel_gateway.rest.call import Call, Wanted
from tunnel_gateway.rest.mobile.counted_documents import CountedDocuments
from tunnel_gateway.rest.mobile.documents import Purpose
from tunnel_gateway.rest.statuses import Fields


@dataclass(frozen=True, slots=True)
class MobileAuth:
    """Begins a sign-in, which must end within ``seconds``."""

    site_id: str
    documents: CountedDocuments
    seconds: float

    path: ClassVar[str] = "/frontend/mobile/auth"
    verbs: ClassVar[tuple[str, ...]] = ("POST",)
    wanted: ClassVar[Wanted] = Wanted()

    async def answer(self, call: Call) -> Fields:
        """Return the ids and the challenge. Raises Refusal.

        ``challange`` is the guide's own spelling, and what its clients read.
        """
        document = await self.documents.begin(Purpose.SIGN_IN, call.caller)
        return {
            "siteId": self.site_id,
            "documentId": document.document_id,
            "challange": document.challenge,
            "challenge": document.challenge,
            "ttl": int(self.seconds),
        }

"""``POST /frontend/mobile/sign``: an id for a document that a phone signs (guide, 3.4.5).

Without an authority for time stamps nobody could verify the signature. So the page is told that
before its user takes the card.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tunnel_gateway.rest.call import Call, Wanted
from tunnel_gateway.rest.mobile.counted_documents import CountedDocuments
from tunnel_gateway.rest.mobile.documents import Purpose
from tunnel_gateway.rest.stamp_requests import StampRequests
from tunnel_gateway.rest.statuses import Fields


@dataclass(frozen=True, slots=True)
class MobileSign:
    """Begins the signing of a document, which must end within ``seconds``."""

    site_id: str
    documents: CountedDocuments
    stamps: StampRequests
    seconds: float

    path: ClassVar[str] = "/frontend/mobile/sign"
    verbs: ClassVar[tuple[str, ...]] = ("POST",)
    wanted: ClassVar[Wanted] = Wanted()

    async def answer(self, call: Call) -> Fields:
        """Return the ids. Raises Refusal."""
        self.stamps.expect_set()
        document = await self.documents.begin(Purpose.DOCUMENT, call.caller)
        return {
            "siteId": self.site_id,
            "documentId": document.document_id,
            "ttl": int(self.seconds),
        }

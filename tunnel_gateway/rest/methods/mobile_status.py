"""``POST /frontend/mobile/status``: whether the phone has signed (guide, 3.4.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tunnel_gateway.rest.call import Call, Wanted
from tunnel_gateway.rest.mobile.asked import document_id
from tunnel_gateway.rest.mobile.counted_documents import CountedDocuments
from tunnel_gateway.rest.mobile.guesses import Guesses
from tunnel_gateway.rest.statuses import Fields, Reason, Refusal


@dataclass(frozen=True, slots=True)
class MobileStatus:
    """Answers 1 from the upload to the end of the document, also when it was used."""

    documents: CountedDocuments
    guesses: Guesses

    path: ClassVar[str] = "/frontend/mobile/status"
    verbs: ClassVar[tuple[str, ...]] = ("POST",)
    wanted: ClassVar[Wanted] = Wanted(form=True, texts=("documentId",))

    async def answer(self, call: Call) -> Fields:
        """Return no field. Raises Refusal: not uploaded yet, or there is no such document."""
        asked = document_id(call)
        self.guesses.expect_few(call.caller)
        document = await self.documents.find(asked)
        if document is None:
            self.guesses.count(call.caller)
            raise Refusal(Reason.DOCUMENT_UNKNOWN)
        if document.message is None and not document.used:
            raise Refusal(Reason.NOT_UPLOADED)
        return {}

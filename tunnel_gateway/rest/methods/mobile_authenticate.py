"""``/backend/mobile/authenticate/{documentId}``: a user signs in by a phone (guide, 3.4.4).

The steps are those of `/backend/auth`, with the numbers of the guide's table for phones. The
challenge is used up by success alone: a phone has to be held to a card for another signature, and
the signature that is kept is good for this challenge only. After a refusal the application may ask
again, until the time of the document is over.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from tunnel_gateway.cms.signed_data import parse_signed_data
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.rest.call import Call, Wanted
from tunnel_gateway.rest.mobile.asked import signed_document
from tunnel_gateway.rest.mobile.counted_documents import CountedDocuments
from tunnel_gateway.rest.mobile.documents import Purpose
from tunnel_gateway.rest.present_signer import PresentSigner, judge_present
from tunnel_gateway.rest.records import Records
from tunnel_gateway.rest.statuses import Fields, Reason, Refusal
from tunnel_gateway.rest.verification import Verifier
from tunnel_gateway.rest.views.certificate_view import subject_view


@dataclass(frozen=True, slots=True)
class MobileAuthenticate:
    """Says who has signed the challenge of a mobile document."""

    verifier: Verifier
    documents: CountedDocuments
    records: Records
    window: timedelta

    path: ClassVar[str] = "/backend/mobile/authenticate/{documentId}"
    verbs: ClassVar[tuple[str, ...]] = ("GET", "POST")
    wanted: ClassVar[Wanted] = Wanted()

    async def answer(self, call: Call) -> Fields:
        """Return subjectCertificateInfo. Raises Refusal if the user is not signed in."""
        document, message = await signed_document(call, self.documents, Purpose.SIGN_IN)
        verifier = self.verifier
        with self.records.sign_in(call) as record:
            signer = await verifier.threads.run(
                call.caller, len(message), self._examine, message, document.challenge
            )
            signer.expect_right_signature()
            record.peer = signer.peer
            signer.expect_time(verifier.clock(), self.window)
            peer = await signer.expect_good_certificate(verifier)
            if not await self.documents.use(document):
                raise Refusal(Reason.DOCUMENT_UNKNOWN, "it was used meanwhile, or has ended")
            return {"subjectCertificateInfo": subject_view(verifier.views.of_proven(peer.leaf))}

    def _examine(self, message: bytes, challenge: str) -> PresentSigner:
        return judge_present(self.verifier, parse_signed_data(message), digest(challenge.encode()))

"""``POST /backend/mobile/verify``: a document that a phone has signed (guide, 3.4.6).

A signature without a time stamp gets one first, and is then verified with it. So the message
that is answered is the message that was verified. A document that is not the signed one costs no
time stamp. The application may ask again, for as long as the signature is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tunnel_gateway.cms import composing
from tunnel_gateway.cms.signed_data import parse_signed_data
from tunnel_gateway.cms.signer_checks import check_digest
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.rest.answers import Base64
from tunnel_gateway.rest.call import Call, Wanted
from tunnel_gateway.rest.mobile.asked import missing, signed_document
from tunnel_gateway.rest.mobile.counted_documents import CountedDocuments
from tunnel_gateway.rest.mobile.documents import Purpose
from tunnel_gateway.rest.outcomes import SignerOutcome
from tunnel_gateway.rest.records import Records
from tunnel_gateway.rest.statuses import Fields
from tunnel_gateway.rest.time_stamping import TimeStamping
from tunnel_gateway.rest.verification import Verifier
from tunnel_gateway.rest.views.certificate_view import View, subject_view
from tunnel_gateway.rest.views.local_times import times


@dataclass(frozen=True, slots=True)
class MobileVerify:
    """Verifies a document and its signature, and answers both in one message with a time stamp."""

    verifier: Verifier
    documents: CountedDocuments
    stamping: TimeStamping
    records: Records

    path: ClassVar[str] = "/backend/mobile/verify"
    verbs: ClassVar[tuple[str, ...]] = ("POST",)
    wanted: ClassVar[Wanted] = Wanted(form=True, parts=("document",), texts=("documentId",))

    async def answer(self, call: Call) -> Fields:
        """Return the signer, the facts of the signature and the message. Raises Refusal."""
        (content,) = call.parts
        if "document" not in call.came:
            raise missing(call, "document")
        _, message = await signed_document(call, self.documents, Purpose.DOCUMENT)
        verifier, size = self.verifier, len(content) + len(message)
        with self.records.verification(call) as record:
            run = verifier.threads.run
            actual = await run(call.caller, size, _expect_signed, message, content)
            stamped, _ = await self.stamping.stamped(call.caller, message)
            record.verified = await verifier.verify(call.caller, stamped, document_digest=actual)
            peer = record.verified.first_peer()
            attached = await run(call.caller, size, composing.attach, stamped, content)
            return {
                "subjectCertificateInfo": subject_view(verifier.views.of_proven(peer.leaf)),
                "verificationInfo": _verification_info(record.verified.outcomes[0], peer.leaf),
                "pkcs7Attached": Base64(attached),
            }


def _expect_signed(message: bytes, content: bytes) -> bytes:
    """Return the digest of the document. Raises SignedDataError if it is not the signed one."""
    actual = digest(content)
    for signer in parse_signed_data(message).signers:
        check_digest(signer, actual)
    return actual


def _verification_info(outcome: SignerOutcome, leaf: Certificate) -> View:
    verdict = outcome.verdict
    stamp = verdict.stamp.stamp if verdict.stamp else None
    policies = {} if leaf.policies is None else {"policyIdentifiers": list(leaf.policies)}
    return {
        **policies,
        **times(
            signingTime=verdict.signer.signing_time,
            timestampedTime=None if stamp is None else stamp.time,
        ),
    }

"""``POST /backend/auth``: a user signs in with a signed challenge (guide, 2.2.2).

These are the steps. The first that fails gives the answer:

1. The message can be read. It has exactly one signer, and the challenge inside.
2. Digest and signature are right: -10.
3. The challenge was given by this service, its time is not over, and nobody has used it: -20. From
   here on it is used, whatever the next steps say, if the chain leads to a trust anchor. Anyone can
   sign by a certificate of their own making, and what is used takes room.
4. The signer's clock and the clock here agree within ``auth.service.valid.minutes.window``: -5.
5. The chain leads to a trust anchor, and the certificate is for signatures: -11.
6. The certificate is valid now: -12.
7. No certificate of the chain is revoked or suspended: -11. If nobody can tell: -1.

A sign-in is about now. So a time stamp beside the signature changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Final

from tunnel_gateway.cms.signed_data import parse_signed_data
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.rest.call import Call, Wanted
from tunnel_gateway.rest.challenges import Taker, has_form
from tunnel_gateway.rest.present_signer import PresentSigner, judge_present
from tunnel_gateway.rest.records import Records
from tunnel_gateway.rest.statuses import Fields, Reason, Refusal
from tunnel_gateway.rest.verification import Verifier
from tunnel_gateway.rest.views.certificate_view import subject_view

# A challenge is a UUID as text. Some clients add blanks or a line end before they sign.
_MAX_CHALLENGE: Final = 64
_NO_CHALLENGE: Final = (
    "the signed text is not a challenge: sign the text of the field challenge alone, and encode it"
    " in Base64 once"
)


@dataclass(frozen=True, slots=True)
class SignIn:
    """The result of a thread."""

    signer: PresentSigner
    challenge: str


@dataclass(frozen=True, slots=True)
class Auth:
    """Says who has signed a challenge of this service."""

    verifier: Verifier
    challenges: Taker
    records: Records
    window: timedelta

    path: ClassVar[str] = "/backend/auth"
    verbs: ClassVar[tuple[str, ...]] = ("POST",)
    wanted: ClassVar[Wanted] = Wanted(("PKCS#7",))

    async def answer(self, call: Call) -> Fields:
        """Return subjectCertificateInfo. Raises Refusal if the user is not signed in.

        A refusal does not have subjectCertificateInfo: a client that forgets to look at the status
        must not find a user there.
        """
        (message,) = call.parts
        verifier = self.verifier
        with self.records.sign_in(call) as record:
            sign_in = await verifier.threads.run(call.caller, len(message), self._examine, message)
            signer = sign_in.signer
            signer.expect_right_signature()
            record.peer = signer.peer
            use = self.challenges.knows if signer.peer is None else self.challenges.take
            if not await use(sign_in.challenge):
                detail = "" if has_form(sign_in.challenge) else _NO_CHALLENGE
                raise Refusal(Reason.CHALLENGE_UNKNOWN, detail)
            signer.expect_time(verifier.clock(), self.window)
            peer = await signer.expect_good_certificate(verifier)
            return {"subjectCertificateInfo": subject_view(verifier.views.of_proven(peer.leaf))}

    def _examine(self, message: bytes) -> SignIn:
        signed = parse_signed_data(message)
        if signed.content is None:
            raise Refusal(Reason.NO_DOCUMENT, "a sign-in has the challenge inside")
        signer = judge_present(self.verifier, signed, digest(signed.content))
        # Longer content is a document that may only begin with a challenge: nobody's sign-in.
        content = bytes(signed.content) if len(signed.content) <= _MAX_CHALLENGE else b""
        return SignIn(signer, content.decode("ascii", "replace").strip())

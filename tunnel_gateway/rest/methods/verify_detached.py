"""``POST /backend/pkcs7/verify/detached``: a message and the document beside it (guide, 2.2.5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tunnel_gateway.rest.call import Call, Wanted
from tunnel_gateway.rest.records import Records
from tunnel_gateway.rest.statuses import Fields
from tunnel_gateway.rest.verification import Verifier


@dataclass(frozen=True, slots=True)
class VerifyDetached:
    """Verifies every signature of a message as one of the given document.

    A message that has its document inside is taken too. The given document counts.
    """

    verifier: Verifier
    records: Records

    path: ClassVar[str] = "/backend/pkcs7/verify/detached"
    verbs: ClassVar[tuple[str, ...]] = ("POST",)
    wanted: ClassVar[Wanted] = Wanted(("document", "PKCS#7"))

    async def answer(self, call: Call) -> Fields:
        """Return pkcs7Info. Raises Refusal if a signature is not valid."""
        document, message = call.parts
        with self.records.verification(call) as record:
            record.verified = await self.verifier.verify(call.caller, message, document=document)
            return record.verified.fields(with_content=False)

"""``POST /backend/pkcs7/verify/attached``: a message that holds its document (guide, 2.2.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tunnel_gateway.rest.call import Call, Wanted
from tunnel_gateway.rest.records import Records
from tunnel_gateway.rest.statuses import Fields
from tunnel_gateway.rest.verification import Verifier


@dataclass(frozen=True, slots=True)
class VerifyAttached:
    """Verifies every signature of a message, and returns the document inside it."""

    verifier: Verifier
    records: Records

    path: ClassVar[str] = "/backend/pkcs7/verify/attached"
    verbs: ClassVar[tuple[str, ...]] = ("POST",)
    wanted: ClassVar[Wanted] = Wanted(("PKCS#7",))

    async def answer(self, call: Call) -> Fields:
        """Return pkcs7Info with documentBase64. Raises Refusal if a signature is not valid."""
        (message,) = call.parts
        with self.records.verification(call) as record:
            record.verified = await self.verifier.verify(call.caller, message)
            return record.verified.fields(with_content=True)

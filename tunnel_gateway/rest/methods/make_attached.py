"""``POST /frontend/pkcs7/make-attached``: a detached message and its document (guide, 2.2.6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tunnel_gateway.cms.composing import attach
from tunnel_gateway.rest.answers import Base64
from tunnel_gateway.rest.call import Call, Wanted
from tunnel_gateway.rest.statuses import Fields
from tunnel_gateway.rest.working import Threads


@dataclass(frozen=True, slots=True)
class MakeAttached:
    """Puts a document into a message whose signers signed it. No signature is verified."""

    threads: Threads

    path: ClassVar[str] = "/frontend/pkcs7/make-attached"
    verbs: ClassVar[tuple[str, ...]] = ("POST",)
    wanted: ClassVar[Wanted] = Wanted(("document", "PKCS#7"))

    async def answer(self, call: Call) -> Fields:
        """Return pkcs7b64. Raises Refusal if a signer signed another document."""
        document, message = call.parts
        size = len(document) + len(message)
        attached = await self.threads.run(call.caller, size, attach, message, document)
        return {"pkcs7b64": Base64(attached)}

"""``POST /frontend/pkcs7/detach``: a document taken out of its message. It is not in the guide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tunnel_gateway.cms import composing
from tunnel_gateway.rest.answers import Base64
from tunnel_gateway.rest.call import Call, Wanted
from tunnel_gateway.rest.statuses import Fields
from tunnel_gateway.rest.working import Threads


@dataclass(frozen=True, slots=True)
class Detach:
    """Takes a message and its document apart. No signature is verified."""

    threads: Threads

    path: ClassVar[str] = "/frontend/pkcs7/detach"
    verbs: ClassVar[tuple[str, ...]] = ("POST",)
    wanted: ClassVar[Wanted] = Wanted(("PKCS#7",))

    async def answer(self, call: Call) -> Fields:
        """Return pkcs7b64 and documentBase64. Raises Refusal if there is no document inside."""
        (message,) = call.parts
        detached, document = await self.threads.run(
            call.caller, len(message), composing.detach, message
        )
        return {"pkcs7b64": Base64(detached), "documentBase64": Base64(document)}

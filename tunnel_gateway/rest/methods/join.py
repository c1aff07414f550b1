"""``POST /frontend/pkcs7/join``: two messages of one document made into one (guide, 2.2.7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tunnel_gateway.cms import composing
from tunnel_gateway.errors import BadSignedDataError
from tunnel_gateway.rest.answers import Base64
from tunnel_gateway.rest.call import Call, Wanted
from tunnel_gateway.rest.statuses import Fields, Reason, Refusal
from tunnel_gateway.rest.working import Threads


@dataclass(frozen=True, slots=True)
class Join:
    """Joins the signers of two messages that hold the same document. No signature is verified."""

    threads: Threads

    path: ClassVar[str] = "/frontend/pkcs7/join"
    verbs: ClassVar[tuple[str, ...]] = ("POST",)
    wanted: ClassVar[Wanted] = Wanted(("first PKCS#7", "second PKCS#7"))

    async def answer(self, call: Call) -> Fields:
        """Return pkcs7b64. Raises Refusal if the documents differ or if one is missing."""
        first, second = call.parts
        size = len(first) + len(second)
        joined = await self.threads.run(call.caller, size, _join, first, second)
        return {"pkcs7b64": Base64(joined)}


def _join(first: bytes, second: bytes) -> bytes:
    try:
        return composing.join(first, second)
    except BadSignedDataError as error:
        raise Refusal(Reason.OTHER_DOCUMENT, str(error)) from None

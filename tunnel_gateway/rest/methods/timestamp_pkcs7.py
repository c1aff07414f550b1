"""``POST /frontend/timestamp/pkcs7``: a time stamp beside each signature (guide, 2.2.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tunnel_gateway.rest.answers import Base64
from tunnel_gateway.rest.call import Call, Wanted
from tunnel_gateway.rest.statuses import Fields
from tunnel_gateway.rest.time_stamping import TimeStamping


@dataclass(frozen=True, slots=True)
class TimestampPkcs7:
    """Gets time stamps for the signatures of a message."""

    stamping: TimeStamping

    path: ClassVar[str] = "/frontend/timestamp/pkcs7"
    verbs: ClassVar[tuple[str, ...]] = ("POST",)
    wanted: ClassVar[Wanted] = Wanted(("PKCS#7",))

    async def answer(self, call: Call) -> Fields:
        """Return pkcs7b64 and timestampedSignerList, which is empty if nothing was to do."""
        (message,) = call.parts
        message, stamped = await self.stamping.stamped(call.caller, message)
        return {"pkcs7b64": Base64(message), "timestampedSignerList": stamped}

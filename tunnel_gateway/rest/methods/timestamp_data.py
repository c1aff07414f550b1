"""``POST /frontend/timestamp/data``: a time stamp for any data. The guide does not describe it.

The body is the data in Base64. The answer is the token of the authority (RFC 3161), and the facts
in it. The imprint of the token is the digest of the data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tunnel_gateway.cms.time_stamp import parse_time_stamp
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.encoding.oids import FAMILY_2009
from tunnel_gateway.rest.answers import Base64
from tunnel_gateway.rest.call import Call, Wanted
from tunnel_gateway.rest.stamp_requests import StampRequests
from tunnel_gateway.rest.statuses import Fields
from tunnel_gateway.rest.views.time_stamp_view import token_view
from tunnel_gateway.rest.working import Threads


@dataclass(frozen=True, slots=True)
class TimestampData:
    """Gets a time stamp for data."""

    threads: Threads
    stamps: StampRequests

    path: ClassVar[str] = "/frontend/timestamp/data"
    verbs: ClassVar[tuple[str, ...]] = ("POST",)
    wanted: ClassVar[Wanted] = Wanted(("data",))

    async def answer(self, call: Call) -> Fields:
        """Return timeStampTokenBase64 and timeStampInfo. Raises Refusal without a time stamp."""
        (data,) = call.parts
        self.stamps.expect_set()
        # In the caller's turn: the digest of a large document takes much of a second.
        imprint = await self.threads.run(call.caller, len(data), digest, data)
        token = await self.stamps.stamp(call.caller, imprint, FAMILY_2009)
        stamp = await self.threads.run(call.caller, len(token), parse_time_stamp, token)
        return {"timeStampTokenBase64": Base64(token), "timeStampInfo": token_view(stamp)}

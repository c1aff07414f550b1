"""``POST /backend/pkcs7/verify/digest``: a detached message by the digest of its document.

It is not in the guide. The document stays where it is, however large it is.
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from typing import ClassVar, Final

from tunnel_gateway.gost.digest import DIGEST_SIZE
from tunnel_gateway.rest.call import Call, Wanted
from tunnel_gateway.rest.records import Records
from tunnel_gateway.rest.statuses import Fields, Reason, Refusal
from tunnel_gateway.rest.verification import Verifier

_IN_HEX: Final = re.compile(r"[0-9a-fA-F]{64}")
_HEX_SIZE: Final = 48


@dataclass(frozen=True, slots=True)
class VerifyDigest:
    """Verifies every signature of a message as one of a document with the given digest."""

    verifier: Verifier
    records: Records

    path: ClassVar[str] = "/backend/pkcs7/verify/digest"
    verbs: ClassVar[tuple[str, ...]] = ("POST",)
    wanted: ClassVar[Wanted] = Wanted(("digest", "PKCS#7"))

    async def answer(self, call: Call) -> Fields:
        """Return pkcs7Info. Raises Refusal if a signature is not valid, or for a bad digest."""
        given, message = call.parts
        with self.records.verification(call) as record:
            record.verified = await self.verifier.verify(
                call.caller, message, document_digest=read_digest(given)
            )
            return record.verified.fields(with_content=False)


def read_digest(given: bytes) -> bytes:
    """Return the digest that was sent: its bytes in Base64, or its 64 hexadecimal digits.

    ``given`` was decoded as Base64 already. Hexadecimal digits are Base64 too, of 48 bytes, which
    is the size of no digest here. Raises Refusal for anything else.
    """
    if len(given) == DIGEST_SIZE:
        return given
    if len(given) == _HEX_SIZE and _IN_HEX.fullmatch(text := b64encode(given).decode()):
        return bytes.fromhex(text)
    raise Refusal(
        Reason.BAD_BODY,
        f"a digest has {DIGEST_SIZE} bytes (GOST R 34.11-94, CryptoPro), in Base64 or as"
        f" {2 * DIGEST_SIZE} hexadecimal digits; this one has {len(given)} bytes",
    )

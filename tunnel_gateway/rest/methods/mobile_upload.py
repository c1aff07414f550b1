"""``POST /frontend/mobile/upload``: the phone's signature, from the vendor's system (guide, 3.4.1).

Every upload that is not kept gets the same answer, so it teaches a guesser nothing. The operator's
log has the true reason. A right upload is kept once, and a wrong one changes nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Final

from tunnel_gateway.rest.call import Call, Wanted
from tunnel_gateway.rest.callers import plain_address
from tunnel_gateway.rest.mobile.asked import document_id, field, missing
from tunnel_gateway.rest.mobile.counted_documents import CountedDocuments
from tunnel_gateway.rest.mobile.guesses import Guesses
from tunnel_gateway.rest.mobile.message_shares import MessageShares
from tunnel_gateway.rest.mobile.uploads import check_upload
from tunnel_gateway.rest.records import Records, UploadRecord
from tunnel_gateway.rest.statuses import Fields, Reason, Refusal
from tunnel_gateway.rest.verification import Verifier

# A detached message of one signer with a whole chain has some 6 KB.
_MAX_MESSAGE: Final = 64 * 1024
# At most 20 bytes (RFC 5280, 4.1.2.2), which are up to 49 decimal digits.
_SERIAL: Final = re.compile(r"[0-9A-Fa-f]{1,49}")
# These say nothing about the upload: the vendor's system may send it again.
_OF_THE_SERVICE: Final = frozenset({Reason.MOBILE_STORE_AWAY, Reason.OVERLOADED})


@dataclass(frozen=True, slots=True)
class MobileUpload:
    """Keeps the signature of a mobile document, which waits for ``seconds``.

    ``guesses`` counts the wrong uploads of each source. It is None if only known addresses may
    upload: then their users make the mistakes, and these must not keep other users out.
    """

    verifier: Verifier
    documents: CountedDocuments
    guesses: Guesses | None
    shares: MessageShares
    records: Records
    seconds: float
    window: timedelta

    path: ClassVar[str] = "/frontend/mobile/upload"
    verbs: ClassVar[tuple[str, ...]] = ("POST",)
    wanted: ClassVar[Wanted] = Wanted(
        form=True,
        parts=("pkcs7_b64",),
        texts=("document_id", "serial_number", "x_real_ip"),
        raw=_MAX_MESSAGE,
    )

    async def answer(self, call: Call) -> Fields:
        """Return no field. Raises Refusal, with the same reason for each upload that is wrong."""
        (message,) = call.parts
        record = _record(call)
        if not message:
            raise missing(call, "pkcs7_b64")
        if self.guesses is not None:
            self.guesses.expect_few(call.caller)
        try:
            await self._keep(call, message, record)
        except Refusal as refusal:
            if refusal.reason in _OF_THE_SERVICE:
                raise
            self.documents.refuse_upload()
            self.records.upload_refused(call, record, refusal)
            if self.guesses is not None:
                self.guesses.count(call.caller)
            raise Refusal(Reason.UPLOAD_REFUSED) from None
        self.records.uploaded(call, record)
        return {}

    async def _keep(self, call: Call, message: bytes, record: UploadRecord) -> None:
        document = await self.documents.find(record.document_id)
        if document is None:
            raise Refusal(Reason.DOCUMENT_UNKNOWN, "no document waits for it, or its time is over")
        if document.message is not None or document.used:
            raise Refusal(Reason.DOCUMENT_UNKNOWN, "it has a signature already")
        record.peer = await self.verifier.threads.run(
            call.caller,
            len(message),
            check_upload,
            self.verifier,
            document,
            message,
            record.serial,
            self.window,
        )
        self.shares.take(record.peer.leaf, len(message), self.seconds)
        if not await self.documents.keep(document, message):
            raise Refusal(Reason.DOCUMENT_UNKNOWN, "it got a signature meanwhile, or ended")


def _record(call: Call) -> UploadRecord:
    """Return the fields of an upload, as far as they cannot be names. Raises Refusal."""
    identifier, serial = document_id(call, "document_id"), field(call, "serial_number")
    if _SERIAL.fullmatch(serial) is None:
        raise Refusal(Reason.BAD_BODY, "serial_number must be a number, hexadecimal or decimal")
    phone = plain_address(call.texts.get("x_real_ip", ""))
    return UploadRecord(identifier, serial, phone or "")

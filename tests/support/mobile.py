"""The methods for phones in this process, and phones that sign for them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.support.calls import CALLER, GivenAuthority, stamps, verifier
from tests.support.messages import DOCUMENT, made, signer
from tunnel_gateway.daemon.audit.audit_trail import Audit
from tunnel_gateway.observability.metrics import Metrics
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.rest.call import Call, Caller, Method
from tunnel_gateway.rest.methods.mobile_auth import MobileAuth
from tunnel_gateway.rest.methods.mobile_authenticate import MobileAuthenticate
from tunnel_gateway.rest.methods.mobile_sign import MobileSign
from tunnel_gateway.rest.methods.mobile_status import MobileStatus
from tunnel_gateway.rest.methods.mobile_upload import MobileUpload
from tunnel_gateway.rest.methods.mobile_verify import MobileVerify
from tunnel_gateway.rest.mobile.counted_documents import CountedDocuments
from tunnel_gateway.rest.mobile.documents import Documents, MobileDocument, OwnDocuments, Purpose
from tunnel_gateway.rest.mobile.guesses import Guesses
from tunnel_gateway.rest.mobile.message_shares import MessageShares
from tunnel_gateway.rest.records import Records
from tunnel_gateway.rest.rest_metrics import RestMetrics
from tunnel_gateway.rest.statuses import Refusal, status_of
from tunnel_gateway.rest.time_stamping import TimeStamping
from tunnel_gateway.rest.verification import Statuses
from tunnel_gateway.rest.working import Threads

SITE = "0000"
SECONDS = 300.0
WINDOW = timedelta(minutes=10)
STRANGER = Caller("198.51.100.1", user="198.51.100.1")


class MobileSite:
    """The methods of one server, with a clock that a test moves."""

    def __init__(
        self,
        threads: Threads,
        statuses: Statuses | None = None,
        authority: GivenAuthority | None = None,
        *,
        counts_guesses: bool = True,
        store: Documents | None = None,
    ) -> None:
        self.seconds = 0.0
        self.documents = CountedDocuments(
            store or OwnDocuments(SECONDS, 1000, self.clock), RestMetrics(Metrics())
        )
        judging = verifier(threads, statuses)
        records = Records(Audit())
        guesses = Guesses(self.clock)
        requests = stamps(authority)
        self.auth = MobileAuth(SITE, self.documents, SECONDS)
        self.sign = MobileSign(SITE, self.documents, requests, SECONDS)
        self.status = MobileStatus(self.documents, guesses)
        self.upload = MobileUpload(
            judging,
            self.documents,
            guesses if counts_guesses else None,
            MessageShares(self.clock),
            records,
            SECONDS,
            WINDOW,
        )
        self.authenticate = MobileAuthenticate(judging, self.documents, records, WINDOW)
        self.verify = MobileVerify(
            judging, self.documents, TimeStamping(judging, requests), records
        )

    def clock(self) -> float:
        return self.seconds

    async def begin(self, purpose: Purpose = Purpose.SIGN_IN) -> MobileDocument:
        return await self.documents.begin(purpose, CALLER)

    async def uploaded(
        self, purpose: Purpose = Purpose.SIGN_IN, identity: Identity | None = None, **changes: Any
    ) -> MobileDocument:
        """A document whose signature is kept already, whatever it is worth."""
        document = await self.begin(purpose)
        message = signature(document, identity, **changes)
        assert await self.documents.keep(document, message)
        return document


def signature(
    document: MobileDocument,
    identity: Identity | None = None,
    content: bytes = DOCUMENT,
    **changes: Any,
) -> bytes:
    """The message of a phone that has signed this challenge, or ``content`` for a document."""
    if document.purpose is Purpose.SIGN_IN:
        content = document.challenge.encode()
    return made(content, identity, **{"detached": True} | changes).der


def upload_of(
    document: MobileDocument | str, message: bytes, identity: Identity | None = None, **texts: str
) -> Call:
    """The call of the vendor's system with this message."""
    identifier = document if isinstance(document, str) else document.document_id
    serial = (identity or signer()).leaf.serial_hex
    usual = {"document_id": identifier, "serial_number": serial, "x_real_ip": "203.0.113.9"}
    return called("/frontend/mobile/upload", (message,), CALLER, usual | texts)


def call(path: str, *parts: bytes, caller: Caller = CALLER, **texts: str) -> Call:
    """A call with these fields."""
    return called(path, parts, caller, texts)


def called(path: str, parts: tuple[bytes, ...], caller: Caller, texts: dict[str, str]) -> Call:
    """The same without names of Python."""
    came = (*texts, *("pkcs7_b64" if "upload" in path else "document" for _ in parts))
    return Call(path, caller, parts, texts=texts, came=came)


async def outcome(method: Method, asked: Call) -> tuple[int, str]:
    """The status and the reason of an answer."""
    try:
        await method.answer(asked)
    except Refusal as refusal:
        return status_of(refusal.reason, method.path), refusal.reason
    return 1, ""

"""The document that a call is about, and the fields of the call, read strictly."""

from __future__ import annotations

from typing import Final

from tunnel_gateway.rest.call import Call
from tunnel_gateway.rest.mobile.counted_documents import CountedDocuments
from tunnel_gateway.rest.mobile.documents import MobileDocument, Purpose, as_id
from tunnel_gateway.rest.statuses import Reason, Refusal

_OTHER_METHOD: Final = {
    Purpose.SIGN_IN: "it is a sign-in: call /backend/mobile/authenticate",
    Purpose.DOCUMENT: "it is a document: call /backend/mobile/verify",
}


def document_id(call: Call, name: str = "documentId") -> str:
    """Return the document's id of a call, as 8 upper-case hexadecimal digits. Raises Refusal."""
    known = as_id(field(call, name))
    if known is None:
        raise Refusal(Reason.BAD_BODY, f"{name} must have 8 hexadecimal digits")
    return known


def field(call: Call, name: str) -> str:
    """Return a short field, which may not be empty. Raises Refusal."""
    text = call.texts.get(name, "").strip()
    if not text:
        raise missing(call, name)
    return text


def missing(call: Call, name: str) -> Refusal:
    """Return the refusal of a call without this field: it says which fields came instead."""
    came = f"these came: {', '.join(call.came)}" if call.came else "no field came"
    return Refusal(Reason.BAD_BODY, f"the field {name} is missing or empty; {came}")


async def signed_document(
    call: Call, documents: CountedDocuments, purpose: Purpose
) -> tuple[MobileDocument, bytes]:
    """Return the document of a call of the application, and its message.

    Raises Refusal if no such document waits, if it is for another purpose, or if nobody has signed
    it yet.
    """
    document = await documents.find(document_id(call))
    if document is None:
        raise Refusal(Reason.DOCUMENT_UNKNOWN)
    if document.purpose is not purpose:
        raise Refusal(Reason.OTHER_PURPOSE, _OTHER_METHOD[document.purpose])
    if document.used:
        raise Refusal(Reason.DOCUMENT_UNKNOWN, "somebody has signed in with it already")
    if document.message is None:
        raise Refusal(Reason.NOT_UPLOADED)
    return document, document.message

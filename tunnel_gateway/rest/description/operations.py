"""The part of the description that the methods themselves do not have: texts, answers, reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from tunnel_gateway.rest.description import answer_schemas as schemas
from tunnel_gateway.rest.description.answer_schemas import Schema
from tunnel_gateway.rest.statuses import Reason

_SIGNATURE: Final = (
    Reason.MALFORMED,
    Reason.DOCUMENT_CHANGED,
    Reason.SIGNATURE_WRONG,
    Reason.CERTIFICATE_MISSING,
)
_PATH: Final = (Reason.CERTIFICATE_UNTRUSTED, Reason.CERTIFICATE_UNSUITABLE)
_PRESENT: Final = (
    *_PATH,
    Reason.CERTIFICATE_REVOKED,
    Reason.CERTIFICATE_EXPIRED,
    Reason.STATUS_UNKNOWN,
)
_STAMP: Final = tuple(reason for reason in Reason if reason.startswith("stamp_"))
_VERIFICATION: Final = (*_SIGNATURE, *_STAMP, *_PRESENT, Reason.CERTIFICATE_REVOKED_THEN)
_AUTHORITY: Final = (
    Reason.NOT_CONFIGURED,
    Reason.AUTHORITY_AWAY,
    Reason.AUTHORITY_REFUSED,
)


@dataclass(frozen=True, slots=True)
class Operation:
    """One method as it is described.

    ``answer`` has the fields beside `status` and `message`, and ``refusal`` those of an answer with
    one of ``reasons``. A ``bare`` answer has no `status`. ``media`` is the type of the answer.
    ``optional`` are the fields of a form that may be left out.
    """

    name: str
    summary: str
    description: str
    answer: Schema
    reasons: tuple[Reason, ...] = ()
    refusal: Schema = field(default_factory=dict)
    query: tuple[Schema, ...] = ()
    body: Schema | None = None
    bare: bool = False
    media: str = "application/json"
    optional: tuple[str, ...] = ()


_MANY_BODY: Final[Schema] = {
    "type": "object",
    "required": ["documents"],
    "properties": {
        "documents": {
            "type": "array",
            "minItems": 1,
            "maxItems": 64,
            "description": "The messages",
            "items": {
                "type": "object",
                "description": "A message, and its document or the digest of it if it is detached",
                "required": ["pkcs7"],
                "additionalProperties": False,
                "properties": {
                    "pkcs7": schemas.base64("The message"),
                    "document": schemas.base64("The document"),
                    "digest": schemas.text(
                        "The digest of the document: 32 bytes in Base64 or hexadecimal"
                    ),
                },
            },
        }
    },
    "example": {"documents": [{"pkcs7": "MIAG…"}, {"pkcs7": "MIAG…", "document": "c29t…"}]},
}
_SERIAL: Final[dict[str, Any]] = {
    "name": "serial",
    "in": "query",
    "required": False,
    "schema": {"type": "string", "pattern": "^[0-9a-fA-F]{1,40}$"},
    "description": (
        "A serial number, in hexadecimal, of a certificate that you do not have. The body is then"
        " the certificate of its issuer"
    ),
}

# The fields of forms, and the parameters of paths.
_DOCUMENT_ID: Final = schemas.text(
    "The documentId of `/frontend/mobile/auth` or `/sign`, in letters of any case",
    pattern="^[0-9A-Fa-f]{8}$",
)
_BASE64: Final = {
    "contentEncoding": "base64",
    "pattern": "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
}
FIELDS: Final[Mapping[str, Schema]] = MappingProxyType(
    {
        "documentId": _DOCUMENT_ID,
        "document_id": _DOCUMENT_ID,
        "document": schemas.text("The document of the user", **_BASE64),
        "pkcs7_b64": schemas.text("The detached message that the phone has signed", **_BASE64),
        "serial_number": schemas.text(
            "The serial number of the signer's certificate, in hexadecimal or decimal digits",
            pattern="^[0-9A-Fa-f]{1,49}$",
        ),
        "x_real_ip": schemas.text("The address of the phone"),
    }
)

# By the paths of the methods.
OPERATIONS: Final[Mapping[str, Operation]] = MappingProxyType(
    {
        "/ping": Operation(
            "ping",
            "Whether the service answers",
            "Our decision: `vpnKeyInfo` is left out, because this service has no such key.",
            schemas.PING,
            bare=True,
        ),
        "/info": Operation(
            "info",
            "The version of the service and the certificates that it trusts",
            "Our decision: `vpnKeyInfo` is left out, because this service has no such key."
            " `serverTime` has dots in its date, as in the guide.",
            schemas.INFO,
            bare=True,
        ),
        "/frontend/challenge": Operation(
            "challenge",
            "A text that the user signs to sign in",
            "Each challenge is accepted once. Our decision: POST is taken too, because some clients"
            " send it.",
            schemas.CHALLENGE,
            (Reason.CHALLENGES_AWAY,),
        ),
        "/backend/auth": Operation(
            "auth",
            "The user who has signed a challenge",
            "The message has one signer and the challenge inside. Our decisions: a challenge is"
            " used up by the first right signature, whatever comes next, and a wrong signature"
            " does not use it up. The certificate must be valid now, and a time stamp changes"
            " nothing. A refusal never has `subjectCertificateInfo`.",
            schemas.SUBJECT,
            (
                *_SIGNATURE,
                Reason.NO_DOCUMENT,
                Reason.CHALLENGE_UNKNOWN,
                Reason.SIGNING_TIME_OFF,
                *_PRESENT,
                Reason.CHALLENGES_AWAY,
            ),
        ),
        "/frontend/mobile/auth": Operation(
            "mobileAuth",
            "A challenge that a user signs by a phone and an ID card",
            "The page makes a code of the answer and shows it as a QR code or a link. Our"
            " decisions: `challenge` is the same as the guide's `challange`, and `ttl` says how"
            " long it waits.",
            schemas.MOBILE_AUTH,
            (Reason.MOBILE_STORE_AWAY,),
        ),
        "/frontend/mobile/sign": Operation(
            "mobileSign",
            "An id for a document that a user signs by a phone and an ID card",
            "The document itself stays where it is. Our decisions: `ttl` says how long it waits."
            " Without `tsp.url` the page is told so here, because the verification needs it.",
            schemas.MOBILE_SIGN,
            (Reason.NOT_CONFIGURED, Reason.MOBILE_STORE_AWAY),
        ),
        "/frontend/mobile/status": Operation(
            "mobileStatus",
            "Whether the phone has signed",
            "2 until the signature is here, and 1 from then on. Our decisions: the field may stand"
            " in the query, and 1 is answered until the time is over, also after the sign-in.",
            {},
            (Reason.NOT_UPLOADED, Reason.DOCUMENT_UNKNOWN, Reason.MOBILE_STORE_AWAY),
        ),
        "/frontend/mobile/upload": Operation(
            "mobileUpload",
            "The signature of a phone, from the vendor's system",
            "The message is detached and has one signer. Our decisions: a signature is verified"
            " before it is kept, the first right one is kept, and every other upload gets the same"
            " answer. The log has the true reason.",
            {},
            (Reason.UPLOAD_REFUSED, Reason.MOBILE_STORE_AWAY),
        ),
        "/backend/mobile/authenticate/{documentId}": Operation(
            "mobileAuthenticate",
            "The user who has signed a challenge by a phone",
            "Our decisions: POST is taken too. One call succeeds, and after a refusal the"
            " application may ask again. A refusal never has `subjectCertificateInfo`.",
            schemas.SUBJECT,
            (
                Reason.NOT_UPLOADED,
                Reason.DOCUMENT_UNKNOWN,
                Reason.OTHER_PURPOSE,
                *_SIGNATURE,
                Reason.SIGNING_TIME_OFF,
                *_PRESENT,
                Reason.MOBILE_STORE_AWAY,
            ),
        ),
        "/backend/mobile/verify": Operation(
            "mobileVerify",
            "Verify, stamp and attach a document that a user has signed by a phone",
            "Our decision: the application may ask again, until the time is over. The signature"
            " gets a time stamp before it is verified, so `tsp.url` must be set.",
            schemas.MOBILE_VERIFIED,
            (
                Reason.NOT_UPLOADED,
                Reason.DOCUMENT_UNKNOWN,
                Reason.OTHER_PURPOSE,
                *_VERIFICATION,
                *_AUTHORITY,
                Reason.MOBILE_STORE_AWAY,
            ),
        ),
        "/frontend/timestamp/pkcs7": Operation(
            "timestampPkcs7",
            "A time stamp beside each signature of a message",
            "Our decisions: a signer who has a time stamp gets no second one, and then"
            " `timestampedSignerList` is empty. Only a right signature whose certificate leads to"
            " a trust anchor is stamped. The token is verified before it goes into the message.",
            schemas.STAMPED,
            (*_SIGNATURE, *_PATH, Reason.CERTIFICATE_EXPIRED, *_AUTHORITY),
        ),
        "/frontend/timestamp/data": Operation(
            "timestampData",
            "A time stamp for any data",
            "The guide only names this method. Our decision: it takes the data, and returns a token"
            " for their digest.",
            schemas.TOKEN,
            _AUTHORITY,
        ),
        "/backend/pkcs7/verify/attached": Operation(
            "verifyAttached",
            "Verify a message that has its document inside",
            "All signers are judged and shown, also in a refusal. The signer with the most basic"
            " fault decides, and `failedSignerInfo` shows that signer.",
            schemas.MESSAGE,
            (*_VERIFICATION, Reason.NO_DOCUMENT),
            schemas.NOT_VALID,
        ),
        "/backend/pkcs7/verify/detached": Operation(
            "verifyDetached",
            "Verify a message and the document beside it",
            "Our decision: a message with its document inside is taken too, and the document in the"
            " body of the call counts.",
            schemas.MESSAGE,
            _VERIFICATION,
            schemas.NOT_VALID,
        ),
        "/frontend/pkcs7/make-attached": Operation(
            "makeAttached",
            "Put a document into its detached message",
            "No signature is verified. Our decision: all signers must have signed a document with"
            " this digest.",
            schemas.PKCS7,
            (Reason.MALFORMED, Reason.DOCUMENT_CHANGED),
        ),
        "/frontend/pkcs7/join": Operation(
            "join",
            "Join the signers of two messages with the same document",
            "No signature is verified. Our decision: a signature that is in both messages stays"
            " once, with its time stamp.",
            schemas.PKCS7,
            (Reason.MALFORMED, Reason.OTHER_DOCUMENT),
        ),
        "/frontend/pkcs7/detach": Operation(
            "detach",
            "Take a document out of its message",
            "Not in the guide. No signature is verified.",
            schemas.DETACHED,
            (Reason.MALFORMED,),
        ),
        "/backend/pkcs7/verify/digest": Operation(
            "verifyDigest",
            "Verify a message by the digest of its document",
            "Not in the guide. The document stays where it is. The digest (GOST R 34.11-94 with the"
            " parameters of CryptoPro) has 32 bytes, in Base64 or as 64 hexadecimal digits.",
            schemas.MESSAGE,
            _VERIFICATION,
            schemas.NOT_VALID,
        ),
        "/backend/pkcs7/verify/many": Operation(
            "verifyMany",
            "Verify several messages in one call",
            "Not in the guide. Each result has its own `status`. The status of the whole answer is"
            " 1 only if each result has it; otherwise it is that of the most basic fault.",
            schemas.RESULTS,
            (*_VERIFICATION, Reason.NO_DOCUMENT),
            schemas.NO_RESULTS,
            body=_MANY_BODY,
        ),
        "/backend/certificate/status": Operation(
            "certificateStatus",
            "The status of a certificate alone",
            "Not in the guide. The body is the certificate in DER, and behind it those of its"
            " centres that the truststore does not have.",
            schemas.CERTIFICATE,
            _PRESENT,
            schemas.NO_CERTIFICATE,
            query=(_SERIAL,),
        ),
        "/openapi.json": Operation(
            "openapiJson", "This description", "", schemas.DESCRIPTION, bare=True
        ),
        "/openapi": Operation(
            "openapiPage",
            "This description as a page to read",
            "",
            schemas.text("A page of HTML"),
            bare=True,
            media="text/html",
        ),
    }
)

"""The schemas of what methods answer: each field with its meaning, in the order of the answer.

They are those of JSON Schema 2020-12, as OpenAPI 3.1 uses it. A test holds them to real answers, in
both directions: each field that is answered is here, and each field here is answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

Schema = dict[str, Any]

_HEX: Final = "^[0-9a-f]+$"
_OID: Final = r"^[0-2](\.\d+)+$"


def record(description: str, *groups: Schema) -> Schema:
    """Return the schema of an object with these fields.

    A field is not always there if its name ends with a question mark here.
    """
    fields = {name: schema for group in groups for name, schema in group.items()}
    return {
        "type": "object",
        "description": description,
        "properties": {name.removesuffix("?"): schema for name, schema in fields.items()},
        "required": [name for name in fields if not name.endswith("?")],
    }


def ref(name: str) -> Schema:
    """Return a reference to a schema by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def text(description: str, **limits: Any) -> Schema:
    """Return the schema of a text."""
    return {"type": "string", "description": description, **limits}


def base64(description: str) -> Schema:
    """Return the schema of Base64 without line ends."""
    return text(description, contentEncoding="base64")


def _hex(description: str) -> Schema:
    return text(description, pattern=_HEX)


def _oid(description: str) -> Schema:
    return text(description, pattern=_OID)


def _flag(description: str) -> Schema:
    return {"type": "boolean", "description": description}


def _many(schema: Schema, description: str) -> Schema:
    return {"type": "array", "items": schema, "description": description}


def _time(name: str, description: str, separator: str = "-") -> Schema:
    """Return the two fields of a time: that of the guide, and its twin in UTC."""
    optional = "?" if name.endswith("?") else ""
    date = rf"\d{{4}}{separator}\d\d{separator}\d\d".replace(".", r"\.")
    local = f"{description}, in local time of Tashkent without a mark of the zone"
    return {
        name: text(local, pattern=rf"^{date} \d\d:\d\d:\d\d$"),
        f"{name.removesuffix('?')}Utc{optional}": text(
            f"{description}, in UTC", format="date-time"
        ),
    }


_NAME: Final[Schema] = {
    "type": "object",
    "additionalProperties": {"type": "string"},
    "description": (
        "The attributes of a name by their short names, or by their OIDs if they have no usual"
        " one. `UID` is the PINFL or the INN, `1.2.860.3.16.1.1` the INN of an organisation and"
        " `1.2.860.3.16.1.2` the PINFL. If an attribute comes several times, this is its last value"
    ),
}
_VALIDITY: Final = {
    **_time("validFrom", "The first moment of its life"),
    **_time("validTo", "The last moment of its life"),
}
_STATUS: Final = {
    "OCSPResponse?": base64(
        "The whole answer of the OCSP responder (DER), as a proof for later. A status from a list"
        " (CRL) does not have it"
    ),
    **_time("statusUpdatedAt?", "Since when the status is current"),
    **_time("statusNextUpdateAt?", "Until when the status is current"),
}
_REVOKED: Final = {"revokedStatusInfo?": ref("Revocation")}
_TRUSTED: Final = {"trustedCertificate?": ref("Certificate")}
_EXCEPTION: Final = {"exception?": text("The fault, in English: the reason and its details")}
_POLICIES: Final = {
    "policyIdentifiers?": _many(_oid("A policy"), "The policies, as the certificate has them")
}
_VERIFIED: Final = _flag(
    "A path leads to a trust anchor, the purpose is right, and the status of each certificate of"
    " the path is known and good"
)
_TOKEN: Final = {
    "signerId?": ref("SignerId"),
    "tsaPolicy?": _oid("The policy of the authority"),
    **_time("time?", "When it was stamped"),
    "hashAlgorithm?": _oid("The digest of the imprint"),
    "serialNumber?": _hex("The number of the token"),
    "tsa?": text("The name of the authority: the tag of its kind, a colon, and its value"),
    "messageImprintAlgOID?": _oid("The digest of the imprint"),
    "messageImprintDigest?": _hex("The digest of what was stamped"),
}

SCHEMAS: Final[Mapping[str, Schema]] = MappingProxyType(
    {
        "Name": _NAME,
        "Certificate": record(
            "A certificate",
            {
                "subjectInfo": ref("Name"),
                "issuerInfo": ref("Name"),
                "serialNumber": _hex("Without zeros in front"),
                "subjectName": text("The whole name of the subject"),
                **_VALIDITY,
                "issuerName": text("The whole name of the issuer"),
                "publicKey": record(
                    "The key",
                    {
                        "keyAlgName": text("The name of the algorithm"),
                        "publicKey": base64("SubjectPublicKeyInfo (DER)"),
                        "paramSetOID": _oid("The parameter set, which tells where the key is kept"),
                    },
                ),
                "signature": record(
                    "The signature of the issuer",
                    {
                        "signAlgName": text("The name of the algorithm"),
                        "signature": _hex("The signature"),
                    },
                ),
            },
        ),
        "Subject": record(
            "A certificate in short: whose it is, for how long, and where its key is kept",
            {
                "serialNumber": _hex("Without zeros in front"),
                "X500Name": text("The whole name of the subject"),
                "subjectName": ref("Name"),
                **_VALIDITY,
                "publicKeyParameter": record(
                    "The key",
                    {
                        "keyAlgName": text("The name of the algorithm"),
                        "paramSetOID": _oid("The parameter set, which tells where the key is kept"),
                    },
                ),
            },
        ),
        "TrustAnchor": record(
            "A certificate that this service trusts",
            {"serialNumber": _hex("Without zeros in front"), **_VALIDITY},
            {"subjectInfo": ref("Name")},
        ),
        "SignerId": record(
            "The certificate that a signature names",
            {
                "issuer?": text("The name of the issuer, if it can be read"),
                "subjectSerialNumber": _hex("The serial number"),
            },
        ),
        "Revocation": record(
            "The certificate is revoked, or suspended (`certificateHold`)",
            _time("revocationTime?", "Since when"),
            {"crlReason?": text("A word of RFC 5280, section 5.3.1, such as `keyCompromise`")},
        ),
        "TimeStamp": record(
            "The time stamp of a signature (RFC 3161)",
            {
                "certificate": _many(ref("Certificate"), "The chain of the authority, leaf first"),
                **_STATUS,
                "digestVerified": _flag("It is a time stamp of this signature"),
                "certificateVerified": _VERIFIED,
                **_TRUSTED,
                "certificateValidAtSigningTime": _flag(
                    "The certificate of the authority was valid when it stamped"
                ),
                **_REVOKED,
            },
            _TOKEN,
            {"verified": _flag("The signature of the token is right"), **_EXCEPTION},
        ),
        "TimeStampToken": record("The facts of a time stamp token (RFC 3161)", _TOKEN),
        "Signer": record(
            "One signature, and what is known of it",
            {
                "signerId": ref("SignerId"),
                **_time("signingTime?", "The time that the signer claims"),
                "signature": _hex("The signature"),
                "digest": _hex("The signed digest of the document"),
                "timeStampInfo?": ref("TimeStamp"),
                "certificate": _many(
                    ref("Certificate"),
                    "The chain, leaf first; with the root only if the message has it",
                ),
                **_STATUS,
                "verified": _flag("The document is the signed one, and the signature is right"),
                "certificateVerified": _VERIFIED,
                **_REVOKED,
                **_TRUSTED,
                **_POLICIES,
                "certificateValidAtSigningTime": _flag(
                    "The certificate was valid, and not revoked, at the time that counts: that of"
                    " a valid time stamp, else signingTime"
                ),
                **_EXCEPTION,
            },
        ),
        "Message": record(
            "A signed message",
            {
                "signers": _many(ref("Signer"), "All signers, in the order of the message"),
                "documentBase64?": base64("The document inside the message"),
            },
        ),
        "CertificateInfo": record(
            "The status of a certificate",
            {
                "certificate": _many(
                    ref("Certificate"), "Its chain, leaf first. With `serial`, that of the issuer"
                ),
                "serialNumber?": _hex("Only with `serial`: that number"),
                **_STATUS,
                "certificateVerified": _VERIFIED,
                "certificateValid?": _flag(
                    "It is within its life and not revoked. Missing with `serial`, because nobody"
                    " knows when that certificate expires"
                ),
                **_REVOKED,
                **_POLICIES,
                **_TRUSTED,
                **_EXCEPTION,
            },
        ),
    }
)

PING: Final = {
    **_time("serverDateTime", "The clock of the server"),
    "yourIP": text("The address of the caller"),
}
INFO: Final = {
    "version": text("The version of the service"),
    **_time("serverTime", "The clock of the server", "."),
    "trustedCertificates": _many(ref("TrustAnchor"), "The trust anchors"),
}
CHALLENGE: Final = {
    "challenge": text("The text to sign, as it is", format="uuid"),
    "ttl": {"type": "integer", "description": "Its life in seconds"},
}
_WAITING: Final = {
    "siteId": text("The number of the site in the vendor's system for phones"),
    "documentId": text("The id under which this document waits", pattern="^[0-9A-F]{8}$"),
}
_LIFE: Final = {"ttl": {"type": "integer", "description": "How long it waits, in seconds"}}
_HEX_CHALLENGE: Final = "^[0-9A-F]{64}$"
MOBILE_AUTH: Final = {
    **_WAITING,
    "challange": text(
        "The text to sign, as it is. The guide spells the field so", pattern=_HEX_CHALLENGE
    ),
    "challenge": text("The same", pattern=_HEX_CHALLENGE),
    **_LIFE,
}
MOBILE_SIGN: Final = {**_WAITING, **_LIFE}
SUBJECT: Final = {"subjectCertificateInfo": ref("Subject")}
MOBILE_VERIFIED: Final = {
    **SUBJECT,
    "verificationInfo": record(
        "The facts of the signature",
        _POLICIES,
        _time("signingTime?", "The time that the signer claims"),
        _time("timestampedTime", "The time of the time stamp"),
    ),
    "pkcs7Attached": base64("The message, with the document inside and its time stamp"),
}
STAMPED: Final = {
    "pkcs7b64": base64("The message, with its time stamps"),
    "timestampedSignerList": _many(ref("Subject"), "The signers that got a time stamp now"),
}
TOKEN: Final = {
    "timeStampTokenBase64": base64("The token (RFC 3161)"),
    "timeStampInfo": ref("TimeStampToken"),
}
MESSAGE: Final = {"pkcs7Info": ref("Message")}
NOT_VALID: Final = {
    "pkcs7Info?": ref("Message"),
    "failedSignerInfo?": ref("Signer"),
}
PKCS7: Final = {"pkcs7b64": base64("The message")}
DETACHED: Final = {**PKCS7, "documentBase64": base64("The document that was inside")}
CERTIFICATE: Final = {"certificateInfo": ref("CertificateInfo")}
NO_CERTIFICATE: Final = {"certificateInfo?": ref("CertificateInfo")}
RESULTS: Final = {
    "results": _many(
        record(
            "The answer that the message alone would get",
            NOT_VALID,
            {
                "status": {"type": "integer", "description": "1, or the number of the fault"},
                "message": text("For people"),
                "reason?": ref("Reason"),
                "detail?": text("For developers"),
            },
        ),
        "One result for each message, in their order",
    )
}
NO_RESULTS: Final = {f"{name}?": schema for name, schema in RESULTS.items()}
DESCRIPTION: Final = {
    "openapi": text("The version of OpenAPI"),
    "info": {"type": "object", "description": "The title, the version and the general part"},
    "servers": {"type": "array", "items": {"type": "object"}, "description": "This server"},
    "tags": {"type": "array", "items": {"type": "object"}, "description": "Who may call"},
    "paths": {"type": "object", "description": "The methods"},
    "components": {"type": "object", "description": "The schemas"},
}

"""Signed messages: our own, and such as other programs write them."""

from __future__ import annotations

import functools
import hashlib
import os
from typing import Any

from asn1crypto import cms as asn1_cms
from asn1crypto import core, x509

from tests.support.pki import NOW, altered, authority, ders, user
from tunnel_gateway.cms.signing import Signed, sign_data
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.encoding import ber, tags
from tunnel_gateway.pki.files.keyfiles import Identity

DOCUMENT = b"some document"
END = b"\x00\x00"


@functools.cache
def signer() -> Identity:
    return user()


def made(content: bytes = DOCUMENT, identity: Identity | None = None, **changes: Any) -> Signed:
    """A message by ``signer`` at NOW; ``changes`` are arguments of ``sign_data``."""
    identity = identity or signer()
    arguments: dict[str, Any] = {"detached": False, "signing_time": NOW, "entropy": os.urandom}
    return sign_data(
        identity.private_key, ders(identity), identity.leaf.family, content, **arguments | changes
    )


def stream(tag: int, contents: bytes) -> bytes:
    """A value of indefinite length."""
    return bytes([tag, 0x80]) + contents + END


def framed(content: bytes | None, certificates: list[bytes], signer_info: bytes) -> bytes:
    """A message in the frame of E-IMZO: streamed, the document in pieces."""
    digest_oid = b"\x06\x0a\x2a\x86\x5c\x03\x0f\x01\x03\x02\x01\x01\x05\x00"
    pieces = b"".join(
        core.OctetString((content or b"")[start : start + 1000]).dump()
        for start in range(0, len(content or b""), 1000)
    )
    inside = b"" if content is None else stream(0xA0, stream(0x24, pieces))
    body = stream(
        0x30,
        core.Integer(1).dump()
        + ber.write(tags.SET, ber.write(tags.SEQUENCE, digest_oid))
        + stream(0x30, core.ObjectIdentifier("1.2.840.113549.1.7.1").dump() + inside)
        + stream(0xA0, b"".join(certificates))
        + ber.write(tags.SET, signer_info),
    )
    return stream(0x30, core.ObjectIdentifier("1.2.840.113549.1.7.2").dump() + stream(0xA0, body))


def streamed(content: bytes = DOCUMENT) -> bytes:
    """Our own message in that frame."""
    parsed = asn1_cms.ContentInfo.load(made(content).der)["content"]
    return framed(content, ders(signer()), parsed["signer_infos"][0].dump())


def foreign_signer(
    public_key: bytes, signed_attributes: bytes, signature: bytes
) -> tuple[bytes, bytes]:
    """A stand-in certificate for a published key, and the SignerInfo of a published signature.

    ``public_key`` is a SubjectPublicKeyInfo, ``signed_attributes`` a SET, both in DER.
    """
    validity = ber.write(tags.SEQUENCE, b"\x17\x0d200101000000Z" + b"\x17\x0d300101000000Z")
    certificate = altered(
        signer().leaf,
        authority().centre,
        subject_public_key_info=public_key,
        validity=validity,
    )
    parsed = x509.Certificate.load(certificate)
    name = asn1_cms.IssuerAndSerialNumber(
        {"issuer": parsed.issuer, "serial_number": parsed.serial_number}
    )
    family = signer().leaf.family
    info = ber.write(
        tags.SEQUENCE,
        core.Integer(1).dump()
        + name.dump()
        + _algorithm(family.digest_oid)
        + ber.write(0xA0, bytes(ber.read(signed_attributes).contents))
        + _algorithm(family.signature_oid)
        + core.OctetString(signature).dump(),
    )
    return certificate, info


def _algorithm(oid: str) -> bytes:
    return ber.write(tags.SEQUENCE, core.ObjectIdentifier(oid).dump() + b"\x05\x00")


def changed(**fields: Any) -> bytes:
    """Our message with fields of its SignerInfo replaced."""
    info = asn1_cms.ContentInfo.load(made().der)
    one = info["content"]["signer_infos"][0]
    for name, value in fields.items():
        one[name] = value
    parts = b"".join(one[name].dump() for name in one)
    return framed(DOCUMENT, ders(signer()), ber.write(tags.SEQUENCE, parts))


def attributes(*values: tuple[str, list[Any]]) -> asn1_cms.CMSAttributes:
    return asn1_cms.CMSAttributes(
        [asn1_cms.CMSAttribute({"type": name, "values": found}) for name, found in values],
        implicit=0,
    )


KIND = ("content_type", ["1.2.840.113549.1.7.1"])
TIME = ("signing_time", [asn1_cms.Time(name="utc_time", value=NOW)])
DIGEST = ("message_digest", [digest(DOCUMENT)])


def foreign(document: bytes = DOCUMENT) -> bytes:
    """A message whose signer used SHA-256 and RSA, with a signature that nobody can verify here."""
    return changed(
        digest_algorithm={"algorithm": "sha256"},
        signature_algorithm={"algorithm": "sha256_rsa"},
        signature=bytes(256),
        signed_attrs=attributes(KIND, ("message_digest", [hashlib.sha256(document).digest()])),
    )

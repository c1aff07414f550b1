"""Signed messages: CMS SignedData (RFC 5652), which E-IMZO calls PKCS#7, as E-IMZO makes them.

A message holds a document, or is detached from it; the certificates of its signers; and for each
signer three signed attributes, of which the digest of the document is one. The signature is over
the attributes. ``cms/signing.py`` makes such messages.

A message is hostile until it is verified. Its size and every count are bounded before anything
is spent on them. Only the forms that E-IMZO uses are read: the content type is data, a signer is
named by issuer and serial number, and the algorithms belong to the national standards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hmac import compare_digest
from typing import Any, Final

from asn1crypto import cms, core, x509
from cryptography.exceptions import InvalidSignature

from tunnel_gateway.errors import (
    BadSignedDataError,
    CertificateExpiredError,
    CertificateUnsuitableError,
    SignedDataError,
)
from tunnel_gateway.gost import signature as gost_signature
from tunnel_gateway.gost.digest import DIGEST_SIZE, digest
from tunnel_gateway.pki.certificates.certificate import Certificate, format_time
from tunnel_gateway.pki.encoding import ber, tags
from tunnel_gateway.pki.encoding.der import load_der, malformed_as, reason
from tunnel_gateway.pki.encoding.oids import FAMILIES, SIGNATURE_OIDS
from tunnel_gateway.pki.trust.validation import ChainValidator, VerifiedPeer

# A scanned contract of some hundred pages. A page that signs sends no more than this either.
MAX_SIZE: Final = 64 * 1024 * 1024
MAX_CERTIFICATES: Final = 16
MAX_SIGNERS: Final = 16
MAX_ATTRIBUTES: Final = 16
# An unsigned attribute can be a time stamp with its own certificates and an answer of OCSP.
MAX_SIGNER_SIZE: Final = 256 * 1024

SIGNED_DATA_OID: Final = "1.2.840.113549.1.7.2"
DATA_OID: Final = "1.2.840.113549.1.7.1"
CONTENT_TYPE: Final = "content_type"
SIGNING_TIME: Final = "signing_time"
MESSAGE_DIGEST: Final = "message_digest"

_DIGEST_OIDS: Final = frozenset(family.digest_oid for family in FAMILIES)
_VERSION: Final = b"\x01"
_CONTENT: Final = tags.context(0, constructed=True)
_CERTIFICATES: Final = tags.context(0, constructed=True)
_REVOCATION_LISTS: Final = tags.context(1, constructed=True)
_SIGNED_ATTRIBUTES: Final = tags.context(0, constructed=True)


@dataclass(frozen=True, slots=True)
class Signer:
    """The statement of one signer. ``signature`` is over ``signed_attributes``, a SET in DER.

    ``serial`` and ``issuer``, a name in DER, tell which certificate is meant. ``signing_time``
    is aware, in UTC. Only the signer says that it is true; E-IMZO always gives one.
    """

    issuer: bytes
    serial: int
    signing_time: datetime
    message_digest: bytes
    signed_attributes: bytes
    signature: bytes

    @property
    def serial_hex(self) -> str:
        """The serial number as the vendor's software prints it."""
        return format(self.serial, "x")


@dataclass(frozen=True, slots=True)
class SignedData:
    """A message that is well-formed. Its signatures are not checked yet.

    A message that is detached from its document has no ``content``. ``certificates`` are in the
    order of the message.
    """

    content: bytes | None
    certificates: tuple[Certificate, ...]
    signers: tuple[Signer, ...]


@dataclass(frozen=True, slots=True)
class VerifiedSigner:
    """A signature that is right, and the ``certificate`` of its ``signer``.

    ``peer`` has the path to the trust anchor if the caller asked for one.
    """

    signer: Signer
    certificate: Certificate
    peer: VerifiedPeer | None


def parse_signed_data(data: bytes) -> SignedData:
    """Read exactly one message, in DER or in BER; the only error raised is SignedDataError."""
    if len(data) > MAX_SIZE:
        raise SignedDataError(f"{len(data)} bytes; {MAX_SIZE} is the limit")
    with malformed_as(_unusable):
        kind, explicit = _expect(ber.read(data), tags.SEQUENCE).children(2)
        if _oid(kind) != SIGNED_DATA_OID:
            raise ValueError("not signed data")
        (body,) = _expect(explicit, _CONTENT).children(1)
        return _read_body(_expect(body, tags.SEQUENCE).children(6))


def verify(
    signed: SignedData,
    *,
    content: bytes | None = None,
    validator: ChainValidator | None = None,
    at: datetime | None = None,
) -> tuple[VerifiedSigner, ...]:
    """Check every signature; returns the signers, at least one, in the order of the message.

    ``content`` is the document of a detached message; leave it out if the message holds its
    document. With a ``validator``, each signer's certificate must lead to its trust anchors at the
    time ``at``. Without ``at`` that is the time of signing, which only the signer says. Revocation
    is not checked.

    Raises SignedDataError if there is nothing to check or the document is missing;
    BadSignedDataError if a digest or a signature is wrong; and CertificateError if a certificate is
    not accepted, for example because it was not valid at the time of signing.
    """
    if not signed.signers:
        raise SignedDataError("nobody has signed it")
    document = _document(signed, content)
    actual = digest(document)
    return tuple(_verify_signer(signed, signer, actual, validator, at) for signer in signed.signers)


def _document(signed: SignedData, content: bytes | None) -> bytes:
    if signed.content is not None and content is not None:
        raise SignedDataError("the message has its document inside; another one was given too")
    document = content if signed.content is None else signed.content
    if document is None:
        raise SignedDataError("the message is detached; its document must be given")
    return document


def _verify_signer(
    signed: SignedData,
    signer: Signer,
    actual: bytes,
    validator: ChainValidator | None,
    at: datetime | None,
) -> VerifiedSigner:
    certificate = _certificate_of(signer, signed.certificates)
    if not compare_digest(signer.message_digest, actual):
        raise BadSignedDataError("the document is not the one that was signed")
    try:
        gost_signature.verify(
            certificate.public_key, signer.signature, digest(signer.signed_attributes)
        )
    except InvalidSignature:
        raise BadSignedDataError(
            f"the signature is not by the key of {certificate.label}"
        ) from None
    if not certificate.not_before <= signer.signing_time <= certificate.not_after:
        raise CertificateExpiredError(
            f"{certificate.label} was not valid at the time of signing,"
            f" {format_time(signer.signing_time)}"
        )
    peer = None
    if validator is not None:
        chain = [certificate.der]
        chain += [other.der for other in signed.certificates if other is not certificate]
        peer = validator.verify_signer(chain, at or signer.signing_time)
    return VerifiedSigner(signer, certificate, peer)


def _certificate_of(signer: Signer, certificates: Sequence[Certificate]) -> Certificate:
    for certificate in certificates:
        if certificate.serial == signer.serial:
            issuer = x509.Certificate.load(certificate.der).issuer
            if issuer.dump() == signer.issuer:
                return certificate
    raise SignedDataError(f"the certificate {signer.serial_hex} of a signer is not in the message")


def _unusable(fault: Exception) -> SignedDataError:
    return SignedDataError(f"malformed: {reason(fault)}")


def _certificate(element: ber.Element) -> Certificate:
    try:
        return Certificate.from_der(bytes(element.whole))
    except CertificateUnsuitableError as fault:
        raise SignedDataError(f"a certificate in it is not usable: {fault}") from fault


def _expect(element: ber.Element, tag: int) -> ber.Element:
    if element.tag != tag:
        raise ValueError(f"a value with the tag {element.tag:#04x}, not {tag:#04x}")
    return element


def _oid(element: ber.Element) -> str:
    _expect(element, tags.OBJECT_IDENTIFIER)
    return str(load_der(core.ObjectIdentifier, bytes(element.whole)).dotted)


def _read_body(fields: list[ber.Element]) -> SignedData:
    """Read version, digest algorithms, content, certificates, perhaps lists, and signers."""
    version, algorithms, content, *optional, signers = fields
    if bytes(_expect(version, tags.INTEGER).contents) != _VERSION:
        raise ValueError("not of version 1")
    for algorithm in _expect(algorithms, tags.SET).children(MAX_SIGNERS):
        _check_algorithm(load_der(_Algorithm, bytes(algorithm.whole)), _DIGEST_OIDS)
    certificates: list[ber.Element] = []
    for tag, field in zip((_CERTIFICATES, _REVOCATION_LISTS), _in_order(optional), strict=True):
        if field is not None and tag == _CERTIFICATES:
            certificates = _expect(field, tag).children(MAX_CERTIFICATES)
    return SignedData(
        certificates=tuple(map(_certificate, certificates)),
        signers=tuple(map(_read_signer, _expect(signers, tags.SET).children(MAX_SIGNERS))),
        content=_read_content(content),
    )


def _in_order(optional: list[ber.Element]) -> list[ber.Element | None]:
    """Return the certificates and the revocation lists; the latter are not looked into."""
    given = [field.tag for field in optional]
    if given not in (
        [],
        [_CERTIFICATES],
        [_REVOCATION_LISTS],
        [_CERTIFICATES, _REVOCATION_LISTS],
    ):
        raise ValueError("a part that does not belong there")
    parts = dict(zip(given, optional, strict=True))
    return [parts.get(_CERTIFICATES), parts.get(_REVOCATION_LISTS)]


def _read_content(element: ber.Element) -> bytes | None:
    kind, *explicit = _expect(element, tags.SEQUENCE).children(2)
    if _oid(kind) != DATA_OID:
        raise ValueError("the signed content is not plain data")
    if not explicit:
        return None
    (octets,) = _expect(explicit[0], _CONTENT).children(1)
    return octets.octets()


class _Algorithm(core.Sequence):  # type: ignore[misc]
    """An algorithm of the national standards, which takes no parameters: absent or NULL."""

    _fields = [  # noqa: RUF012 - how asn1crypto declares a structure
        ("algorithm", core.ObjectIdentifier),
        ("parameters", core.Null, {"optional": True}),
    ]


class _SignerInfo(core.Sequence):  # type: ignore[misc]
    """A SignerInfo of version 1; the unsigned attributes are left as they are."""

    _fields = [  # noqa: RUF012 - how asn1crypto declares a structure
        ("version", core.Integer),
        ("sid", cms.IssuerAndSerialNumber),
        ("digest_algorithm", _Algorithm),
        ("signed_attrs", cms.CMSAttributes, {"implicit": 0}),
        ("signature_algorithm", _Algorithm),
        ("signature", core.OctetString),
    ]


def _check_algorithm(algorithm: Any, known: frozenset[str]) -> None:
    if algorithm["algorithm"].dotted not in known:
        raise ValueError(f"the algorithm {algorithm['algorithm'].dotted} is not an E-IMZO one")
    _ = algorithm["parameters"].native


def _read_signer(element: ber.Element) -> Signer:
    if len(element.whole) > MAX_SIGNER_SIZE:
        raise ValueError(f"a signer of more than {MAX_SIGNER_SIZE} bytes")
    # Without the unsigned attributes, the last and optional field: nothing here needs them.
    parts = _expect(element, tags.SEQUENCE).children(7)[:6]
    attributes = ber.write(tags.SET, bytes(_expect(parts[3], _SIGNED_ATTRIBUTES).contents))
    info = load_der(
        _SignerInfo, ber.write(tags.SEQUENCE, b"".join(bytes(part.whole) for part in parts))
    )
    if info["version"].native != 1:
        raise ValueError("a signer not of version 1")
    _check_algorithm(info["digest_algorithm"], _DIGEST_OIDS)
    _check_algorithm(info["signature_algorithm"], SIGNATURE_OIDS)
    values = _attributes(info["signed_attrs"])
    if values[CONTENT_TYPE].dotted != DATA_OID:
        raise ValueError("the signed content type is not that of the content")
    signing_time = values[SIGNING_TIME].native
    message_digest = bytes(values[MESSAGE_DIGEST].native)
    if not isinstance(signing_time, datetime) or signing_time.tzinfo is None:
        raise ValueError("a time of signing that is not a date in UTC")
    if len(message_digest) != DIGEST_SIZE:
        raise ValueError("a digest of another length")
    return Signer(
        issuer=info["sid"]["issuer"].dump(),
        serial=info["sid"]["serial_number"].native,
        signing_time=signing_time.astimezone(UTC),
        message_digest=message_digest,
        signed_attributes=attributes,
        signature=bytes(info["signature"].native),
    )


def _attributes(attributes: cms.CMSAttributes) -> dict[str, Any]:
    """Return the one value of each of the three that must be there; others are let be."""
    if len(attributes) > MAX_ATTRIBUTES:
        raise ValueError(f"more than {MAX_ATTRIBUTES} signed attributes")
    values: dict[str, Any] = {}
    for attribute in attributes:
        name = attribute["type"].native
        if name in values:
            raise ValueError(f"the signed attribute {name} twice")
        values[name] = None
        if name in (CONTENT_TYPE, SIGNING_TIME, MESSAGE_DIGEST):
            (values[name],) = attribute["values"]
    for name in (CONTENT_TYPE, SIGNING_TIME, MESSAGE_DIGEST):
        if values.get(name) is None:
            raise ValueError(f"no signed attribute {name}")
    return values

"""A certificate, read once and for all: DER or PEM in, a frozen ``Certificate`` out.

asn1crypto decodes a part when it is used, and raises then if the part is malformed. So
``parse_certificate`` decodes all parts in use at once; after that they are well-formed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

from asn1crypto import x509

from tunnel_gateway.errors import CertificateUnsuitableError, InvalidPointError
from tunnel_gateway.gost.curves import PublicKey
from tunnel_gateway.pki.certificates import extensions, names
from tunnel_gateway.pki.certificates.extensions import LeanCertificate
from tunnel_gateway.pki.certificates.profile import check_profile
from tunnel_gateway.pki.certificates.usual import (
    EXTENDED_KEY_USAGES,
    KEY_USAGES,
    person,
    usual_fields,
)
from tunnel_gateway.pki.encoding import der, pem
from tunnel_gateway.pki.encoding.oids import FAMILY_BY_KEY_OID, SIGNATURE_OIDS, Family
from tunnel_gateway.pki.encoding.outline import Outline

_ALTERNATIVES: Final = "2.5.29.17"
_DISTRIBUTION_POINTS: Final = "2.5.29.31"
_INFORMATION: Final = "1.3.6.1.5.5.7.1.1"
TASHKENT: Final = timezone(timedelta(hours=5))

# asn1crypto has names of its own for the usages; by these, the names of RFC 5280.
USAGE_NAMES: Final = dict(
    zip(
        (
            "digital_signature",
            "non_repudiation",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "key_cert_sign",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        ),
        KEY_USAGES,
        strict=True,
    )
)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A well-formed certificate with a GOST key. This does not mean that it can be trusted.

    Times are aware and in UTC. ``subject`` and ``issuer`` are texts for people; the attributes
    that programs need stand beside them. ``key_usage`` and ``extended_key_usage`` hold the
    names of RFC 5280 (an unknown purpose: its dotted identifier), ``policies`` dotted
    identifiers. A certificate without the extension has the value None. ``dns_names`` are
    lower-case; ``has_alternative_names`` tells whether there is a subjectAltName at all, and
    ``constrains_names`` whether a CA is bound to some names (nameConstraints).
    ``crl_urls`` and ``ocsp_urls`` are the http addresses at which its revocation can be asked:
    those of complete lists by its own issuer, and of OCSP responders; at most four each.
    ``fingerprint`` is the SHA-256 of ``der`` in hexadecimal.
    """

    der: bytes
    serial: int
    subject: str
    issuer: str
    common_name: str | None
    pinfl: str | None
    inn: str | None
    uid: str | None
    not_before: datetime
    not_after: datetime
    public_key: PublicKey
    family: Family
    signature_algorithm: str
    dns_names: tuple[str, ...]
    has_alternative_names: bool
    key_usage: frozenset[str] | None
    extended_key_usage: frozenset[str] | None
    policies: tuple[str, ...] | None
    is_ca: bool
    path_length: int | None
    constrains_names: bool
    crl_urls: tuple[str, ...]
    ocsp_urls: tuple[str, ...]
    fingerprint: str

    @classmethod
    def from_der(cls, der: bytes) -> Certificate:
        """Read exactly one certificate; any other bytes raise CertificateUnsuitableError."""
        fields = _read_usual(der)
        return cls(**fields) if fields else cls.from_parsed(parse_certificate(der))

    @classmethod
    def from_parsed(cls, parsed: LeanCertificate) -> Certificate:
        """Read what ``parse_certificate`` returned; raises CertificateUnsuitableError for a
        certificate that is well-formed but not one of ours, such as one with an RSA key.
        """
        with der.malformed_as(_unsuitable):
            return cls(**_fields(parsed))

    @property
    def serial_hex(self) -> str:
        """The serial number as the vendor's software prints it."""
        return format(self.serial, "x")

    @property
    def key_id(self) -> str:
        """``key:`` and the SHA-256 of the public key's bytes in hexadecimal: names an issuer.

        It stays the same if the centre gets a new certificate for its key, or if the algorithm of
        the key gets another identifier. A name would not do: another centre can have the same name.
        """
        return f"key:{hashlib.sha256(self.public_key.encoded).hexdigest()}"

    @property
    def authority(self) -> str:
        """The name and the key as one text: the same in all certificates of one authority.

        The name is in the form that is compared, so the text is not for people.
        """
        return f"{names.comparable(Outline.read(self.der).subject)} {self.key_id}"

    @property
    def label(self) -> str:
        """How errors and logs name the certificate: by serial and issuer, not by person."""
        return label(self.serial, self.issuer)

    def names(self, issuer: Certificate) -> bool:
        """Tell whether ``issuer`` has the name of its issuer (RFC 5280, section 7.1)."""
        return names.same_name(Outline.read(self.der).issuer, Outline.read(issuer.der).subject)

    @property
    def may_issue(self) -> bool:
        """Whether it may sign other certificates (basicConstraints and keyUsage)."""
        return self.is_ca and (self.key_usage is None or "keyCertSign" in self.key_usage)


def label(serial: int, issuer: str) -> str:
    """Name a certificate in a text for the operator."""
    return f"certificate {serial:x} issued by {names.quoted(issuer)}"


def format_time(moment: datetime) -> str:
    """Return a moment as text in UTC and in the time of Tashkent."""
    here = f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    there = in_tashkent(moment)
    return here if there.tzinfo is UTC else f"{here} ({there:%Y-%m-%d %H:%M:%S} in Tashkent)"


def in_tashkent(moment: datetime) -> datetime:
    """Return a moment in the time of Tashkent, or in UTC if that time cannot be written."""
    try:
        return moment.astimezone(TASHKENT)
    except OverflowError:  # the end of 9999, by which a certificate says never (RFC 5280, 4.1.2.5)
        return moment.astimezone(UTC)


def parse_certificate(data: bytes, *, names_are_bound: bool = True) -> LeanCertificate:
    """Return the certificate as asn1crypto's object, all that is used of it already decoded.

    ``names_are_bound`` says whether its path may have name constraints; if not, only the dNSNames
    of its subjectAltName are read.

    Reading the object later cannot fail or change it, so threads may share it. Parts that nobody
    uses are not decoded and may hold anything. Raises CertificateUnsuitableError for bytes that are
    not one certificate, and for a certificate that contradicts itself.
    """
    with der.malformed_as(_unsuitable):
        Outline.read(data)
        parsed: LeanCertificate = der.load_der(LeanCertificate, data)
        _ = parsed.critical_extensions  # and with them all others
        _decode_fields(parsed)
        check_profile(parsed)
        if not names_are_bound:
            parsed.leave_out_alternative_names()
        return parsed


def _read_usual(data: bytes) -> dict[str, Any] | None:
    with der.malformed_as(_unsuitable):
        outline = Outline.read(data)
        fields = usual_fields(outline)
        if fields is None:
            return None
        fingerprint = hashlib.sha256(data).hexdigest()
        return {"der": data, "serial": outline.serial, "fingerprint": fingerprint, **fields}


def _unsuitable(fault: Exception) -> CertificateUnsuitableError:
    return CertificateUnsuitableError(f"malformed certificate: {der.reason(fault)}")


def _decode_fields(parsed: LeanCertificate) -> None:
    for name, part in (("subject", parsed.subject), ("issuer", parsed.issuer)):
        try:
            names.distinguished_name(part.dump())
            _ = part.hashable
        except der.MALFORMED as fault:
            raise ValueError(f"its {name}: {der.reason(fault)}") from fault
    body = parsed["tbs_certificate"]
    for field in ("version", "signature", "validity", "subject_public_key_info"):
        _ = body[field].native
    _ = parsed["signature_value"].native, parsed["signature_algorithm"].native
    _ = parsed.issuer_serial, parsed.authority_issuer_serial
    _ = parsed.self_signed, parsed.sha256, parsed.public_key.sha1


def _fields(parsed: LeanCertificate) -> dict[str, Any]:
    not_before, not_after = _validity(parsed)
    family, public_key = read_public_key(parsed.public_key)
    signature = parsed["signature_algorithm"]["algorithm"]
    if signature.dotted not in SIGNATURE_OIDS:
        raise ValueError(f"the signature algorithm {signature.native} is not an E-IMZO one")
    return {
        "der": parsed.dump(),
        "serial": parsed.serial_number,
        "subject": names.distinguished_name(parsed.subject.dump()),
        "issuer": names.distinguished_name(parsed.issuer.dump()),
        "not_before": not_before,
        "not_after": not_after,
        "public_key": public_key,
        "family": family,
        "signature_algorithm": signature.native,
        "fingerprint": hashlib.sha256(parsed.dump()).hexdigest(),
        **person(names.attributes(parsed.subject.dump())),
        **_extensions(parsed),
    }


def _validity(parsed: x509.Certificate) -> tuple[datetime, datetime]:
    validity = parsed["tbs_certificate"]["validity"]
    not_before, not_after = (validity[name].native for name in ("not_before", "not_after"))
    for moment in (not_before, not_after):
        # asn1crypto has a type of its own for the year 0.
        if not isinstance(moment, datetime) or moment.tzinfo is None:
            raise ValueError("a time that is not a date in UTC")
    if not_before > not_after:
        raise ValueError("a validity period that ends before it begins")
    return not_before.astimezone(UTC), not_after.astimezone(UTC)


def read_public_key(info: Any) -> tuple[Family, PublicKey]:
    """Read a SubjectPublicKeyInfo of asn1crypto; raises ValueError if it is not a GOST one."""
    algorithm = info["algorithm"]
    family = FAMILY_BY_KEY_OID.get(algorithm["algorithm"].dotted)
    if family is None:
        raise ValueError(f"the key algorithm {algorithm['algorithm'].native} is not an E-IMZO one")
    parameter_set = algorithm["parameters"]["parameter_set"].native
    curve = family.parameter_sets.get(parameter_set)
    if curve is None:
        raise ValueError(f"the parameter set {parameter_set} is not known")
    try:
        return family, PublicKey(curve, info["public_key"].parsed.native)
    except InvalidPointError as fault:
        raise ValueError(f"the public key is {fault}") from fault


def _extensions(parsed: LeanCertificate) -> dict[str, Any]:
    key_usage = parsed.key_usage_value
    purposes = parsed.extended_key_usage_value
    policies = parsed.certificate_policies_value
    with extensions.naming("cRLDistributionPoints"):
        crl_urls = extensions.list_addresses(parsed.extension_values.get(_DISTRIBUTION_POINTS))
    with extensions.naming("authorityInfoAccess"):
        ocsp_urls = extensions.responder_addresses(parsed.extension_values.get(_INFORMATION))
    return {
        "dns_names": extensions.dns_names(parsed.extension_values.get(_ALTERNATIVES)),
        "has_alternative_names": _ALTERNATIVES in parsed.extension_values,
        "key_usage": None
        if key_usage is None
        else frozenset(USAGE_NAMES[usage] for usage in key_usage.native),
        "extended_key_usage": None
        if purposes is None
        else frozenset(
            EXTENDED_KEY_USAGES.get(purpose.dotted, purpose.dotted) for purpose in purposes
        ),
        "policies": None
        if policies is None
        else tuple(policy["policy_identifier"].dotted for policy in policies),
        "is_ca": bool(parsed.ca),
        "path_length": parsed.max_path_length,
        "constrains_names": parsed.name_constraints_value is not None,
        "crl_urls": crl_urls,
        "ocsp_urls": ocsp_urls,
    }


def to_pem(certificates: Iterable[Certificate]) -> bytes:
    """Write a PEM bundle, in the order given."""
    return b"".join(pem.armour("CERTIFICATE", certificate.der) for certificate in certificates)

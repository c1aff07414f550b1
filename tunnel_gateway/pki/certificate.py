"""A certificate, read once and for all: DER or PEM in, a frozen ``Certificate`` out.

asn1crypto reads lazily and objects to bad input wherever it happens to look at it. So
``parse_certificate`` makes it look at everything at once; what comes out of it is well-formed.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

from asn1crypto import x509

from tunnel_gateway.errors import CertificateUnsuitableError, InvalidPointError
from tunnel_gateway.gost.curves import PublicKey
from tunnel_gateway.pki import names, pem
from tunnel_gateway.pki.der import load_der
from tunnel_gateway.pki.oids import (
    FAMILY_BY_KEY_OID,
    INN_OID,
    PINFL_OID,
    SIGNATURE_OIDS,
    Family,
)
from tunnel_gateway.pki.profile import check_profile

# Certificates of the national centres have 1-2 KiB; the protocol gives a whole chain 16 KiB.
MAX_CERTIFICATE_SIZE: Final = 16 * 1024
# RFC 5280, 4.1.2.2: a serial number has at most 20 bytes and is positive.
_MAX_SERIAL: Final = 2**159
# Enough for any certificate seen, and few enough that nothing quadratic can hurt.
_MAX_EXTENSIONS: Final = 32
# Names are prepared for comparison letter by letter, some microseconds each.
_MAX_NAME_SIZE: Final = 2048
_MAX_LABEL: Final = 200
# Places to ask for revocation; what a certificate has beyond that is not looked at.
_MAX_ADDRESSES: Final = 4
_MAX_ADDRESS_SIZE: Final = 1024

# What asn1crypto raises when it meets malformed input, depending on where it meets it.
MALFORMED: Final = (
    ArithmeticError,
    AttributeError,
    LookupError,
    NotImplementedError,
    RecursionError,
    TypeError,
    ValueError,
)

_CN_OID: Final = "2.5.4.3"
_UID_OID: Final = "0.9.2342.19200300.100.1.1"
_TASHKENT: Final = timezone(timedelta(hours=5))

# asn1crypto's names, and those of RFC 5280.
KEY_USAGES: Final = {
    "digital_signature": "digitalSignature",
    "non_repudiation": "nonRepudiation",
    "key_encipherment": "keyEncipherment",
    "data_encipherment": "dataEncipherment",
    "key_agreement": "keyAgreement",
    "key_cert_sign": "keyCertSign",
    "crl_sign": "cRLSign",
    "encipher_only": "encipherOnly",
    "decipher_only": "decipherOnly",
}
EXTENDED_KEY_USAGES: Final = {
    "any_extended_key_usage": "anyExtendedKeyUsage",
    "server_auth": "serverAuth",
    "client_auth": "clientAuth",
    "code_signing": "codeSigning",
    "email_protection": "emailProtection",
    "time_stamping": "timeStamping",
    "ocsp_signing": "OCSPSigning",
}


@dataclass(frozen=True, slots=True)
class Certificate:
    """A well-formed certificate with a GOST key. That it can be trusted is not said here.

    Times are aware and in UTC. ``subject`` and ``issuer`` are texts for people; the attributes
    that programs need stand beside them. ``key_usage`` and ``extended_key_usage`` hold the
    names of RFC 5280 (an unknown purpose: its dotted identifier), ``policies`` dotted
    identifiers; each is None when the certificate has no such extension. ``dns_names`` are
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
        """Read exactly one certificate; whatever the bytes are, the only error raised is
        CertificateUnsuitableError.
        """
        return cls.from_parsed(parse_certificate(der))

    @classmethod
    def from_parsed(cls, parsed: x509.Certificate) -> Certificate:
        """Read what ``parse_certificate`` returned; raises CertificateUnsuitableError for a
        certificate that is well-formed but not one of ours, such as one with an RSA key.
        """
        with _refusing_malformed():
            return cls(**_fields(parsed))

    @property
    def serial_hex(self) -> str:
        """The serial number as the vendor's software prints it."""
        return format(self.serial, "x")

    @property
    def key_id(self) -> str:
        """``key:`` and the SHA-256 of the public key's bytes in hexadecimal: names an issuer.

        A centre may be certified again under the same key, and its key's algorithm go by another
        identifier; this stays. A name could be taken by another centre.
        """
        return f"key:{hashlib.sha256(self.public_key.encoded).hexdigest()}"

    @property
    def authority(self) -> str:
        """Its name and key, as one text: what makes an issuer, however often it is certified.

        Letters and spaces of the name are as they are compared.
        """
        return f"{' '.join(self.subject.casefold().split())} {self.key_id}"

    @property
    def label(self) -> str:
        """How errors and logs name the certificate: by serial and issuer, not by person."""
        return label(self.serial, self.issuer)

    @property
    def may_issue(self) -> bool:
        """Whether it may sign other certificates (basicConstraints and keyUsage)."""
        return self.is_ca and (self.key_usage is None or "keyCertSign" in self.key_usage)


def label(serial: int, issuer: str) -> str:
    """Name a certificate in a text for the operator; a very long issuer is cut."""
    short = issuer if len(issuer) <= _MAX_LABEL else issuer[:_MAX_LABEL] + "…"
    return f"certificate {serial:x} issued by {short}"


def format_time(moment: datetime) -> str:
    """Return a moment as text in UTC and in the time of Tashkent."""
    here = f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    there = in_tashkent(moment)
    return here if there.tzinfo is UTC else f"{here} ({there:%Y-%m-%d %H:%M:%S} in Tashkent)"


def in_tashkent(moment: datetime) -> datetime:
    """Return a moment in the time of Tashkent, or in UTC if that time cannot be written."""
    try:
        return moment.astimezone(_TASHKENT)
    except OverflowError:  # the end of 9999, by which a certificate says never (RFC 5280, 4.1.2.5)
        return moment.astimezone(UTC)


def parse_certificate(der: bytes) -> x509.Certificate:
    """Return the certificate as asn1crypto's object, with every part of it already decoded.

    No later look at it can fail, or change it, so threads may share it. Raises
    CertificateUnsuitableError for anything that is not one well-formed certificate.
    """
    if len(der) > MAX_CERTIFICATE_SIZE:
        raise CertificateUnsuitableError(
            f"not a certificate of ours: {len(der)} bytes, and {MAX_CERTIFICATE_SIZE} is the limit"
        )
    with _refusing_malformed():
        parsed = load_der(x509.Certificate, der)
        _decode_all(parsed)
        _check_form(parsed)
        check_profile(parsed)
        return parsed


@contextmanager
def _refusing_malformed() -> Iterator[None]:
    try:
        yield
    except MALFORMED as fault:
        # asn1crypto's texts run over several lines; the first says it.
        reason = str(fault).partition("\n")[0]
        raise CertificateUnsuitableError(
            f"malformed certificate: {reason or type(fault).__name__}"
        ) from fault


def _decode_all(parsed: x509.Certificate) -> None:
    if max(len(name.dump()) for name in (parsed.subject, parsed.issuer)) > _MAX_NAME_SIZE:
        raise ValueError(f"a name of more than {_MAX_NAME_SIZE} bytes")
    for name in (parsed.subject, parsed.issuer):
        names.distinguished_name(name)
    _ = parsed.native
    # Names are compared after RFC 4518 string preparation, which can refuse characters.
    _ = parsed.subject.hashable, parsed.issuer.hashable
    _ = parsed.critical_extensions, parsed.issuer_serial, parsed.authority_issuer_serial
    _ = parsed.self_signed, parsed.sha256, parsed.public_key.sha1


def _check_form(parsed: x509.Certificate) -> None:
    body = parsed["tbs_certificate"]
    if parsed["signature_algorithm"].dump() != body["signature"].dump():
        raise ValueError("the two fields that name the signature algorithm differ")
    if not 0 < parsed.serial_number < _MAX_SERIAL:
        raise ValueError("the serial number is not a positive number of at most 20 bytes")
    extensions = Counter(extension["extn_id"].dotted for extension in body["extensions"])
    if extensions.total() > _MAX_EXTENSIONS or extensions.total() != len(extensions):
        raise ValueError("too many extensions, or one of them twice")


def _fields(parsed: x509.Certificate) -> dict[str, Any]:
    not_before, not_after = _validity(parsed)
    family, public_key = read_public_key(parsed.public_key)
    signature = parsed["signature_algorithm"]["algorithm"]
    if signature.dotted not in SIGNATURE_OIDS:
        raise ValueError(f"the signature algorithm {signature.native} is not an E-IMZO one")
    return {
        "der": parsed.dump(),
        "serial": parsed.serial_number,
        "subject": names.distinguished_name(parsed.subject),
        "issuer": names.distinguished_name(parsed.issuer),
        "not_before": not_before,
        "not_after": not_after,
        "public_key": public_key,
        "family": family,
        "signature_algorithm": signature.native,
        "fingerprint": hashlib.sha256(parsed.dump()).hexdigest(),
        **_person(parsed.subject),
        **_extensions(parsed),
    }


def _person(subject: x509.Name) -> dict[str, str | None]:
    attributes = list(names.attributes(subject))

    def only(oid: str) -> str | None:
        values = {value for known, value in attributes if known == oid}
        if len(values) > 1:
            # Which one a reader picks would be chance, and these say who someone is.
            raise ValueError(f"the subject has several different values of {oid}")
        return values.pop() if values else None

    return {
        "common_name": only(_CN_OID),
        "pinfl": only(PINFL_OID),
        "inn": only(INN_OID),
        "uid": only(_UID_OID),
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


def _extensions(parsed: x509.Certificate) -> dict[str, Any]:
    key_usage = parsed.key_usage_value
    purposes = parsed.extended_key_usage_value
    policies = parsed.certificate_policies_value
    return {
        "dns_names": tuple(_dns_names(parsed.subject_alt_name_value or ())),
        "has_alternative_names": parsed.subject_alt_name_value is not None,
        "key_usage": None
        if key_usage is None
        else frozenset(KEY_USAGES[usage] for usage in key_usage.native),
        "extended_key_usage": None
        if purposes is None
        else frozenset(
            EXTENDED_KEY_USAGES.get(purpose.native, purpose.dotted) for purpose in purposes
        ),
        "policies": None
        if policies is None
        else tuple(policy["policy_identifier"].dotted for policy in policies),
        "is_ca": bool(parsed.ca),
        "path_length": parsed.max_path_length,
        "constrains_names": parsed.name_constraints_value is not None,
        "crl_urls": _http_addresses(_list_names(parsed)),
        "ocsp_urls": _http_addresses(_responder_names(parsed)),
    }


def _dns_names(alternatives: Iterable[x509.GeneralName]) -> Iterator[str]:
    for alternative in alternatives:
        if alternative.name == "dns_name":
            # The bytes, and not .native, which turns A-labels into Unicode.
            yield alternative.chosen.contents.decode("ascii").lower()


def _list_names(parsed: x509.Certificate) -> Iterator[x509.GeneralName]:
    """Yield the names of cRLDistributionPoints, without the points of partial or foreign lists."""
    for point in parsed.crl_distribution_points_value or ():
        place = point["distribution_point"]
        if place.name == "full_name" and not point["reasons"] and not point["crl_issuer"]:
            yield from place.chosen


def _responder_names(parsed: x509.Certificate) -> Iterator[x509.GeneralName]:
    for description in parsed.authority_information_access_value or ():
        if description["access_method"].native == "ocsp":
            yield description["access_location"]


def _http_addresses(found: Iterable[x509.GeneralName]) -> tuple[str, ...]:
    # https would need a check of revocation for itself (RFC 5280, 8), ldap another client.
    addresses = (
        name.chosen.contents.decode("ascii", "replace")
        for name in found
        if name.name == "uniform_resource_identifier"
        and len(name.chosen.contents) <= _MAX_ADDRESS_SIZE
    )
    fitting = dict.fromkeys(
        one
        for one in addresses
        if one.lower().startswith("http://") and one.isascii() and one.isprintable()
    )
    return tuple(fitting)[:_MAX_ADDRESSES]


def read_certificates(data: bytes) -> tuple[Certificate, ...]:
    """Read a PEM bundle, in its order, or a single certificate in DER.

    Raises CertificateUnsuitableError if there is no certificate or one of them is not ours.
    """
    if not pem.is_pem(data):
        return (Certificate.from_der(data),)
    with _refusing_malformed():
        blocks = pem.blocks(data)
    certificates = tuple(
        Certificate.from_der(content) for label, content in blocks if label == "CERTIFICATE"
    )
    if not certificates:
        raise CertificateUnsuitableError("there is no certificate in the PEM text")
    return certificates


def to_pem(certificates: Iterable[Certificate]) -> bytes:
    """Write a PEM bundle, in the order given."""
    return b"".join(pem.armour("CERTIFICATE", certificate.der) for certificate in certificates)

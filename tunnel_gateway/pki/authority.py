"""The development authority: a root, a centre under it, and certificates for domains and users.

Its certificates have the form of those of the national centres: critical keyUsage, extKeyUsage and
certificatePolicies with a user notice, and an authorityKeyIdentifier with key, issuer and serial
together. A centre has no subjectKeyIdentifier of its own, serials have four bytes, and periods end
at midnight in Tashkent.

The authority is for tests, demonstrations and development. Only programs that have its root in
their truststore trust it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final, Self

from asn1crypto import core, x509

from tunnel_gateway.gost import signature
from tunnel_gateway.gost.curves import CRYPTOPRO_A, Curve, PrivateKey, PublicKey
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.certificates.certificate import USAGE_NAMES, Certificate
from tunnel_gateway.pki.certificates.usual import EXTENDED_KEY_USAGES
from tunnel_gateway.pki.encoding.oids import FAMILY_2009, INN_OID, PINFL_OID, Family
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.pki.services import CENTRE_NAME, ROOT_NAME, Services, uri

Entropy = Callable[[int], bytes]

POLICY_PREFIX: Final = "1.2.860.3.2.2.1.2"
TIME_STAMP_POLICY: Final = "1.2.860.3.2.11.1"

_KEY_USAGE_NAMES: Final = {name: key for key, name in USAGE_NAMES.items()}
_PURPOSE_NAMES: Final = {name: key for key, name in EXTENDED_KEY_USAGES.items()}
_LABEL_OIDS: Final = {
    "CN": "2.5.4.3",
    "SURNAME": "2.5.4.4",
    "C": "2.5.4.6",
    "L": "2.5.4.7",
    "ST": "2.5.4.8",
    "O": "2.5.4.10",
    "Name": "2.5.4.41",
    "UID": "0.9.2342.19200300.100.1.1",
    "PINFL": PINFL_OID,
    "INN": INN_OID,
}
_SERVICE_NAMES: Final = {
    "tsa": [("CN", "Development Time Stamps"), ("O", "tunnel-gateway"), ("C", "UZ")],
    "ocsp": [("CN", "Development Status Answers"), ("O", "tunnel-gateway"), ("C", "UZ")],
}
# Midnight in Tashkent, less a second, in UTC.
_END_OF_DAY: Final = time(18, 59, 59, tzinfo=UTC)
_LAST_UTC_TIME_YEAR: Final = 2049


@dataclass(frozen=True, slots=True)
class Profile:
    """The purpose and the lifetime of a certificate; change one with ``dataclasses.replace``.

    If ``key_usage``, ``extended_key_usage`` or ``policies`` has no value, the certificate gets no
    such extension. ``not_before`` and ``not_after`` override the period of ``days`` from now.
    ``extensions`` are added as they are.
    """

    days: int
    key_usage: frozenset[str] | None
    extended_key_usage: frozenset[str] | None = None
    policies: tuple[str, ...] | None = None
    is_ca: bool = False
    path_length: int | None = None
    curve: Curve = CRYPTOPRO_A
    family: Family = FAMILY_2009
    not_before: datetime | None = None
    not_after: datetime | None = None
    extensions: tuple[x509.Extension, ...] = ()


ROOT: Final = Profile(
    days=20 * 365, key_usage=frozenset({"keyCertSign", "cRLSign"}), is_ca=True, path_length=1
)
CENTRE: Final = Profile(
    days=10 * 365, key_usage=frozenset({"keyCertSign", "cRLSign"}), is_ca=True, path_length=0
)
# A certificate is only a form here: its key signs API-KEYs for pages.
API_KEYS: Final = Profile(days=20 * 365, key_usage=frozenset({"digitalSignature"}))
USER: Final = Profile(
    days=2 * 365,
    key_usage=frozenset(
        {
            "digitalSignature",
            "nonRepudiation",
            "keyEncipherment",
            "dataEncipherment",
            "keyAgreement",
        }
    ),
    extended_key_usage=frozenset({"clientAuth", "emailProtection"}),
    policies=(f"{POLICY_PREFIX}.1",),
)
DOMAIN: Final = replace(
    USER,
    extended_key_usage=frozenset({"serverAuth", "clientAuth"}),
    policies=(f"{POLICY_PREFIX}.2",),
)

TIME_STAMPS: Final = Profile(
    days=5 * 365,
    key_usage=frozenset({"digitalSignature", "nonRepudiation"}),
    extended_key_usage=frozenset({"timeStamping"}),
    policies=(TIME_STAMP_POLICY,),
)
# RFC 6960, 4.2.2.2.1: nobody asks for the status of such a certificate.
STATUS_ANSWERS: Final = Profile(
    days=5 * 365,
    key_usage=frozenset({"digitalSignature"}),
    extended_key_usage=frozenset({"OCSPSigning"}),
    extensions=(x509.Extension({"extn_id": "ocsp_no_check", "extn_value": core.Null()}),),
)


@dataclass(frozen=True, slots=True)
class Person:
    """The subject of a user's certificate.

    ``pinfl`` has 14 digits. The tax number is ``uid`` for a natural person; an officer of a
    legal entity has that entity's in ``inn``, 9 digits, and its name in ``organisation``.
    """

    name: str
    pinfl: str
    uid: str | None = None
    inn: str | None = None
    organisation: str | None = None

    def attributes(self) -> list[tuple[str, str]]:
        """Return the subject's attributes in the order of the real certificates."""
        surname, _, given = self.name.partition(" ")
        optional = [("O", self.organisation), ("UID", self.uid), ("INN", self.inn)]
        return [
            ("CN", self.name),
            ("Name", given or surname),
            ("SURNAME", surname),
            ("L", "Toshkent shahri"),
            ("C", "UZ"),
            *((label, value) for label, value in optional if value is not None),
            ("PINFL", self.pinfl),
        ]


@dataclass(frozen=True, slots=True)
class Authority:
    """A root and a centre, both with their keys: enough to issue anything.

    If the centre's certificate names ``services``, all certificates that are issued do it too.
    """

    root: Identity
    centre: Identity

    @classmethod
    def create(
        cls,
        *,
        now: datetime,
        entropy: Entropy,
        root: Profile = ROOT,
        centre: Profile = CENTRE,
        services: Services | None = None,
    ) -> Self:
        """Make a root that signs itself and a centre that the root signs.

        ``now`` is aware; ``entropy`` gives as many random bytes as it is asked for. ``services``
        are the addresses at which somebody can ask about the certificates.
        """
        centre = _with_services(centre, services, ROOT_NAME)
        root_name = [("CN", "Development Root"), ("O", "tunnel-gateway"), ("C", "UZ")]
        centre_name = [("CN", "Development Centre"), ("O", "tunnel-gateway"), ("C", "UZ")]
        top = issue(None, root_name, root, now=now, entropy=entropy)
        under = issue(
            top, centre_name, centre, now=now, entropy=entropy, dns_names=["centre.example.uz"]
        )
        return cls(top, Identity(under.private_key, (under.leaf,)))

    @property
    def services(self) -> Services | None:
        """The addresses that the centre's certificate names, None if it names none."""
        return Services.named_in(self.centre.leaf)

    def issue_domain(
        self,
        domain: str,
        *,
        now: datetime,
        entropy: Entropy,
        profile: Profile = DOMAIN,
        dns_names: Sequence[str] | None = None,
    ) -> Identity:
        """Issue a certificate for ``domain``; its chain is the leaf and the centre.

        ``dns_names`` replaces the one name of the subjectAltName; empty leaves it out.
        """
        subject = [("CN", domain), ("O", "Development"), ("L", "Toshkent shahri"), ("C", "UZ")]
        alternatives = [domain] if dns_names is None else dns_names
        profile = _with_services(profile, self.services, CENTRE_NAME)
        return issue(
            self.centre, subject, profile, now=now, entropy=entropy, dns_names=alternatives
        )

    def issue_user(
        self, person: Person, *, now: datetime, entropy: Entropy, profile: Profile = USER
    ) -> Identity:
        """Issue a certificate for a person; its chain is the leaf and the centre."""
        profile = _with_services(profile, self.services, CENTRE_NAME)
        return issue(self.centre, person.attributes(), profile, now=now, entropy=entropy)

    def issue_time_stamper(
        self, *, now: datetime, entropy: Entropy, profile: Profile = TIME_STAMPS
    ) -> Identity:
        """Issue a certificate for a time stamp authority; its chain is the leaf and the centre."""
        profile = _with_services(profile, self.services, CENTRE_NAME)
        if self.services is not None:
            # RFC 3161, 2.4.2: a token names the authority by a name that its certificate has.
            name = _extension("subject_alt_name", x509.GeneralNames([uri(self.services.tsa)]))
            profile = replace(profile, extensions=(*profile.extensions, name))
        return issue(self.centre, _SERVICE_NAMES["tsa"], profile, now=now, entropy=entropy)

    def issue_responder(
        self, *, now: datetime, entropy: Entropy, profile: Profile = STATUS_ANSWERS
    ) -> Identity:
        """Issue a certificate for the OCSP responder to which the centre delegates its answers."""
        return issue(self.centre, _SERVICE_NAMES["ocsp"], profile, now=now, entropy=entropy)


def issue(
    issuer: Identity | None,
    subject: Iterable[tuple[str, str]],
    profile: Profile,
    *,
    now: datetime,
    entropy: Entropy,
    dns_names: Sequence[str] = (),
) -> Identity:
    """Issue any certificate; without an ``issuer`` it signs itself.

    ``subject`` holds labels (``CN``, ``O``, ``C`` …, ``PINFL``, ``INN``) and values, in order.
    The chain of the result is the new certificate and the issuer's chain.
    """
    private_key = PrivateKey.generate(profile.curve, entropy)
    name = _name(subject)
    serial = int.from_bytes(entropy(4), "big") & 0x3FFFFFFF | 0x40000000
    signer = issuer.private_key if issuer else private_key
    family = issuer.leaf.family if issuer else profile.family
    not_before, not_after = _period(profile, now)
    body = x509.TbsCertificate(
        {
            "version": "v3",
            "serial_number": serial,
            "signature": {"algorithm": family.signature_oid},
            "issuer": x509.Certificate.load(issuer.leaf.der).subject if issuer else name,
            "validity": {"not_before": asn1_time(not_before), "not_after": asn1_time(not_after)},
            "subject": name,
            "subject_public_key_info": _public_key_info(private_key.public_key(), profile.family),
            "extensions": _extensions(issuer, private_key.public_key(), profile, dns_names),
        }
    )
    signed = signature.sign(signer, digest(body.dump()), entropy(32))
    certificate = x509.Certificate(
        {
            "tbs_certificate": body,
            "signature_algorithm": {"algorithm": family.signature_oid},
            "signature_value": signed,
        }
    )
    chain = issuer.chain if issuer else ()
    return Identity(private_key, (Certificate.from_der(certificate.dump()), *chain))


def _with_services(profile: Profile, services: Services | None, issuer: str) -> Profile:
    if services is None:
        return profile
    return replace(profile, extensions=(*profile.extensions, *services.extensions(issuer)))


def _period(profile: Profile, now: datetime) -> tuple[datetime, datetime]:
    not_before = profile.not_before or now.replace(microsecond=0)
    last_day = (now + timedelta(days=profile.days)).astimezone(UTC).date()
    return not_before, profile.not_after or datetime.combine(last_day, _END_OF_DAY)


def asn1_time(moment: datetime) -> x509.Time:
    """Return a moment as certificates and lists hold it."""
    # RFC 5280, 4.1.2.5: UTCTime to the year 2049, GeneralizedTime after it.
    form = "utc_time" if moment.year <= _LAST_UTC_TIME_YEAR else "general_time"
    return x509.Time(name=form, value=moment.astimezone(UTC))


def _name(attributes: Iterable[tuple[str, str]]) -> x509.Name:
    relatives = [
        x509.RelativeDistinguishedName(
            [x509.NameTypeAndValue({"type": _LABEL_OIDS[label], "value": _text(label, value)})]
        )
        for label, value in attributes
    ]
    return x509.Name(name="", value=x509.RDNSequence(relatives))


def _text(label: str, value: str) -> x509.DirectoryString:
    form = "printable_string" if label == "C" else "utf8_string"
    return x509.DirectoryString(name=form, value=value)


def _public_key_info(public_key: PublicKey, family: Family) -> dict[str, Any]:
    parameters = {"parameter_set": family.parameter_set(public_key.curve)}
    return {
        "algorithm": {"algorithm": family.key_oid, "parameters": parameters},
        "public_key": core.ParsableOctetBitString(core.OctetString(public_key.encoded).dump()),
    }


def _key_identifier(public_key: PublicKey) -> bytes:
    # RFC 7093, section 2, method 1.
    return hashlib.sha256(public_key.encoded).digest()[:20]


def _extensions(
    issuer: Identity | None, public_key: PublicKey, profile: Profile, dns_names: Sequence[str]
) -> list[x509.Extension]:
    extensions = [*_purpose_extensions(profile), *profile.extensions]
    if dns_names:
        alternatives = [x509.GeneralName(name="dns_name", value=name) for name in dns_names]
        extensions.append(_extension("subject_alt_name", x509.GeneralNames(alternatives)))
    if issuer is None or not profile.is_ca:
        # Every certificate except a centre's: the real centres have no key identifier either.
        extensions.append(_extension("key_identifier", _key_identifier(public_key)))
    if issuer is not None:
        extensions.append(
            _extension("authority_key_identifier", _authority_identifier(issuer.leaf))
        )
    return extensions


def _purpose_extensions(profile: Profile) -> list[x509.Extension]:
    extensions = []
    if profile.is_ca:
        constraints = {"ca": True, "path_len_constraint": profile.path_length}
        extensions.append(_extension("basic_constraints", constraints, critical=True))
    if profile.key_usage is not None:
        usages = {_KEY_USAGE_NAMES[name] for name in profile.key_usage}
        extensions.append(_extension("key_usage", usages, critical=True))
    if profile.extended_key_usage is not None:
        purposes = sorted(_PURPOSE_NAMES.get(name, name) for name in profile.extended_key_usage)
        extensions.append(_extension("extended_key_usage", purposes, critical=True))
    if profile.policies is not None:
        policies = [_policy(oid) for oid in profile.policies]
        extensions.append(_extension("certificate_policies", policies, critical=True))
    return extensions


def _extension(kind: str, value: Any, *, critical: bool = False) -> x509.Extension:
    return x509.Extension({"extn_id": kind, "critical": critical, "extn_value": value})


def _policy(oid: str) -> dict[str, Any]:
    text = x509.DisplayText(name="utf8_string", value="Faqat ishlab chiqish va sinov uchun")
    notice = {
        "policy_qualifier_id": "user_notice",
        "qualifier": x509.UserNotice({"explicit_text": text}),
    }
    return {"policy_identifier": oid, "policy_qualifiers": [notice]}


def _authority_identifier(issuer: Certificate) -> dict[str, Any]:
    parsed = x509.Certificate.load(issuer.der)
    return {
        "key_identifier": _key_identifier(issuer.public_key),
        "authority_cert_issuer": [x509.GeneralName(name="directory_name", value=parsed.issuer)],
        "authority_cert_serial_number": issuer.serial,
    }

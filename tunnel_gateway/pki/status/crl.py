"""Certificate revocation lists (RFC 5280, section 5): complete ones, by the issuer itself.

A centre's list may have a hundred thousand entries, so it is read once, by cryptography's
reader, and kept as its bytes and a sorted index. The path validator has a CRL check too, but that
check reads the whole list again for every certificate.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from asn1crypto import core
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.exceptions import InvalidSignature

from tunnel_gateway.errors import RevocationDataError
from tunnel_gateway.gost import signature
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.certificates import names
from tunnel_gateway.pki.certificates.certificate import Certificate, format_time
from tunnel_gateway.pki.encoding import pem
from tunnel_gateway.pki.encoding.der import MALFORMED, reason
from tunnel_gateway.pki.encoding.kind import EMPTY, PAGE, kind
from tunnel_gateway.pki.encoding.oids import SIGNATURE_OIDS
from tunnel_gateway.pki.encoding.tags import starts_sequence
from tunnel_gateway.pki.status.crl_entries import Entries, Frame
from tunnel_gateway.pki.status.revoked_info import RevokedInfo

# Some 900,000 entries of the usual size.
MAX_LIST_SIZE: Final = 32 * 1024 * 1024
# How far the issuer's clock and ours may be apart.
CLOCK_SKEW: Final = timedelta(minutes=5)

# X.509, 9.5.2.8 (expiredCertsOnCRL).
_EXPIRED_KEPT: Final = x509.ObjectIdentifier("2.5.29.60")
# RFC 7468, section 6, and what some programs write.
_LABELS: Final = frozenset({"X509 CRL", "CRL"})
_UNREADABLE: Final = (
    *MALFORMED,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)


@dataclass(frozen=True, slots=True)
class _Scope:
    """The certificates of the issuer that a list covers (issuingDistributionPoint)."""

    urls: frozenset[str] = frozenset()
    only_users: bool = False
    only_authorities: bool = False


class RevocationList:
    """A well-formed list. Only ``proven_by`` tells who signed it.

    ``issuer_name`` is the issuer in the form that names are compared in, ``size`` the length of
    the encoding, ``this_update`` and ``next_update`` aware times in UTC.
    """

    def __init__(self, data: bytes) -> None:
        """Read DER or PEM; raises RevocationDataError if it is not a list that can be used.

        Delta lists, indirect lists and lists of some reasons only cannot be used.
        """
        if len(data) > MAX_LIST_SIZE:
            raise RevocationDataError(
                f"a list of {len(data)} bytes, and {MAX_LIST_SIZE} is the limit"
            )
        try:
            self._read(_der(data))
        except _UNREADABLE as fault:
            raise RevocationDataError(
                f"not a revocation list that can be used: {reason(fault)}"
            ) from fault

    def _read(self, der: bytes) -> None:
        frame = Frame.read(der)
        parsed = x509.load_der_x509_crl(frame.without_entries)
        next_update = parsed.next_update_utc
        if next_update is None:
            raise ValueError("it has no nextUpdate")
        self._scope = _scope(parsed.extensions)
        self._keeps_expired_from = _expired_kept_from(parsed.extensions)
        self._signed = frame.signed
        self._signature = parsed.signature
        self._algorithm = parsed.signature_algorithm_oid.dotted_string
        self._entries = Entries(frame.entries)
        self.size = len(der)
        self.issuer_name: str = asn1.Name.load(parsed.issuer.public_bytes()).hashable
        self.this_update: datetime = parsed.last_update_utc
        self.next_update: datetime = next_update

    def __len__(self) -> int:
        return len(self._entries)

    def entries(self) -> dict[int, RevokedInfo]:
        """Return all serial numbers and their revocations."""
        return dict(self._entries.each())

    @property
    def passed_over(self) -> int:
        """How many entries match nobody: without a serial number that a certificate can have."""
        return self._entries.passed_over

    @property
    def scope(self) -> object:
        """Lists of one issuer and one scope replace each other."""
        return self._scope

    def proven_by(self, issuer: Certificate) -> ProvenList:
        """Return the proof that ``issuer`` signed it; raises RevocationDataError if not."""
        if asn1.Certificate.load(issuer.der).subject.hashable != self.issuer_name:
            raise RevocationDataError(
                f"the list is by another issuer than {names.quoted(issuer.subject)}"
            )
        if issuer.key_usage is not None and "cRLSign" not in issuer.key_usage:
            raise RevocationDataError(f"{issuer.label} may not sign lists: it has no cRLSign")
        if self._algorithm not in SIGNATURE_OIDS:
            raise RevocationDataError("the list's signature algorithm is not an E-IMZO one")
        try:
            signature.verify(issuer.public_key, self._signature, digest(self._signed))
        except InvalidSignature as fault:
            raise RevocationDataError(
                f"the list's signature does not verify with the key of {issuer.label}"
            ) from fault
        return ProvenList(self, issuer.authority)

    def check_current(self, now: datetime) -> None:
        """Raise RevocationDataError unless ``now`` is between its two times."""
        if self.this_update > now + CLOCK_SKEW:
            raise RevocationDataError(
                f"the list is of {format_time(self.this_update)}, which is in the future"
            )
        if self.next_update < now - CLOCK_SKEW:
            raise RevocationDataError(f"the list expired on {format_time(self.next_update)}")

    def covers(self, certificate: Certificate) -> bool:
        """Tell whether the list covers ``certificate``, which must have the same issuer."""
        scope = self._scope
        if scope.only_authorities if not certificate.is_ca else scope.only_users:
            return False
        # RFC 5280, 6.3.3 (b)(2)(i): a list of one place counts for those that name the place.
        return not scope.urls or not scope.urls.isdisjoint(certificate.crl_urls)

    def vouches_for(self, certificate: Certificate) -> bool:
        """Tell whether the certificate would be on the list if it were revoked.

        Centres take certificates off their lists some time after these have expired (RFC 5280,
        3.3), unless the list says from when on it keeps them (X.509, expiredCertsOnCRL).
        """
        kept_from = min(self.this_update, self._keeps_expired_from or self.this_update)
        return certificate.not_after >= kept_from

    def revoked(self, serial: int) -> RevokedInfo | None:
        """Return when and why the serial number was revoked; None if it was not.

        An entry counts with any extensions: a certificate on hold is revoked too.
        """
        return self._entries.find(serial)


@dataclass(frozen=True, slots=True)
class ProvenList:
    """A list and the ``authority`` whose key its signature fits (see Certificate)."""

    content: RevocationList
    issuer: str


def _der(data: bytes) -> bytes:
    if starts_sequence(data):
        return data
    if kind(data) == "empty":
        raise ValueError(f"{EMPTY}; fetch it again")
    if kind(data) == "page":
        raise ValueError(PAGE)
    if not pem.is_pem(data):
        raise ValueError("it is neither DER nor PEM")
    lists = [block.content for block in pem.blocks(data) if block.label in _LABELS]
    if len(lists) > 1:
        raise ValueError(f"{len(lists)} lists in one PEM text; each needs a file of its own")
    if not lists:
        raise ValueError("there is no list (X509 CRL) in the PEM text")
    return lists[0]


def _scope(extensions: x509.Extensions) -> _Scope:
    scope = _Scope()
    for extension in extensions:
        value = extension.value
        if isinstance(value, x509.DeltaCRLIndicator):
            raise ValueError("it is a delta list; give the complete one")  # noqa: TRY004 - content
        if isinstance(value, x509.IssuingDistributionPoint):
            scope = _distribution_point(value)
        elif extension.critical and isinstance(value, x509.UnrecognizedExtension):
            raise ValueError(f"the critical extension {extension.oid.dotted_string} is not known")
    return scope


def _expired_kept_from(extensions: x509.Extensions) -> datetime | None:
    for extension in extensions:
        if extension.oid == _EXPIRED_KEPT and isinstance(
            extension.value, x509.UnrecognizedExtension
        ):
            moment = core.GeneralizedTime.load(extension.value.value, strict=True).native
            return moment.astimezone(UTC) if moment.tzinfo else None
    return None


def _distribution_point(point: x509.IssuingDistributionPoint) -> _Scope:
    if point.indirect_crl or point.only_some_reasons or point.only_contains_attribute_certs:
        raise ValueError("it is an indirect list, or one of some reasons or attributes only")
    if point.relative_name is not None:
        raise ValueError("its distribution point has a relative name")
    urls = frozenset(
        name.value
        for name in point.full_name or ()
        if isinstance(name, x509.UniformResourceIdentifier)
    )
    if point.full_name is not None and not urls:
        raise ValueError("its distribution point has no address")
    return _Scope(urls, point.only_contains_user_certs, point.only_contains_ca_certs)

"""Path building and validation (RFC 5280, section 6) by pyhanko-certvalidator, within bounds.

The library searches every way from a leaf to a trust anchor. A hostile peer can send certificates
that all have one name, and the number of ways between them grows as a factorial. So the steps of
the search and the signature checks are counted, and both have a limit.

Nothing here fetches or waits: the library's coroutines run to their end in one step, in the thread
of the caller, with or without an event loop.
"""

from __future__ import annotations

import functools
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from asn1crypto import algos, keys, x509
from cryptography.exceptions import InvalidSignature
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.authority import (
    AuthorityWithCert,
    CertTrustAnchor,
    TrustedServiceType,
    TrustQualifiers,
    derive_quals_from_cert,
)
from pyhanko_certvalidator.errors import (
    ExpiredError,
    NotYetValidError,
    PathBuildingError,
    ValidationError,
)
from pyhanko_certvalidator.name_trees import (
    default_excluded_subtrees,
    default_permitted_subtrees,
)
from pyhanko_certvalidator.policy_decl import (
    NO_REVOCATION,
    CertRevTrustPolicy,
    PKIXValidationParams,
)
from pyhanko_certvalidator.sig_validate import (
    DEFAULT_VALIDATION_CONTEXT,
    SignatureValidationContext,
    SignatureValidator,
)
from pyhanko_certvalidator.validate import SUPPORTED_EXTENSIONS, async_validate_path

from tunnel_gateway.errors import (
    CertificateError,
    CertificateExpiredError,
    CertificateUnsuitableError,
    CertificateUntrustedError,
)
from tunnel_gateway.gost import signature as gost_signature
from tunnel_gateway.gost.curves import FrequentKey
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.certificates import names
from tunnel_gateway.pki.certificates.certificate import (
    Certificate,
    format_time,
    label,
    parse_certificate,
    read_public_key,
)
from tunnel_gateway.pki.encoding.der import MALFORMED, load_der
from tunnel_gateway.pki.encoding.oids import SIGNATURE_OIDS
from tunnel_gateway.pki.trust import refusals
from tunnel_gateway.pki.trust.issuers import Anchors, Shown, names_key_of
from tunnel_gateway.pki.trust.proven import ProvenCache, key_of

# A chain of eight is checked with eight signatures; twice that leaves room for a second path
# (a root with two keys of one name) and bounds the work that a stranger can cause to 40 ms.
MAX_SIGNATURE_CHECKS: Final = 16
# Every new user brings one new link. The links of the centres stay, because all users need them.
VERIFIED_LINKS: Final = 1024
# Keys of centres, which a nation has some dozens of.
_KEYS: Final = 128

_PREFIX: Final = "The path could not be validated because "

_T = TypeVar("_T")


@functools.lru_cache(_KEYS)
def _key_of_centre(info: bytes) -> FrequentKey:
    return FrequentKey(read_public_key(load_der(keys.PublicKeyInfo, info))[1])


@functools.lru_cache(_KEYS)
def _algorithm_oid(algorithm: bytes) -> str:
    return str(load_der(algos.SignedDigestAlgorithm, algorithm)["algorithm"].dotted)


class GostSignatureValidator(SignatureValidator):
    """Checks certificate signatures of both families, and remembers those that were right.

    The identifiers of the signature and of the key may belong to different families: the
    mathematics is the same, and a centre may change the identifiers before it changes its key.

    A right signature stays right, so the signature of a centre is checked once for all its users.
    The last `VERIFIED_LINKS` are remembered by key, content and signature; wrong ones never are.
    """

    def __init__(self) -> None:
        self._verified: ProvenCache[bool] = ProvenCache(VERIFIED_LINKS)

    def validate_signature(
        self,
        signature: bytes,
        signed_data: bytes,
        public_key_info: keys.PublicKeyInfo,
        signature_algorithm: algos.SignedDigestAlgorithm,
        context: SignatureValidationContext = DEFAULT_VALIDATION_CONTEXT,  # noqa: ARG002
    ) -> None:
        """Raise InvalidSignature unless ``signature`` is right for ``signed_data``."""
        self.check(signature, signed_data, public_key_info.dump(), signature_algorithm.dump())

    def check(self, signature: bytes, signed_data: bytes, key: bytes, algorithm: bytes) -> None:
        """Do the same for a SubjectPublicKeyInfo and an AlgorithmIdentifier in DER.

        Raises ValueError too, if one of the two is malformed.
        """
        if _algorithm_oid(algorithm) not in SIGNATURE_OIDS:
            raise InvalidSignature
        link = key_of(key, signed_data, signature)
        if self._verified.find(link):
            return
        gost_signature.verify(_key_of_centre(key), signature, digest(signed_data))
        self._verified.add(link, True)

    def remembers(self, key: bytes, signed_data: bytes, signature: bytes) -> bool:
        """Tell whether a signature by this key (SubjectPublicKeyInfo, DER) was right before."""
        return self._verified.find(key_of(key, signed_data, signature)) is not None


def is_issued_by(certificate: Certificate, issuer: Certificate) -> bool:
    """Tell whether ``issuer`` has the right name and key; whether it may issue is not asked."""
    if not certificate.names(issuer) or certificate is issuer:
        return False
    parsed = parse_certificate(certificate.der)
    try:
        GostSignatureValidator().validate_signature(
            parsed.signature,
            parsed["tbs_certificate"].dump(),
            parse_certificate(issuer.der).public_key,
            parsed["signature_algorithm"],
        )
    except InvalidSignature:
        return False
    return True


class _CountingValidator(SignatureValidator):
    """Counts the checks: in all, for the bound, and on this path, to know where it failed."""

    def __init__(self, inner: SignatureValidator) -> None:
        self._inner = inner
        self._total = 0
        self.on_this_path = 0
        self.refused = False

    def start_path(self) -> None:
        self.on_this_path = 0
        self.refused = False

    def validate_signature(
        self,
        signature: bytes,
        signed_data: bytes,
        public_key_info: keys.PublicKeyInfo,
        signature_algorithm: algos.SignedDigestAlgorithm,
        context: SignatureValidationContext = DEFAULT_VALIDATION_CONTEXT,
    ) -> None:
        self._total += 1
        self.on_this_path += 1
        if self._total > MAX_SIGNATURE_CHECKS:
            raise refusals.too_many_ways()
        try:
            self._inner.validate_signature(
                signature, signed_data, public_key_info, signature_algorithm, context
            )
        except InvalidSignature:
            self.refused = True
            raise


@dataclass(frozen=True, slots=True)
class _Failure:
    error: CertificateError
    refused_signature: bool


def make_anchor(certificate: x509.Certificate) -> CertTrustAnchor:
    """Make a trust anchor of what ``parse_certificate`` returned; threads may share it.

    Its own dates, path length and name constraints bind it, but not its policies. In RFC 5280 an
    anchor is only a name and a key. But an operator who puts a certificate into a truststore
    expects it to count until its last day. Raises CertificateUnsuitableError for constraints that
    cannot be enforced.
    """
    try:
        derived = derive_quals_from_cert(certificate)
    except MALFORMED as fault:
        raise CertificateUnsuitableError(
            f"{_label(certificate)}: its name constraints cannot be processed"
        ) from fault
    own = derived.standard_parameters or PKIXValidationParams()
    qualifiers = TrustQualifiers(
        # The kinds of names that the anchor says nothing of stay free.
        standard_parameters=PKIXValidationParams(
            initial_permitted_subtrees=default_permitted_subtrees()
            | (own.initial_permitted_subtrees or {}),
            initial_excluded_subtrees=default_excluded_subtrees()
            | (own.initial_excluded_subtrees or {}),
        ),
        max_path_length=derived.max_path_length,
        # Not the anchor's to limit, but the library counts down from None if it is left out.
        max_aa_path_length=derived.max_path_length,
        valid_from=derived.valid_from,
        valid_until=derived.valid_until,
        trusted_service_type=TrustedServiceType.CERTIFICATE_AUTHORITY,
    )
    return CertTrustAnchor(certificate, qualifiers)


def find_path(
    leaf: x509.Certificate,
    others: Sequence[x509.Certificate],
    anchors: Sequence[CertTrustAnchor],
    at: datetime,
    *,
    signatures: SignatureValidator,
    for_a_centre: bool = False,
) -> tuple[x509.Certificate, ...]:
    """Return a valid path at the time ``at``: leaf first, trust anchor last.

    All certificates come from ``parse_certificate``, and the anchors from ``make_anchor``;
    ``others`` may come in any order. Every certificate of the path, the anchor too, must be in its
    validity period. Revocation is not checked. An anchor, or another certificate of its name and
    key, cannot be the leaf, except ``for_a_centre``: an operator may look at a certificate that is
    an anchor already, and its path is that one certificate. Raises CertificateUntrustedError,
    CertificateExpiredError or CertificateUnsuitableError.
    """
    if not for_a_centre:
        _refuse_anchor(leaf, anchors)
    counting = _CountingValidator(signatures)
    try:
        return _run(_search(leaf, others, anchors, at, counting))
    except PathBuildingError as fault:
        raise _dead_end([leaf, *others], anchors) from fault
    except MALFORMED as fault:
        # Well-formed, but with a content that the library does not deal with.
        raise CertificateUnsuitableError(
            f"{_label(leaf)}: its chain cannot be processed ({type(fault).__name__})"
        ) from fault


def _refuse_anchor(leaf: x509.Certificate, anchors: Sequence[CertTrustAnchor]) -> None:
    # RFC 5280, 6.1: an anchor does not belong to a path. Another certificate of its name and key
    # does, but it is not a user's certificate either.
    if AuthorityWithCert(leaf) in {anchor.authority for anchor in anchors}:
        raise CertificateUnsuitableError(
            f"{_label(leaf)} is a trust anchor itself, or has the name and the key of one: an"
            " anchor signs the certificates of others and is not shown as one's own"
        )


def _run(coroutine: Coroutine[Any, Any, _T]) -> _T:
    try:
        coroutine.send(None)
    except StopIteration as finished:
        result: _T = finished.value
        return result
    coroutine.close()
    raise RuntimeError("path validation waited for something, though it may fetch nothing")


async def _search(
    leaf: x509.Certificate,
    others: Sequence[x509.Certificate],
    anchors: Sequence[CertTrustAnchor],
    at: datetime,
    counting: _CountingValidator,
) -> tuple[x509.Certificate, ...]:
    context = _context(others, anchors, at, counting)
    failures: list[_Failure] = []
    async for path in context.path_builder.async_build_paths_lazy(leaf):
        counting.start_path()
        certificates = tuple(path.iter_certs(include_root=True))[::-1]
        try:
            await async_validate_path(context, path)
            _check_anchor_extensions(certificates[-1])
        except ValidationError as fault:
            # The turn of each certificate begins with its signature, so their number says which.
            culprit = certificates[-1 - counting.on_this_path]
            # No variable of this frame may keep an error that the frame raises.
            failures.append(
                _Failure(_error(fault, culprit, at, counting.refused), counting.refused)
            )
        except CertificateUnsuitableError as error:
            failures.append(_Failure(error, refused_signature=False))
        else:
            return certificates
    raise _likeliest(failures)


def _likeliest(failures: list[_Failure]) -> CertificateError:
    """Take one out: a frame that keeps what it raises is kept by it too, until it is searched for.

    A path whose signatures are right says more than one of a namesake's key.
    """
    nearest = min(failures, key=lambda failure: failure.refused_signature)
    failures.clear()
    return nearest.error


def _check_anchor_extensions(anchor: x509.Certificate) -> None:
    # The library asks this of every certificate but the anchor. It is asked here and not when
    # the truststore is read, so that one root does no harm to the users of another.
    if unknown := anchor.critical_extensions - SUPPORTED_EXTENSIONS:
        raise CertificateUnsuitableError(
            f"{_label(anchor)}, the trust anchor, has an unsupported critical extension:"
            f" {', '.join(sorted(unknown))}"
        )


def _context(
    others: Sequence[x509.Certificate],
    anchors: Sequence[CertTrustAnchor],
    at: datetime,
    signatures: SignatureValidator,
) -> ValidationContext:
    return ValidationContext(
        trust_manager=Anchors(anchors, at),
        certificate_registry=Shown(others, at),
        moment=at,
        time_tolerance=timedelta(0),
        revinfo_policy=CertRevTrustPolicy(NO_REVOCATION),
        signature_validator=signatures,
    )


def _error(
    fault: ValidationError, culprit: x509.Certificate, at: datetime, refused_signature: bool
) -> CertificateError:
    if isinstance(fault, ExpiredError):
        return CertificateExpiredError(
            f"{_label(culprit)} expired on {format_time(culprit.not_valid_after)},"
            f" and it is {format_time(at)}; a new certificate is needed"
        )
    if isinstance(fault, NotYetValidError):
        return CertificateExpiredError(
            f"{_label(culprit)} is not valid until {format_time(culprit.not_valid_before)},"
            f" and it is {format_time(at)}; check the clock of this machine"
        )
    if refused_signature:
        return refusals.wrong_signature(_label(culprit))
    return CertificateUnsuitableError(f"{_label(culprit)}: {str(fault).removeprefix(_PREFIX)}")


def _dead_end(
    chain: Sequence[x509.Certificate], anchors: Sequence[CertTrustAnchor]
) -> CertificateUntrustedError:
    known = [*chain, *(anchor.certificate for anchor in anchors)]
    leaf = _label(chain[0])
    subjects = {certificate.subject.hashable for certificate in known}
    for certificate in chain:
        if certificate.issuer.hashable not in subjects:
            return refusals.no_issuer(leaf, _label(certificate))
    for certificate in chain:
        named = [
            issuer for issuer in known if issuer.subject.hashable == certificate.issuer.hashable
        ]
        if not any(names_key_of(certificate, issuer) for issuer in named):
            wanted, actual = certificate.authority_key_identifier, named[0].key_identifier
            return refusals.another_key(leaf, _label(certificate), wanted, actual)
    last = next(
        (certificate for certificate in chain if certificate.issuer == certificate.subject),
        chain[-1],
    )
    return refusals.unknown_root(leaf, _label(last))


def _label(certificate: x509.Certificate) -> str:
    return label(certificate.serial_number, names.distinguished_name(certificate.issuer.dump()))

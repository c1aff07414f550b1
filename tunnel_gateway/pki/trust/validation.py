"""Whether a certificate chain is accepted, for whom, and until when.

The chain comes from the other side of a tunnel, so it is hostile until it is proven. The checks are
those of the protocol's specification: a path to a trust anchor, every certificate of it valid now,
and a leaf for the right purpose. ``VerifiedPeer`` is the proof.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import InitVar, dataclass
from datetime import datetime
from typing import Final

from tunnel_gateway.errors import CertificateError, CertificateUnsuitableError
from tunnel_gateway.pki.certificates.certificate import Certificate, parse_certificate
from tunnel_gateway.pki.certificates.extensions import LeanCertificate, binds_names
from tunnel_gateway.pki.certificates.names import domain_matches, normalise_domain
from tunnel_gateway.pki.encoding.outline import Outline
from tunnel_gateway.pki.trust.completing import Intermediates
from tunnel_gateway.pki.trust.last_link import is_plain, only_issuer
from tunnel_gateway.pki.trust.paths import GostSignatureValidator, find_path, make_anchor
from tunnel_gateway.pki.trust.proven import ProvenCache, key_of
from tunnel_gateway.pki.trust.vouching import KnownCentres

# As the protocol has it.
MAX_CHAIN_LENGTH: Final = 8
MAX_CHAIN_SIZE: Final = 16 * 1024
# The users of a large organisation. Each takes 3 KB, for the centres' certificates are shared:
# some 50 MB when full.
DEFAULT_CACHE_SIZE: Final = 16_384
# Parsed certificates of centres; a national system has some dozens.
_ISSUERS: Final = 64

# More names would make the message hard to read.
_SHOWN_NAMES: Final = 5
_CLIENT_PURPOSES: Final = frozenset({"clientAuth", "anyExtendedKeyUsage"})
_DOCUMENT_USAGES: Final = frozenset({"digitalSignature", "nonRepudiation"})
_PROOF: Final = object()
_Path = tuple[Certificate, ...]
# A certificate is read once and then validated, so the last ones are enough.
_READ: Final = 16


@dataclass(frozen=True, slots=True)
class VerifiedPeer:
    """The proof that a chain was accepted; ``path`` is leaf first, trust anchor last.

    ``valid_from`` and ``valid_until`` bound the time for which every certificate of the path
    is valid. Only this module can make one (it has the token ``proof``): a function that takes
    a VerifiedPeer cannot be called for a peer that was not verified.
    """

    leaf: Certificate
    path: tuple[Certificate, ...]
    valid_from: datetime
    valid_until: datetime
    proof: InitVar[object]

    def __post_init__(self, proof: object) -> None:
        if proof is not _PROOF:
            raise TypeError("only the validation of a chain makes a VerifiedPeer")


@dataclass(frozen=True, slots=True)
class _Issuer:
    """A centre that was part of an accepted path; all threads share its parsed form."""

    parsed: LeanCertificate
    certificate: Certificate


class ChainValidator:
    """Validates chains against fixed trust anchors, and remembers those it accepted.

    A chain that was accepted is known again by its digest, for as long as all of its path is
    valid; at most ``cache_size`` chains are remembered, the least recently used is forgotten.
    Refusals are not remembered. Safe to call from several threads.

    Raises CertificateUnsuitableError if there are no anchors, or if ``check`` refuses one.
    """

    def __init__(
        self,
        trust_anchors: Sequence[Certificate],
        *,
        cache_size: int = DEFAULT_CACHE_SIZE,
        check: Callable[[Certificate], None] | None = None,
        intermediates: Iterable[Certificate] = (),
    ) -> None:
        if not trust_anchors:
            raise CertificateUnsuitableError("no trust anchors: nobody could be trusted")
        for anchor in trust_anchors:
            (check or check_anchor)(anchor)
        self._anchors = [make_anchor(parse_certificate(anchor.der)) for anchor in trust_anchors]
        self._intermediates = Intermediates(intermediates)
        self._names_bound = any(anchor.constrains_names for anchor in trust_anchors)
        self._signatures = GostSignatureValidator()
        outlines = [Outline.read(anchor.der) for anchor in trust_anchors]
        self._anchor_outlines = {outline.der: outline for outline in outlines}
        self._anchor_keys = frozenset(outline.key for outline in outlines)
        self._centres = KnownCentres(trust_anchors, self._signatures)
        self._accepted: ProvenCache[VerifiedPeer] = ProvenCache(cache_size)
        self._leaves: ProvenCache[Certificate] = ProvenCache(cache_size)
        self._read = functools.lru_cache(_READ)(Certificate.from_der)
        self._issuers: ProvenCache[_Issuer] = ProvenCache(_ISSUERS)
        self._centre_paths: ProvenCache[_Path] = ProvenCache(_ISSUERS)

    def certificate(self, der: bytes) -> Certificate:
        """Read a certificate that anyone may have made; one of an accepted leaf is not read again.

        This proves nothing. Raises CertificateUnsuitableError if it is not a certificate of ours.
        """
        return self._leaves.find(der) or self._read(der)

    def verify_client(self, chain: Sequence[bytes], at: datetime) -> VerifiedPeer:
        """Validate a user's chain (DER, leaf first) at the aware time ``at``.

        The chain may lack certificates that are among the intermediates. The leaf must allow
        digitalSignature and clientAuth, where it has the extensions that
        say so. Raises CertificateUntrustedError, CertificateExpiredError or
        CertificateUnsuitableError, with a text for the operator.
        """
        chain = self._intermediates.complete(chain, MAX_CHAIN_LENGTH)
        return self._verify((b"client",), chain, at, _check_client)

    def verify_server(self, chain: Sequence[bytes], at: datetime, domain: str) -> VerifiedPeer:
        """Validate the chain of the server of ``domain``; otherwise like ``verify_client``.

        The leaf must allow digitalSignature, and its names must match. extKeyUsage is not checked:
        the centres give domains the purposes of users, and the name ties a certificate to the
        server.
        """
        purpose = (b"server", domain.encode("utf-8", "surrogatepass"))
        return self._verify(
            purpose, chain, at, lambda path: check_server(path[0], domain, path[1:])
        )

    def verify_signer(self, chain: Sequence[bytes], at: datetime) -> VerifiedPeer:
        """Validate the chain of somebody who signed a document; otherwise like ``verify_client``.

        The leaf must allow digitalSignature or nonRepudiation, where it has a keyUsage.
        extKeyUsage is not asked: it has no purpose for documents.
        """
        return self._verify((b"signer",), chain, at, lambda path: _check_document(path[0]))

    def verify_time_stamp_authority(self, chain: Sequence[bytes], at: datetime) -> VerifiedPeer:
        """Validate the chain of an authority that stamps times; otherwise like ``verify_client``.

        The leaf must have the purpose timeStamping (RFC 3161, 2.3).
        """
        return self._verify((b"stamps",), chain, at, lambda path: _check_stamping(path[0]))

    def verify_centre(self, chain: Sequence[bytes], at: datetime) -> VerifiedPeer:
        """Validate the chain of a centre, for an operator who wants to know before trusting it.

        The leaf must be allowed to issue. It may have the name and the key of an anchor, because a
        root is renewed like that. It gives nobody a tunnel. Otherwise like ``verify_client``.
        """
        return self._verify((b"centre",), chain, at, _check_centre, for_a_centre=True)

    def _verify(
        self,
        purpose: tuple[bytes, ...],
        chain: Sequence[bytes],
        at: datetime,
        check: Callable[[Sequence[Certificate]], None],
        *,
        for_a_centre: bool = False,
    ) -> VerifiedPeer:
        if at.tzinfo is None:
            raise ValueError("the time of a validation must know its zone")
        if not 0 < len(chain) <= MAX_CHAIN_LENGTH:
            raise CertificateUnsuitableError(
                f"a chain of {len(chain)} certificates; it must have 1 to {MAX_CHAIN_LENGTH}"
            )
        size = sum(len(der) for der in chain)
        if size > MAX_CHAIN_SIZE:
            raise CertificateUnsuitableError(
                f"a chain of {size} bytes; {MAX_CHAIN_SIZE} is the limit"
            )
        key = key_of(*purpose, *chain)
        peer = self._accepted.find(key)
        # A path that has expired since is validated again, to get the text of the error.
        if peer is None or not peer.valid_from <= at <= peer.valid_until:
            self._accepted.discard(key)
            peer = self._validate(chain, at, check, for_a_centre=for_a_centre)
            self._accepted.add(key, peer)
            self._leaves.add(peer.leaf.der, peer.leaf)
        return peer

    def _validate(
        self,
        chain: Sequence[bytes],
        at: datetime,
        check: Callable[[Sequence[Certificate]], None],
        *,
        for_a_centre: bool,
    ) -> VerifiedPeer:
        # A certificate that no known centre has signed is not decoded: it comes from a stranger.
        vouched = self._centres.vouched(chain)
        path = None if for_a_centre else self._short_way(vouched, at)
        if path is None:
            path = self._long_way(vouched, at, for_a_centre=for_a_centre)
        check(path)
        return VerifiedPeer(
            leaf=path[0],
            path=path,
            valid_from=max(certificate.not_before for certificate in path),
            valid_until=min(certificate.not_after for certificate in path),
            proof=_PROOF,
        )

    def _short_way(self, vouched: Sequence[bytes], at: datetime) -> _Path | None:
        """Return the path if its last link is plain and the rest is proven, or else None."""
        try:
            leaf, *others = (
                Outline.read(der) for der in vouched if der not in self._anchor_outlines
            )
            issuer = only_issuer(leaf, [*self._anchor_outlines.values(), *others])
            known = issuer and self._signatures.remembers(issuer.key, leaf.body, leaf.signature)
            if issuer is None or not known or leaf.key in self._anchor_keys:
                return None
            shown = [other.der for other in others if other is not issuer]
            path = (self.certificate(leaf.der), *self._path_of_centre([issuer.der, *shown], at))
            return path if is_plain(path, leaf, at) else None
        except (ValueError, CertificateError):
            return None

    def _path_of_centre(self, chain: Sequence[bytes], at: datetime) -> _Path:
        key = key_of(*chain)
        path = self._centre_paths.find(key)
        if path is None:
            path = self._validate(chain, at, _check_centre, for_a_centre=True).path
            self._centre_paths.add(key, path)
        return path

    def _long_way(self, vouched: Sequence[bytes], at: datetime, *, for_a_centre: bool) -> _Path:
        bound = self._names_bound or any(binds_names(der) for der in vouched)
        parsed = [self._parse(der, names_are_bound=bound) for der in vouched]
        certificates = find_path(
            parsed[0],
            parsed[1:],
            self._anchors,
            at,
            signatures=self._signatures,
            for_a_centre=for_a_centre,
        )
        return (
            Certificate.from_parsed(parsed[0]),
            *(self._issuer(certificate, names_are_bound=bound) for certificate in certificates[1:]),
        )

    def _parse(self, der: bytes, *, names_are_bound: bool) -> LeanCertificate:
        known = self._issuers.find(key_of(der, bytes([names_are_bound])))
        return known.parsed if known else parse_certificate(der, names_are_bound=names_are_bound)

    def _issuer(self, parsed: LeanCertificate, *, names_are_bound: bool) -> Certificate:
        """One object for each centre, however many users are remembered with it."""
        key = key_of(parsed.dump(), bytes([names_are_bound]))
        issuer = self._issuers.find(key)
        if issuer is None:
            issuer = _Issuer(parsed, Certificate.from_parsed(parsed))
            self._issuers.add(key, issuer)
        return issuer.certificate


def check_anchor(certificate: Certificate) -> None:
    """Raise CertificateUnsuitableError unless the certificate may be a trust anchor.

    Every anchor can issue any name. So the certificate of a user or a domain must not become one.
    """
    if not certificate.may_issue:
        raise CertificateUnsuitableError(
            f"{certificate.label} is not a CA certificate (basicConstraints, keyCertSign), so it"
            " cannot be a trust anchor; take it out of the truststore"
        )


def check_plain_root(certificate: Certificate) -> None:
    """Raise CertificateUnsuitableError unless ``check_anchor`` passes, or it is a plain root.

    A plain root is its own issuer, and has no extension that says whether it may issue: neither
    basicConstraints nor keyUsage. RFC 5280, section 6.1.1 leaves it to the operator whom to trust.
    """
    own = certificate.key_usage is None and certificate.names(certificate)
    if not own or certificate.extended_key_usage is not None:
        check_anchor(certificate)


def check_server(leaf: Certificate, domain: str, issuers: Sequence[Certificate] = ()) -> None:
    """Raise CertificateUnsuitableError unless ``leaf`` may stand for ``domain``.

    It must allow digitalSignature, and one of its names must match. ``issuers`` are the rest
    of its path, where that is known.
    """
    _check_signing(leaf)
    try:
        wanted = normalise_domain(domain)
    except ValueError as fault:
        raise CertificateUnsuitableError(f"no certificate can match: {fault}") from fault
    if not any(domain_matches(name, wanted) for name in _names(leaf, issuers)):
        # The message shows only domains: the common name of a user is the name of a person.
        shown = ", ".join(leaf.dns_names[:_SHOWN_NAMES]) or "no domain by subjectAltName"
        raise CertificateUnsuitableError(f"{leaf.label} is not one of {wanted}: it is for {shown}")


def _names(leaf: Certificate, issuers: Sequence[Certificate]) -> Sequence[str]:
    """Return the names that the leaf may be known by.

    The common name counts only for a certificate that has no subjectAltName at all (RFC 6125,
    6.4.4). Under a CA with name constraints neither a common name nor a wildcard counts: the
    constraints do not apply to a common name, and a wildcard can cover an excluded name.
    """
    if any(issuer.constrains_names for issuer in issuers):
        return [name for name in leaf.dns_names if not name.startswith("*")]
    if leaf.has_alternative_names or leaf.common_name is None:
        return leaf.dns_names
    return [leaf.common_name]


def _check_client(path: Sequence[Certificate]) -> None:
    leaf = path[0]
    _check_signing(leaf)
    purposes = leaf.extended_key_usage
    if purposes is not None and not purposes & _CLIENT_PURPOSES:
        raise CertificateUnsuitableError(
            f"{leaf.label} is not for signing in: its extKeyUsage has no clientAuth, only"
            f" {', '.join(sorted(purposes))}; use a certificate issued to a user"
        )


def _check_centre(path: Sequence[Certificate]) -> None:
    leaf = path[0]
    if not leaf.may_issue:
        raise CertificateUnsuitableError(
            f"{leaf.label} is not a CA certificate (basicConstraints, keyCertSign)"
        )


def _check_document(leaf: Certificate) -> None:
    if leaf.key_usage is not None and not leaf.key_usage & _DOCUMENT_USAGES:
        raise CertificateUnsuitableError(
            f"{leaf.label} may not sign documents: its keyUsage has neither digitalSignature nor"
            f" nonRepudiation, only {', '.join(sorted(leaf.key_usage))}"
        )


def _check_stamping(leaf: Certificate) -> None:
    _check_document(leaf)
    if "timeStamping" not in (leaf.extended_key_usage or ()):
        raise CertificateUnsuitableError(
            f"{leaf.label} may not stamp times: its extKeyUsage has no timeStamping"
        )


def _check_signing(leaf: Certificate) -> None:
    if leaf.key_usage is not None and "digitalSignature" not in leaf.key_usage:
        raise CertificateUnsuitableError(
            f"{leaf.label} may not sign: its keyUsage has no digitalSignature, only"
            f" {', '.join(sorted(leaf.key_usage))}; use a certificate issued for signatures"
        )

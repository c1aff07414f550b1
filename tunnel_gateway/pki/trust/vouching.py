"""Which certificates of a shown chain a known centre has signed, before any of them is decoded.

Until a known centre has signed a certificate, anyone can write anything into it. So the
certificates of a stranger are first only outlined (slices of their bytes), and their signatures are
checked from the trust anchors down to the leaf. A certificate that no known centre has signed is
never decoded; if it is the leaf, the chain is refused. `paths` decides whether the path is right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature

from tunnel_gateway.errors import CertificateError, CertificateUnsuitableError
from tunnel_gateway.pki.certificates import names
from tunnel_gateway.pki.certificates.certificate import Certificate, label
from tunnel_gateway.pki.encoding import der
from tunnel_gateway.pki.encoding.outline import Outline
from tunnel_gateway.pki.trust import refusals
from tunnel_gateway.pki.trust.paths import MAX_SIGNATURE_CHECKS, GostSignatureValidator

# Of eight centres, 256 bytes each. Names beyond it are compared as they are written.
_MAX_NAMES_SIZE: Final = 2048


@dataclass(frozen=True, slots=True)
class _Centre:
    """A possible signer; ``der`` is its key, ``identifier`` its subjectKeyIdentifier."""

    der: bytes
    identifier: bytes | None


_Centres = dict[object, list[_Centre]]


def _add_centre(centres: _Centres, name: object, outline: Outline) -> None:
    """Add one, unless it is known under that name with that key: a root and its successor are."""
    known = centres.get(name, [])
    if all(centre.der != outline.key for centre in known):
        centres[name] = [*known, _Centre(outline.key, outline.key_identifiers()[1])]


class KnownCentres:
    """The trust anchors, by the resemblance of their names."""

    def __init__(self, anchors: Sequence[Certificate], signatures: GostSignatureValidator) -> None:
        self._signatures = signatures
        self._ders = frozenset(anchor.der for anchor in anchors)
        self._names: dict[bytes, object] = {}
        self._centres: _Centres = {}
        for anchor in anchors:
            outline = Outline.read(anchor.der)
            name = names.resemblance(outline.subject)
            self._names[outline.subject] = name
            _add_centre(self._centres, name, outline)

    def vouched(self, chain: Sequence[bytes]) -> list[bytes]:
        """Return the leaf and the certificates of the chain between it and a trust anchor.

        Raises CertificateUntrustedError, with the reason, if nothing leads to the leaf, and
        CertificateUnsuitableError if its issuer is not a CA, or for bytes that are not built like a
        certificate.
        """
        try:
            outlines = [Outline.read(data) for data in dict.fromkeys(chain)]
            search = _Search(self._signatures, self._names, dict(self._centres))
            proven = search.run(outlines, self._ders)
            if outlines[0] not in proven:
                raise search.refusal(outlines, proven)
        except ValueError as fault:
            raise CertificateUnsuitableError(f"malformed certificate: {fault}") from fault
        return [outline.der for outline in outlines if outline in proven]


class _Search:
    """The search in one chain: its bounds, and where signatures were wrong."""

    def __init__(
        self,
        signatures: GostSignatureValidator,
        known_names: Mapping[bytes, object],
        known_centres: _Centres,
    ) -> None:
        self._signatures = signatures
        self._names = names.Resemblances(_MAX_NAMES_SIZE, known_names)
        self._centres = known_centres
        self._checks = 0
        self._wrong: dict[bytes, _Centre] = {}

    def run(self, outlines: Sequence[Outline], anchors: frozenset[bytes]) -> list[Outline]:
        """Return those that a known centre has signed, directly or through others of them."""
        proven = [outline for outline in outlines if outline.der in anchors]
        waiting = [outline for outline in outlines if outline.der not in anchors]
        tried = dict.fromkeys((outline.der for outline in waiting), 0)
        progress = True
        while progress:
            progress = False
            for outline in list(waiting):
                known = self._centres.get(self._names.of(outline.issuer), [])
                untried, tried[outline.der] = known[tried[outline.der] :], len(known)
                if any(self._signed(outline, centre) for centre in untried):
                    progress = True
                    waiting.remove(outline)
                    proven.append(outline)
                    if outline.is_ca():  # else its owner could make certificates for us to read
                        _add_centre(self._centres, self._names.of(outline.subject), outline)
        return proven

    def _signed(self, outline: Outline, centre: _Centre) -> bool:
        self._checks += 1
        if self._checks > MAX_SIGNATURE_CHECKS:
            raise refusals.too_many_ways()
        try:
            self._signatures.check(outline.signature, outline.body, centre.der, outline.algorithm)
        except (InvalidSignature, *der.MALFORMED):
            self._wrong.setdefault(outline.der, centre)
            return False
        return True

    def refusal(self, outlines: Sequence[Outline], proven: Sequence[Outline]) -> CertificateError:
        """Return why nobody vouches for the leaf: an issuer is missing, or bytes were altered."""
        leaf, culprit, others = _label(outlines[0]), outlines[0], list(outlines[1:])
        while culprit.der not in self._wrong:
            issuers = [outline for outline in others if outline.subject == culprit.issuer]
            if not issuers:
                if culprit.issuer == culprit.subject:
                    return refusals.unknown_root(leaf, _label(culprit))
                return refusals.no_issuer(leaf, _label(culprit))
            culprit = issuers[0]
            if culprit in proven:
                return refusals.no_centre(leaf, _label(culprit))
            others.remove(culprit)
        wanted, actual = culprit.key_identifiers()[0], self._wrong[culprit.der].identifier
        if wanted and actual and wanted != actual:
            return refusals.another_key(leaf, _label(culprit), wanted, actual)
        return refusals.wrong_signature(_label(culprit))


def _label(outline: Outline) -> str:
    return label(outline.serial, names.distinguished_name(outline.issuer))

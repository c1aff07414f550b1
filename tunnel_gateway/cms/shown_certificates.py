"""The certificates in one message, in outline: the one of a signer, and those that issued it.

A message has the certificates of all its signers, in any order, and anyone can add others. So they
are split into their parts here, and none of them is decoded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from tunnel_gateway.cms.signed_data import Signer
from tunnel_gateway.errors import SignedDataError
from tunnel_gateway.pki.certificates import names
from tunnel_gateway.pki.encoding.outline import Outline
from tunnel_gateway.pki.trust.validation import MAX_CHAIN_LENGTH

# Of sixteen centres, 256 bytes each. Names beyond it are compared as they are written.
_MAX_NAMES_SIZE: Final = 4096


class ShownCertificates:
    """The certificates of a message; values that are not built like a certificate are left out."""

    def __init__(self, certificates: Sequence[bytes]) -> None:
        self._outlines = list(_outlines(certificates))
        self._names = names.Resemblances(_MAX_NAMES_SIZE)

    def of_signer(self, signer: Signer) -> Outline:
        """Return the certificate that the signer names by issuer and serial number.

        Raises SignedDataError if it is not there.
        """
        for outline in self._outlines:
            if outline.serial == signer.serial and outline.issuer == signer.issuer:
                return outline
        raise SignedDataError(
            f"the certificate {signer.serial_hex} of a signer is not in the message"
        )

    def chain(self, leaf: Outline) -> list[bytes]:
        """Return the leaf and the certificates that may have issued it, in DER, leaf first."""
        chain = [leaf]
        for link in chain:  # which grows meanwhile
            if len(chain) >= MAX_CHAIN_LENGTH:
                break
            if link.issuer == link.subject:
                continue
            known = {link.der for link in chain}
            others = [outline for outline in self._outlines if outline.der not in known]
            issuers = [outline for outline in others if outline.subject == link.issuer]
            # Some centres write their name in two ways. That is rare, and takes longer to see.
            chain += issuers or self._resembling(link.issuer, others)
        return [link.der for link in chain[:MAX_CHAIN_LENGTH]]

    def _resembling(self, name: bytes, outlines: Sequence[Outline]) -> list[Outline]:
        return [
            outline
            for outline in outlines
            if self._names.of(outline.subject) == self._names.of(name)
        ]


def _outlines(certificates: Sequence[bytes]) -> Iterator[Outline]:
    for der in dict.fromkeys(certificates):
        try:
            yield Outline.read(der)
        except ValueError:
            continue

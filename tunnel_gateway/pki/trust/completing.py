"""Chains that come too short are completed with the certificates of known centres.

A client of STP shows its own certificate and nothing else, and other clients may have lost the rest
of their chain. A centre that is only known here is not trusted for that: it counts on a path to a
trust anchor.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.encoding.outline import Outline


class Intermediates:
    """The certificates of centres, by the names that they issue in.

    A name is found if it has the same bytes: a centre writes its own name in one way.
    """

    def __init__(self, certificates: Iterable[Certificate] = ()) -> None:
        self._by_subject: dict[bytes, list[Outline]] = {}
        for certificate in certificates:
            outline = Outline.read(certificate.der)
            self._by_subject.setdefault(outline.subject, []).append(outline)

    def complete(self, chain: Sequence[bytes], length: int) -> Sequence[bytes]:
        """Return the chain (DER, leaf first) with the issuers that it lacks behind it.

        The whole has at most ``length`` certificates. A chain that cannot be read stays as it is,
        because its validation says what is wrong.
        """
        if not self._by_subject or len(chain) >= length:
            return chain
        try:
            names = [Outline.read(der).issuer for der in chain]
        except ValueError:
            return chain
        complete = list(chain)
        for name in names:  # it grows
            for issuer in self._by_subject.get(name, ()):
                if issuer.der not in complete and len(complete) < length:
                    complete.append(issuer.der)
                    names.append(issuer.issuer)
        return complete

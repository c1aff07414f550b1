"""Views of certificates: whole, as a verification shows them, and in short, as a sign-in does.

Names and values are those of the guide, sections 2.2.2 and 2.2.4. A name is shown twice: as one
text, and as its attributes. If an attribute comes several times, the last value is shown.
"""

from __future__ import annotations

import contextlib
import functools
from base64 import b64encode
from typing import Any, Final

from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.certificates.names import labelled
from tunnel_gateway.pki.encoding import ber
from tunnel_gateway.pki.encoding.der import dotted
from tunnel_gateway.pki.encoding.outline import Outline
from tunnel_gateway.pki.trust.proven import ProvenCache
from tunnel_gateway.rest.views.local_times import times

View = dict[str, Any]

# Users of the last hours, and the centres above them. A view has 3 KB, so all have some 6 MB.
_KEPT: Final = 2048
# The names of centres come again with every user.
_ISSUERS: Final = 256
_VALIDITY: Final = ("validFrom", "validFromUtc", "validTo", "validToUtc")
_KEY_PARTS: Final = 2
_PARAMETERS: Final = 3


class CertificateViews:
    """Makes views of proven certificates, and keeps them: most certificates come again.

    A view that is kept is shared, so nobody may change it. A certificate that no trust anchor
    vouches for must not come here: strangers could push all others out. Safe to call from several
    threads.
    """

    def __init__(self) -> None:
        self._kept: ProvenCache[View] = ProvenCache(_KEPT)

    def __len__(self) -> int:
        return len(self._kept)

    def of_proven(self, certificate: Certificate) -> View:
        """Return the whole view of a certificate on a proven path."""
        key = bytes.fromhex(certificate.fingerprint)
        view = self._kept.find(key)
        if view is None:
            view = certificate_view(certificate)
            self._kept.add(key, view)
        return view


def certificate_view(certificate: Certificate) -> View:
    """Return the whole view of a certificate."""
    outline = Outline.read(certificate.der)
    return {
        "subjectInfo": dict(labelled(outline.subject)),
        "issuerInfo": _issuer_info(outline.issuer),
        "serialNumber": certificate.serial_hex,
        "subjectName": certificate.subject,
        **times(validFrom=certificate.not_before, validTo=certificate.not_after),
        "issuerName": certificate.issuer,
        "publicKey": {
            "keyAlgName": certificate.family.name,
            "publicKey": b64encode(outline.key).decode(),
            "paramSetOID": _parameter_set(certificate, outline.key),
        },
        "signature": {
            "signAlgName": certificate.signature_algorithm,
            "signature": outline.signature.hex(),
        },
    }


def subject_view(whole: View) -> View:
    """Return the short view: whose certificate it is, for how long, and where its key is kept.

    ``paramSetOID`` tells the last: files, ID cards and tokens have different parameter sets.
    """
    key = whole["publicKey"]
    return {
        "serialNumber": whole["serialNumber"],
        "X500Name": whole["subjectName"],
        "subjectName": whole["subjectInfo"],
        **{name: whole[name] for name in _VALIDITY},
        "publicKeyParameter": {name: key[name] for name in ("keyAlgName", "paramSetOID")},
    }


@functools.lru_cache(_ISSUERS)
def _issuer_info(name: bytes) -> dict[str, str]:
    return dict(labelled(name))


def _parameter_set(certificate: Certificate, key: bytes) -> str:
    """Return the identifier of the key's parameter set, or the usual one of its curve.

    The certificate was read already. But its writer can encode the key oddly, as DER forbids.
    """
    family = certificate.family
    with contextlib.suppress(ValueError):
        algorithm, _ = ber.read(key).children(_KEY_PARTS)
        _, parameters = algorithm.children(_KEY_PARTS)
        oid = dotted(bytes(parameters.children(_PARAMETERS)[0].contents))
        if oid in family.parameter_sets:
            return oid
    return family.parameter_set(certificate.public_key.curve)

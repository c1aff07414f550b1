"""The readers of what says whether a certificate is revoked: OCSP, both ways, and lists."""

from __future__ import annotations

import functools
import os
from typing import Any

from asn1crypto import crl
from cryptography.x509.ocsp import load_der_ocsp_response

from tests.support.pki import MADE, NOW, authority, user
from tests.support.revocation import HOUR, Reply, delegate, entry, make_list, with_entries
from tunnel_gateway.pki import responding
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.encoding import ber, pem, tags
from tunnel_gateway.pki.status import ocsp
from tunnel_gateway.pki.status.crl import RevocationList


@functools.cache
def _asked_about() -> Certificate:
    return user().leaf


def read_answer(data: bytes) -> None:
    """Read it as the answer about one certificate."""
    centre = authority().centre.leaf
    ocsp.read_answer(data, _asked_about(), centre, NOW, bytes(ocsp.NONCE_SIZE))


def answer_request(data: bytes) -> None:
    """Whatever comes, the answer is one that another reader can read."""
    centre = authority().centre
    answer, _ = responding.answer_request(
        data,
        [responding.Responder(centre.leaf, centre)],
        lambda _issuer, serial: responding.Status(is_issued=bool(serial % 2)),
        now=NOW,
        next_update=NOW,
        entropy=os.urandom,
    )
    load_der_ocsp_response(answer)


def read_list(data: bytes) -> None:
    """Read a list, look a certificate up, and prove by whom it is."""
    found = RevocationList(data)
    about = _asked_about()
    listed = found.entries()
    assert len(listed) <= len(found)
    assert (found.revoked(about.serial) is not None) == (about.serial in listed)
    found.covers(about)
    found.vouches_for(about)
    found.proven_by(authority().centre.leaf).content.check_current(NOW)


def answer_seeds() -> list[bytes]:
    """Answers by the centre and by a responder, and a refusal."""
    centre = authority().centre
    request = ocsp.make_request(_asked_about(), centre.leaf, bytes(ocsp.NONCE_SIZE))
    responder = delegate(centre, "OCSPSigning", at=MADE)
    times: dict[str, Any] = {"this_update": NOW - HOUR, "next_update": NOW + HOUR}
    return [
        Reply(centre, centre.leaf, **times)(request),
        Reply(centre, centre.leaf, status="revoked", by_key=True, **times)(request),
        Reply(responder, centre.leaf, shown=[responder.leaf], nonce=b"", **times)(request),
        b"\x30\x03\x0a\x01\x03",  # try later
    ]


def request_seeds() -> list[bytes]:
    """A request of ours."""
    return [ocsp.make_request(user().leaf, authority().centre.leaf, bytes(ocsp.NONCE_SIZE))]


def list_seeds() -> list[bytes]:
    """Lists with entries of each kind, for users only, and in PEM."""
    centre = authority().centre
    reason = ber.write(tags.SEQUENCE, b"\x06\x03\x55\x1d\x15\x04\x03\x0a\x01\x06")
    serial = _asked_about().serial
    kept = serial.to_bytes(serial.bit_length() // 8 + 1)
    entries = (entry(kept, more=ber.write(tags.SEQUENCE, reason)), entry(b"\x05"))
    point = crl.TBSCertListExtension(
        {
            "extn_id": "issuing_distribution_point",
            "critical": True,
            "extn_value": {"only_contains_user_certs": True},
        }
    )
    plain = make_list(centre, serial, 1, at=NOW)
    return [
        plain,
        with_entries(centre, *entries, at=NOW),
        with_entries(centre, *entries, at=NOW, extra=point.dump()),
        make_list(centre, at=NOW),
        pem.armour("X509 CRL", plain),
    ]

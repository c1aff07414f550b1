"""An upload for a mobile document, checked before it is kept.

Nobody proves who sends an upload, so the message must prove itself. It has one signer and not its
document. The signature is right: over the challenge of a sign-in, or over the digest in the message
itself for a document, which is not here. The serial number beside the message is that of the
signer. The signer's certificate leads to a trust anchor, so strangers cannot make such a message;
whether it is valid now is asked later.

A challenge is new, but a document may be an old one: strangers may have its signature, and every
other signature that was ever published. So a document must be signed now.
"""

from __future__ import annotations

from datetime import timedelta

from tunnel_gateway.cms.signed_data import SignedData, parse_signed_data
from tunnel_gateway.errors import SignedDataError
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.trust.validation import VerifiedPeer
from tunnel_gateway.rest.mobile.documents import MobileDocument, Purpose
from tunnel_gateway.rest.present_signer import judge_present
from tunnel_gateway.rest.statuses import Reason, Refusal
from tunnel_gateway.rest.verification import Verifier


def check_upload(
    verifier: Verifier, document: MobileDocument, message: bytes, serial: str, window: timedelta
) -> VerifiedPeer:
    """Return the proven signer of a message for ``document``.

    ``serial`` is the serial number of the certificate, in hexadecimal or decimal digits. A document
    must be signed within ``window`` of the present time. The time of a sign-in is judged later,
    when the user can be told.

    Raises Refusal with the fault, SignedDataError for a malformed message.
    """
    signed = parse_signed_data(message)
    if signed.content is not None:
        raise SignedDataError("its document is inside; it must be detached")
    signer = judge_present(verifier, signed, _signed_digest(document, signed))
    signer.expect_right_signature()
    peer = signer.expect_trusted()
    leaf = peer.leaf
    # The guide does not say in which form the vendor's system writes it.
    if serial.lstrip("0").lower() not in (leaf.serial_hex.lstrip("0"), str(leaf.serial)):
        raise Refusal(Reason.SIGNATURE_WRONG, f"serial_number is not that of the {leaf.label}")
    if document.purpose is Purpose.DOCUMENT:
        signer.expect_time(verifier.clock(), window)
    return peer


def _signed_digest(document: MobileDocument, signed: SignedData) -> bytes:
    if document.purpose is Purpose.SIGN_IN:
        return digest(document.challenge.encode())
    return signed.signers[0].message_digest if signed.signers else b""

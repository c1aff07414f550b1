"""How a side proves that it holds its certificate's key, and how the other side checks it.

Both work on the same running transcript: chain and dst_id, then the signature over it, then
the finished value over that.
"""

from __future__ import annotations

from collections.abc import Callable
from hmac import compare_digest

from cryptography.exceptions import InvalidSignature

from tunnel_gateway.errors import BadSignatureError
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.gost.signature import sign, verify
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.pki.trust.validation import VerifiedPeer
from tunnel_gateway.protocol.key_schedule import Transcript, finished_value
from tunnel_gateway.protocol.messages import Authentication


def signed_digest(label: bytes, transcript_hash: bytes) -> bytes:
    """Return the 32 bytes that are signed (the form of RFC 8446, section 4.4.3)."""
    return digest(b" " * 64 + label + b"\0" + transcript_hash)


def claim(identity: Identity, dst_id: str | None) -> bytes:
    """Return the first part of message 3 or 4, which the signature is over.

    Raises ProtocolViolationError for a chain or a dst_id that no message can carry.
    """
    chain = tuple(certificate.der for certificate in identity.chain)
    return Authentication(chain, dst_id, b"", b"").signed_part()


def prove(
    identity: Identity,
    transcript: Transcript,
    *,
    label: bytes,
    traffic_secret: bytes,
    dst_id: str | None,
    entropy: bytes,
) -> bytes:
    """Return the body of message 3 or 4 and add it to the transcript.

    ``traffic_secret`` is our side's handshake secret; ``entropy`` is 32 bytes.
    """
    signed_part = claim(identity, dst_id)
    transcript.add(signed_part)
    signature = sign(identity.private_key, signed_digest(label, transcript.hash()), entropy)
    transcript.add(signature)
    finished = finished_value(traffic_secret, transcript.hash())
    transcript.add(finished)
    return signed_part + signature + finished


def check(
    message: Authentication,
    transcript: Transcript,
    *,
    label: bytes,
    traffic_secret: bytes,
    verify_chain: Callable[[tuple[bytes, ...]], VerifiedPeer],
) -> VerifiedPeer:
    """Return who the peer is, and add its message to the transcript.

    ``traffic_secret`` is the peer's handshake secret. Raises BadSignatureError, and the
    CertificateError of ``verify_chain``.
    """
    transcript.add(message.signed_part())
    signed = signed_digest(label, transcript.hash())
    transcript.add(message.signature)
    # The finished value costs the least, so it is looked at first.
    if not compare_digest(message.finished, finished_value(traffic_secret, transcript.hash())):
        raise BadSignatureError("the finished value does not match the handshake")
    peer = verify_chain(message.chain)
    try:
        verify(peer.leaf.public_key, message.signature, signed)
    except InvalidSignature:
        raise BadSignatureError(
            f"the signature does not verify with the key of {peer.leaf.label}"
        ) from None
    transcript.add(message.finished)
    return peer

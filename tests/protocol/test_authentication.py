"""Proving and checking: what is signed, in which order it is checked, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature

from tests.support.entropy import Entropy
from tests.support.pair import DST_ID, user_identity, validator
from tests.support.pki import NOW, stranger, user
from tests.support.reference_protocol import signed_text
from tunnel_gateway.errors import (
    BadSignatureError,
    CertificateUntrustedError,
    ProtocolViolationError,
)
from tunnel_gateway.gost.curves import CURVES, Curve
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.gost.signature import verify
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.pki.trust.validation import VerifiedPeer
from tunnel_gateway.protocol.authentication import check, claim, prove, signed_digest
from tunnel_gateway.protocol.key_schedule import Transcript, finished_value
from tunnel_gateway.protocol.messages import Authentication

LABEL = b"E-IMZO tunnel v1, client"
SECRET = bytes(range(32))


def transcript_so_far() -> Transcript:
    transcript = Transcript()
    transcript.add(b"both hellos")
    return transcript


def proof(identity: Identity, transcript: Transcript | None = None, **changes: Any) -> bytes:
    arguments: dict[str, Any] = {
        "label": LABEL,
        "traffic_secret": SECRET,
        "dst_id": DST_ID,
        "entropy": Entropy("proof")(32),
    }
    return prove(identity, transcript or transcript_so_far(), **arguments | changes)


def verify_chain(chain: tuple[bytes, ...]) -> VerifiedPeer:
    return validator().verify_client(chain, NOW)


def checked(body: bytes, transcript: Transcript | None = None, **changes: Any) -> VerifiedPeer:
    message = Authentication.parse(body, with_dst_id=True)
    arguments: dict[str, Any] = {
        "label": LABEL,
        "traffic_secret": SECRET,
        "verify_chain": verify_chain,
    }
    return check(message, transcript or transcript_so_far(), **arguments | changes)


def test_what_is_signed() -> None:
    text = signed_text("client", digest(b"both hellos"))
    assert text.startswith(b" " * 64 + LABEL + b"\0")
    assert signed_digest(LABEL, digest(b"both hellos")) == digest(text)


def test_a_proof_is_accepted_and_both_transcripts_go_on_alike() -> None:
    ours, theirs = transcript_so_far(), transcript_so_far()
    peer = checked(proof(user_identity(), ours), theirs)
    assert peer.leaf == user_identity().leaf
    assert ours.hash() == theirs.hash() != transcript_so_far().hash()


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
def test_the_certificate_may_lie_on_any_curve(curve: Curve) -> None:
    identity = user(curve=curve)
    assert checked(proof(identity)).leaf == identity.leaf


def test_the_claim_is_a_prefix_of_the_message_and_what_the_signature_is_over() -> None:
    body, identity = proof(user_identity()), user_identity()
    part = claim(identity, DST_ID)
    assert body.startswith(part)
    transcript = transcript_so_far()
    transcript.add(part)
    signed = signed_digest(LABEL, transcript.hash())
    verify(identity.leaf.public_key, body[len(part) : -32], signed)
    with pytest.raises(InvalidSignature):
        verify(identity.leaf.public_key, body[len(part) : -32], digest(signed))


def test_the_finished_value_covers_the_signature() -> None:
    body = proof(user_identity())
    transcript = transcript_so_far()
    transcript.add(body[:-32])
    assert body[-32:] == finished_value(SECRET, transcript.hash())


def test_other_entropy_gives_another_signature() -> None:
    one, other = proof(user_identity()), proof(user_identity(), entropy=Entropy("other")(32))
    assert one[:-96] == other[:-96]
    assert one[-96:-32] != other[-96:-32]
    assert checked(other).leaf == user_identity().leaf


@pytest.mark.parametrize("dst_id", ["x" * 256, "\udcff"])
def test_a_claim_that_cannot_be_sent(dst_id: str) -> None:
    with pytest.raises(ProtocolViolationError):
        claim(user_identity(), dst_id)


def refuse_to_look(chain: tuple[bytes, ...]) -> VerifiedPeer:
    raise AssertionError("the chain was looked at before the finished value")


class TestRefusals:
    def test_another_traffic_secret_before_the_chain_is_looked_at(self) -> None:
        with pytest.raises(BadSignatureError, match="finished value"):
            checked(proof(user_identity()), traffic_secret=bytes(32), verify_chain=refuse_to_look)

    def test_another_transcript(self) -> None:
        other = Transcript()
        other.add(b"other hellos")
        with pytest.raises(BadSignatureError, match="finished value"):
            checked(proof(user_identity()), other, verify_chain=refuse_to_look)

    def test_a_finished_value_that_differs_in_one_bit(self) -> None:
        body = bytearray(proof(user_identity()))
        body[-1] ^= 1
        with pytest.raises(BadSignatureError, match="finished value"):
            checked(bytes(body), verify_chain=refuse_to_look)

    def test_a_signature_of_the_other_side(self) -> None:
        body = proof(user_identity(), label=b"E-IMZO tunnel v1, server")
        with pytest.raises(BadSignatureError, match="does not verify with the key of certificate "):
            checked(body)

    def test_a_signature_by_another_key(self) -> None:
        """A certificate is public: whoever shows it must have its key."""
        thief = user()
        stolen = Authentication.parse(proof(thief), with_dst_id=True)
        shown = replace(stolen, chain=tuple(one.der for one in user_identity().chain))
        with pytest.raises(BadSignatureError, match="does not verify"):
            checked(with_finished(shown))

    def test_a_signature_over_another_dst_id(self) -> None:
        message = Authentication.parse(proof(user_identity()), with_dst_id=True)
        with pytest.raises(BadSignatureError, match="does not verify"):
            checked(with_finished(replace(message, dst_id="other")))

    @pytest.mark.parametrize("signature", [bytes(64), b"\xff" * 64, b"\0" * 63 + b"\1"])
    def test_numbers_that_are_no_signature(self, signature: bytes) -> None:
        message = Authentication.parse(proof(user_identity()), with_dst_id=True)
        with pytest.raises(BadSignatureError, match="does not verify"):
            checked(with_finished(replace(message, signature=signature)))

    def test_the_error_of_the_chain_is_passed_on(self) -> None:
        with pytest.raises(CertificateUntrustedError):
            checked(proof(user(stranger())))


def with_finished(message: Authentication) -> bytes:
    """The message with the finished value that fits it: its sender knows the keys."""
    transcript = transcript_so_far()
    transcript.add(message.signed_part())
    transcript.add(message.signature)
    return replace(message, finished=finished_value(SECRET, transcript.hash())).serialize()

"""Which tokens prove the time of a signature: steps 4 to 7."""

from __future__ import annotations

from typing import Any

import pytest
from asn1crypto import x509
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.judged import holds, judged_stamp
from tests.support.messages import made
from tests.support.pki import DAY, NOW, OFFICER, authority, stranger, user
from tests.support.stamps import stamper, token, usual
from tunnel_gateway.cms import composing
from tunnel_gateway.cms.judging import MAX_AHEAD
from tunnel_gateway.cms.verdicts import Step
from tunnel_gateway.errors import (
    BadSignedDataError,
    CertificateError,
    CertificateExpiredError,
    CertificateUnsuitableError,
    CertificateUntrustedError,
    SignedDataError,
    TimeStampError,
)
from tunnel_gateway.gost.curves import CURVES
from tunnel_gateway.pki.encoding.oids import FAMILIES

SIGNATURE = bytes(range(64))
FIXED = token(SIGNATURE)


@pytest.mark.parametrize("family", FAMILIES, ids=str)
@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
def test_every_family_and_curve(family: Any, curve: Any) -> None:
    identity = stamper(family=family, curve=curve)
    verdict = judged_stamp(token(SIGNATURE, identity=identity), SIGNATURE)
    assert verdict.failed is None
    assert verdict.fault is None
    assert verdict.digest_verified
    assert verdict.verified
    assert verdict.stamp is not None
    assert verdict.stamp.time == NOW
    assert verdict.chain is not None
    assert verdict.chain.certificate == identity.leaf
    assert verdict.chain.certificates[-1] == authority().root.leaf
    assert verdict.chain.valid_at_time


def test_beside_a_signature() -> None:
    message = made()
    (signer,) = holds(
        composing.stamp(message.der, {message.signature: token(message.signature, NOW - DAY)})
    )
    assert signer.stamp is not None
    assert signer.time == NOW - DAY


@pytest.mark.parametrize(
    ("data", "error"),
    [(b"", SignedDataError), (b"\x30\x00", SignedDataError), (made().der, SignedDataError)],
)
def test_a_token_that_cannot_be_read(data: bytes, error: type[Exception]) -> None:
    verdict = judged_stamp(data, SIGNATURE)
    assert verdict.stamp is None
    assert verdict.chain is None
    assert not verdict.digest_verified
    assert not verdict.verified
    assert verdict.failed is Step.STAMP_IMPRINT
    assert type(verdict.fault) is error


def test_a_token_for_another_signature() -> None:
    verdict = judged_stamp(FIXED, bytes(64))
    assert verdict.failed is Step.STAMP_IMPRINT
    assert isinstance(verdict.fault, TimeStampError)
    assert not verdict.digest_verified
    assert not verdict.verified
    # Whose it is can be told all the same.
    assert verdict.chain is not None
    assert verdict.chain.valid_at_time


def test_a_signature_that_is_wrong() -> None:
    flipped = bytearray(FIXED)
    flipped[-1] ^= 1
    verdict = judged_stamp(bytes(flipped), SIGNATURE)
    assert verdict.failed is Step.STAMP_SIGNATURE
    assert isinstance(verdict.fault, BadSignedDataError)
    assert verdict.digest_verified
    assert not verdict.verified


def test_who_may_stamp() -> None:
    refused: list[tuple[Any, type[CertificateError], str]] = [
        (stamper(stranger()), CertificateUntrustedError, "no path leads"),
        (user(person=OFFICER), CertificateUnsuitableError, "no timeStamping"),
        (stamper(extended_key_usage=None), CertificateUnsuitableError, "no timeStamping"),
        (
            stamper(key_usage=frozenset({"keyAgreement"})),
            CertificateUnsuitableError,
            "may not sign",
        ),
    ]
    for identity, error, reason in refused:
        verdict = judged_stamp(token(SIGNATURE, identity=identity), SIGNATURE)
        assert verdict.failed is Step.STAMP_PATH
        assert type(verdict.fault) is error
        assert reason in str(verdict.fault)
        assert verdict.verified
        assert verdict.chain is not None
        assert verdict.chain.certificate == identity.leaf
        assert verdict.chain.peer is None


@pytest.mark.parametrize(
    ("purposes", "critical"),
    [(("time_stamping",), False), (("time_stamping", "email_protection"), True)],
    ids=["not critical", "not alone"],
)
def test_the_purpose_need_not_be_critical_or_alone(
    purposes: tuple[str, ...], critical: bool
) -> None:
    purpose = x509.Extension(
        {"extn_id": "extended_key_usage", "critical": critical, "extn_value": list(purposes)}
    )
    identity = stamper(extended_key_usage=None, extensions=(purpose,))
    assert judged_stamp(token(SIGNATURE, identity=identity), SIGNATURE).failed is None


def test_when_the_authority_may_stamp() -> None:
    for identity in (stamper(not_after=NOW - DAY), stamper(not_before=NOW + DAY)):
        verdict = judged_stamp(token(SIGNATURE, identity=identity), SIGNATURE)
        assert verdict.failed is Step.STAMP_VALIDITY
        assert isinstance(verdict.fault, CertificateExpiredError)
        assert "time of signing" in str(verdict.fault)
        assert verdict.chain is not None
        assert verdict.chain.peer is not None
        assert not verdict.chain.valid_at_time
    # A stamp lives on when the certificate has ended.
    old = token(SIGNATURE, NOW - 2 * DAY, stamper(not_after=NOW - DAY))
    assert judged_stamp(old, SIGNATURE).failed is None


def test_a_time_that_has_not_come() -> None:
    assert judged_stamp(token(SIGNATURE, NOW + MAX_AHEAD), SIGNATURE).failed is None
    verdict = judged_stamp(token(SIGNATURE, NOW + MAX_AHEAD * 2), SIGNATURE)
    assert verdict.failed is Step.STAMP_VALIDITY
    assert isinstance(verdict.fault, TimeStampError)
    assert "is to come" in str(verdict.fault)


@settings(deadline=None, max_examples=200)
@given(st.integers(0, len(FIXED) - 1), st.integers(1, 255))
def test_a_flipped_byte_proves_nothing_else(place: int, change: int) -> None:
    original = judged_stamp(FIXED, SIGNATURE).stamp
    flipped = bytearray(FIXED)
    flipped[place % len(FIXED)] ^= change
    verdict = judged_stamp(bytes(flipped), SIGNATURE)
    if verdict.failed is not None:
        return
    assert original is not None
    assert verdict.stamp is not None
    assert verdict.stamp.time == original.time
    assert verdict.stamp.signed.content == original.signed.content
    assert verdict.chain is not None
    assert verdict.chain.certificate == usual().leaf

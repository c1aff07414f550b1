"""Verifying signed messages: ours, E-IMZO's, and those that must not hold."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import pytest
from asn1crypto import cms as asn1_cms
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.messages import (
    DIGEST,
    DOCUMENT,
    KIND,
    attributes,
    changed,
    foreign_signer,
    framed,
    made,
    signer,
    streamed,
)
from tests.support.pki import DAY, NOW, authority, ders, stranger, user
from tests.vectors import load
from tunnel_gateway.cms import signed_data, verifying
from tunnel_gateway.errors import (
    BadSignedDataError,
    CertificateError,
    CertificateExpiredError,
    CertificateUnsuitableError,
    CertificateUntrustedError,
    SignedDataError,
)
from tunnel_gateway.gost.curves import CURVES
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.encoding.oids import FAMILIES
from tunnel_gateway.pki.trust.validation import ChainValidator

PUBLISHED = load("cms")["signature"]


def trusting() -> ChainValidator:
    return ChainValidator([authority().root.leaf])


@pytest.mark.parametrize("family", FAMILIES, ids=str)
@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
def test_every_family_and_curve(family: Any, curve: Any) -> None:
    identity = user(family=family, curve=curve)
    message = made(identity=identity)
    (found,) = verifying.verify(
        signed_data.parse_signed_data(message.der), validator=trusting(), at=NOW
    )
    assert found.certificate == identity.leaf
    assert found.signer.signature == message.signature
    assert found.signer.serial_hex == identity.leaf.serial_hex
    assert found.signer.signing_time == NOW
    assert found.peer is not None
    assert found.peer.path[-1] == authority().root.leaf


@pytest.mark.parametrize("size", [0, 1, 999, 1000, 1001, 300_000])
def test_a_streamed_message(size: int) -> None:
    # High bytes in a row, as a white picture has them.
    content = b"\xff" * size
    signed = signed_data.parse_signed_data(streamed(content))
    assert signed.content == content
    assert verifying.verify(signed, validator=trusting(), at=NOW)


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda one: one["name"])
@pytest.mark.parametrize("detached", [False, True])
def test_signatures_by_e_imzo(published: dict[str, Any], detached: bool) -> None:
    certificate, info = foreign_signer(
        b64decode(published["public_key"]),
        bytes.fromhex(published["signed_attributes"]),
        bytes.fromhex(published["signature"]),
    )
    content = published["content"].encode()
    message = framed(None if detached else content, [certificate], info)
    signed = signed_data.parse_signed_data(message)
    (found,) = verifying.verify(signed, content=content if detached else None)
    assert found.signer.signing_time == published["signing_time"]
    assert found.signer.message_digest == digest(content)
    assert found.certificate.der == certificate
    with pytest.raises(BadSignedDataError):
        verifying.verify(signed_data.parse_signed_data(framed(content + b" ", [certificate], info)))


def test_a_detached_message_and_its_document() -> None:
    signed = signed_data.parse_signed_data(made(detached=True).der)
    assert signed.content is None
    assert verifying.verify(signed, content=DOCUMENT)
    with pytest.raises(BadSignedDataError, match="not the one"):
        verifying.verify(signed, content=b"another")
    with pytest.raises(SignedDataError, match="must be given"):
        verifying.verify(signed)
    with pytest.raises(SignedDataError, match="inside"):
        verifying.verify(signed_data.parse_signed_data(made().der), content=DOCUMENT)


def test_who_is_not_accepted() -> None:
    signed = signed_data.parse_signed_data(made().der)
    with pytest.raises(CertificateUntrustedError):
        verifying.verify(signed, validator=ChainValidator([stranger().root.leaf]), at=NOW)
    later = signer().leaf.not_after + DAY
    with pytest.raises(CertificateExpiredError):
        verifying.verify(signed, validator=trusting(), at=later)
    # By the signer's word it was valid.
    assert verifying.verify(signed, validator=trusting())
    late = signed_data.parse_signed_data(made(signing_time=later).der)
    with pytest.raises(CertificateExpiredError, match="time of signing"):
        verifying.verify(late)


@pytest.mark.parametrize("usage", [{"nonRepudiation"}, {"digitalSignature"}, None])
def test_usages_for_documents(usage: set[str] | None) -> None:
    identity = user(key_usage=usage and frozenset(usage), extended_key_usage=None)
    signed = signed_data.parse_signed_data(made(identity=identity).der)
    assert verifying.verify(signed, validator=trusting(), at=NOW)


def test_a_usage_for_other_things() -> None:
    identity = user(key_usage=frozenset({"keyAgreement"}))
    signed = signed_data.parse_signed_data(made(identity=identity).der)
    with pytest.raises(CertificateUnsuitableError, match="may not sign documents"):
        verifying.verify(signed, validator=trusting(), at=NOW)


def test_wrong_signatures() -> None:
    assert verifying.verify(signed_data.parse_signed_data(changed()))
    moved = attributes(
        KIND, ("signing_time", [asn1_cms.Time(name="utc_time", value=NOW + DAY)]), DIGEST
    )
    for fields in ({"signed_attrs": moved}, {"signature": bytes(64)}, {"signature": b"\x01" * 63}):
        with pytest.raises(BadSignedDataError, match="not by the key"):
            verifying.verify(signed_data.parse_signed_data(changed(**fields)))


def test_a_signer_without_a_certificate_and_no_signer() -> None:
    info = asn1_cms.ContentInfo.load(made().der)["content"]["signer_infos"][0].dump()
    alone = signed_data.parse_signed_data(framed(DOCUMENT, [], info))
    with pytest.raises(SignedDataError, match="not in the message"):
        verifying.verify(alone)
    # The same serial number from another issuer is another certificate.
    with pytest.raises(SignedDataError, match="not in the message"):
        verifying.verify(signed_data.parse_signed_data(framed(DOCUMENT, ders(user()), info)))
    with pytest.raises(SignedDataError, match="nobody"):
        verifying.verify(signed_data.parse_signed_data(framed(DOCUMENT, ders(signer()), b"")))
    with pytest.raises(SignedDataError, match="nobody"):  # a .p7b with certificates alone
        verifying.verify(signed_data.parse_signed_data(framed(None, ders(signer()), b"")))


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_a_flipped_byte_changes_nothing_that_counts(data: st.DataObject) -> None:
    message = data.draw(st.sampled_from([MESSAGE, STREAMED]))
    place = data.draw(st.integers(0, len(message) - 1))
    flipped = bytearray(message)
    flipped[place] ^= data.draw(st.integers(1, 255))
    try:
        signed = signed_data.parse_signed_data(bytes(flipped))
        (found,) = verifying.verify(signed, validator=TRUST, at=NOW)
    except (SignedDataError, CertificateError):
        return
    # What holds says the same: the change is in a part that nobody relies on.
    (original,) = signed_data.parse_signed_data(message).signers
    assert signed.content == DOCUMENT
    assert found.certificate == signer().leaf
    assert found.signer.signed_attributes == original.signed_attributes
    assert found.signer.signature == original.signature


MESSAGE = made().der
STREAMED = streamed()
TRUST = trusting()


def test_nearly_all_of_a_message_is_relied_on() -> None:
    """Every place once: where a change goes unnoticed is known, and little."""
    unnoticed = 0
    for place in range(len(MESSAGE)):
        flipped = bytearray(MESSAGE)
        flipped[place] ^= 1 << (place % 8)
        try:
            verifying.verify(signed_data.parse_signed_data(bytes(flipped)), validator=TRUST, at=NOW)
        except (SignedDataError, CertificateError):
            continue
        unnoticed += 1
    # The message's list of digest algorithms can name one of the other family.
    assert unnoticed <= 4

"""Verifying signed messages: ours, E-IMZO's, and those that must not hold."""

from __future__ import annotations

import os
from base64 import b64decode
from typing import Any

import pytest
from asn1crypto import cms as asn1_cms

from tests.support.judged import holds, judged, judged_signer, trust
from tests.support.messages import (
    DIGEST,
    DOCUMENT,
    KIND,
    TIME,
    attributes,
    changed,
    foreign_signer,
    framed,
    made,
    signer,
    streamed,
)
from tests.support.pki import DAY, MADE, NOW, altered, authority, ders, stranger, user
from tests.support.stamps import stamper, token
from tests.vectors import load
from tunnel_gateway.cms import composing
from tunnel_gateway.cms.judging import judge, judge_certificate
from tunnel_gateway.cms.signed_data import parse_signed_data
from tunnel_gateway.cms.verdicts import SignerVerdict, Step
from tunnel_gateway.errors import (
    BadSignedDataError,
    CertificateExpiredError,
    CertificateUnsuitableError,
    CertificateUntrustedError,
    SignedDataError,
    TimeStampError,
    TunnelGatewayError,
)
from tunnel_gateway.gost import signature as gost_signature
from tunnel_gateway.gost.curves import CURVES
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.encoding import ber, tags
from tunnel_gateway.pki.encoding.oids import FAMILIES
from tunnel_gateway.pki.trust.validation import ChainValidator

PUBLISHED = load("cms")["signature"]


def refused(verdict: SignerVerdict, step: Step, error: type[TunnelGatewayError]) -> str:
    """The text of the fault, which must be of this step and kind."""
    assert verdict.failed is step
    assert type(verdict.fault) is error
    return str(verdict.fault)


@pytest.mark.parametrize("family", FAMILIES, ids=str)
@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
def test_every_family_and_curve(family: Any, curve: Any) -> None:
    identity = user(family=family, curve=curve)
    message = made(identity=identity)
    (verdict,) = holds(message.der)
    assert verdict.digest_verified
    assert verdict.verified
    assert verdict.signer.signature == message.signature
    assert verdict.signer.serial_hex == identity.leaf.serial_hex
    assert verdict.time == verdict.signer.signing_time == NOW
    assert verdict.stamp is None
    assert verdict.chain is not None
    assert verdict.chain.certificate == identity.leaf
    assert verdict.chain.valid_at_time
    assert verdict.chain.peer is not None
    assert verdict.chain.certificates == verdict.chain.peer.path
    assert verdict.chain.certificates[-1] == authority().root.leaf


@pytest.mark.parametrize("size", [0, 1, 999, 1000, 1001, 300_000])
def test_a_streamed_message(size: int) -> None:
    # High bytes in a row, as a white picture has them.
    content = b"\xff" * size
    assert judged(streamed(content)).content == content
    assert holds(streamed(content))


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
    verdict = judged_signer(message, content if detached else None)
    assert verdict.digest_verified
    assert verdict.verified
    assert verdict.signer.signing_time == verdict.time == published["signing_time"]
    assert verdict.signer.message_digest == digest(content)
    assert verdict.chain is not None
    assert verdict.chain.certificate.der == certificate
    # The key has a certificate by the authority of the tests, which did not exist at that time.
    assert verdict.failed is Step.PATH
    other = judged_signer(framed(content + b" ", [certificate], info))
    assert not other.digest_verified
    assert not other.verified
    refused(other, Step.DOCUMENT, BadSignedDataError)


def test_a_detached_message_and_its_document() -> None:
    message = made(detached=True).der
    assert judged(message, DOCUMENT).content is None
    assert holds(message, DOCUMENT)
    assert "not the one" in refused(
        judged_signer(message, b"another"), Step.DOCUMENT, BadSignedDataError
    )
    with pytest.raises(SignedDataError, match="must be given"):
        judged(message)
    with pytest.raises(SignedDataError, match="inside"):
        judged(made().der, DOCUMENT)


def test_a_digest_is_enough() -> None:
    for message in (made(detached=True).der, made().der):
        assert judge(parse_signed_data(message), digest(DOCUMENT), trust(), NOW).failed is None
        other = judge(parse_signed_data(message), digest(b""), trust(), NOW)
        assert other.failed is Step.DOCUMENT


def test_the_other_steps_give_their_answers_too() -> None:
    message = made(detached=True)
    stamped = composing.stamp(message.der, {message.signature: token(message.signature)})
    verdict = judged_signer(stamped, b"another document")
    refused(verdict, Step.DOCUMENT, BadSignedDataError)
    assert not verdict.verified
    assert verdict.chain is not None
    assert verdict.chain.valid_at_time
    assert verdict.stamp is not None
    assert verdict.stamp.failed is None
    assert verdict.time == NOW


def test_an_untrusted_centre() -> None:
    verdict = judged_signer(made().der, None, ChainValidator([stranger().root.leaf]))
    refused(verdict, Step.PATH, CertificateUntrustedError)
    assert verdict.verified
    assert verdict.chain is not None
    assert verdict.chain.peer is None
    assert not verdict.chain.valid_at_time
    # The message still shows who it may be.
    assert verdict.chain.certificates == (signer().leaf, authority().centre.leaf)


def test_the_time_of_signing_counts_not_the_present() -> None:
    later = signer().leaf.not_after + DAY
    assert judged(made().der, now=later).failed is None
    late = judged_signer(made(signing_time=later).der)
    text = refused(late, Step.VALIDITY, CertificateExpiredError)
    assert "time of signing" in text
    assert signer().leaf.label in text
    # The path is proven for a time at which it was valid.
    assert late.chain is not None
    assert late.chain.peer is not None
    assert late.chain.peer.valid_until < later
    assert not late.chain.valid_at_time
    early = judged_signer(made(signing_time=signer().leaf.not_before - DAY).der)
    refused(early, Step.VALIDITY, CertificateExpiredError)


def test_a_path_that_never_was_valid() -> None:
    """The leaf and its centre have no day in common."""
    old = altered(
        signer().leaf,
        authority().centre,
        validity=ber.write(tags.SEQUENCE, b"\x17\x0d010101000000Z" + b"\x17\x0d020101000000Z"),
    )
    info = asn1_cms.ContentInfo.load(made().der)["content"]["signer_infos"][0].dump()
    verdict = judged_signer(framed(DOCUMENT, [old, *ders(signer())[1:]], info))
    refused(verdict, Step.PATH, CertificateExpiredError)
    assert verdict.chain is not None
    assert verdict.chain.peer is None


def test_a_signer_without_a_time() -> None:
    message = signed_anew(KIND, DIGEST)
    verdict = judged_signer(message)
    assert "says when it was signed" in refused(verdict, Step.VALIDITY, SignedDataError)
    assert verdict.time is None
    assert verdict.chain is not None
    assert verdict.chain.peer is not None
    assert verdict.chain.fault is None
    assert not verdict.chain.valid_at_time
    signature = verdict.signer.signature
    (stamped,) = holds(composing.stamp(message, {signature: token(signature)}))
    assert stamped.time == NOW


def signed_anew(*values: tuple[str, list[Any]]) -> bytes:
    """A message with these signed attributes, and the signature over them."""
    wanted = attributes(*values)
    hashed = digest(wanted.untag().dump())
    signature = gost_signature.sign(signer().private_key, hashed, os.urandom(32))
    return changed(signed_attrs=wanted, signature=signature)


@pytest.mark.parametrize("usage", [{"nonRepudiation"}, {"digitalSignature"}, None])
def test_usages_for_documents(usage: set[str] | None) -> None:
    identity = user(key_usage=usage and frozenset(usage), extended_key_usage=None)
    assert holds(made(identity=identity).der)


def test_a_usage_for_other_things() -> None:
    identity = user(key_usage=frozenset({"keyAgreement"}))
    verdict = judged_signer(made(identity=identity).der)
    assert "may not sign documents" in refused(verdict, Step.PATH, CertificateUnsuitableError)


def test_wrong_signatures() -> None:
    assert holds(changed())
    moved = attributes(
        KIND, ("signing_time", [asn1_cms.Time(name="utc_time", value=NOW + DAY)]), DIGEST
    )
    for fields in ({"signed_attrs": moved}, {"signature": bytes(64)}, {"signature": b"\x01" * 63}):
        verdict = judged_signer(changed(**fields))
        assert verdict.digest_verified
        assert not verdict.verified
        assert "not by the key" in refused(verdict, Step.SIGNATURE, BadSignedDataError)


@pytest.mark.parametrize(
    "fields",
    [
        {"digest_algorithm": {"algorithm": "sha256"}},
        {"signature_algorithm": {"algorithm": "sha256_rsa"}},
    ],
)
def test_algorithms_of_another_standard(fields: dict[str, Any]) -> None:
    verdict = judged_signer(changed(**fields))
    assert "not an E-IMZO one" in refused(verdict, Step.SIGNATURE, SignedDataError)
    assert not verdict.verified


def test_a_digest_of_another_length() -> None:
    verdict = judged_signer(signed_anew(KIND, TIME, ("message_digest", [b"1"])))
    refused(verdict, Step.DOCUMENT, BadSignedDataError)


def test_a_certificate_that_is_not_there() -> None:
    info = asn1_cms.ContentInfo.load(made().der)["content"]["signer_infos"][0].dump()
    # The same serial number from another issuer is another certificate.
    for certificates in ([], ders(user()), [b"\x30\x00"]):
        verdict = judged_signer(framed(DOCUMENT, certificates, info))
        assert "not in the message" in refused(verdict, Step.CERTIFICATE, SignedDataError)
        assert verdict.chain is None
        assert verdict.digest_verified
        assert not verdict.verified
        assert verdict.time == NOW


def test_a_certificate_with_another_kind_of_key() -> None:
    """What is not ours is passed over, unless a signer needs it."""
    info = asn1_cms.ContentInfo.load(made().der)["content"]["signer_infos"][0].dump()
    algorithm = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00"
    key = ber.write(tags.SEQUENCE, algorithm + b"\x03\x09\x00\x30\x06\x02\x01\x03\x02\x01\x03")
    foreign = altered(signer().leaf, authority().centre, subject_public_key_info=key)
    alone = judged_signer(framed(DOCUMENT, [foreign, *ders(signer())[1:]], info))
    assert "the key algorithm rsa" in refused(alone, Step.CERTIFICATE, CertificateUnsuitableError)
    assert alone.chain is None
    assert holds(framed(DOCUMENT, [*ders(signer()), foreign], info))
    assert holds(framed(DOCUMENT, [b"\xa1\x00", *ders(signer())], info))


def test_nobody_has_signed() -> None:
    for content in (DOCUMENT, None):  # a .p7b with certificates alone
        signed = parse_signed_data(framed(content, ders(signer()), b""))
        with pytest.raises(SignedDataError, match="nobody"):
            judge(signed, digest(DOCUMENT), trust(), NOW)


def test_every_signer_has_a_verdict() -> None:
    other, unknown = user(), user(stranger())
    message = composing.join(made().der, made(identity=other).der)
    assert [one.chain and one.chain.certificate for one in holds(message)] == [
        signer().leaf,
        other.leaf,
    ]
    verdict = judged(composing.join(message, made(identity=unknown).der))
    assert [one.failed for one in verdict.signers] == [None, None, Step.PATH]
    assert verdict.failed is Step.PATH
    assert [certificate.der for certificate in verdict.certificates] == [
        *ders(signer()),
        authority().root.leaf.der,
        other.leaf.der,
        *ders(unknown),
    ]


def test_stamped_before_it_expired() -> None:
    identity = user(not_after=NOW + DAY)
    message = made(identity=identity, signing_time=NOW + 2 * DAY)
    assert judged(message.der).failed is Step.VALIDITY
    in_time = composing.stamp(message.der, {message.signature: token(message.signature)})
    (verdict,) = judged(in_time, now=NOW + 400 * DAY).signers
    assert verdict.failed is None
    assert verdict.time == NOW
    late = composing.stamp(
        message.der, {message.signature: token(message.signature, NOW + 3 * DAY)}
    )
    (verdict,) = judged(late, now=NOW + 400 * DAY).signers
    refused(verdict, Step.VALIDITY, CertificateExpiredError)
    assert verdict.time == NOW + 3 * DAY
    before = composing.stamp(message.der, {message.signature: token(message.signature, MADE - DAY)})
    (verdict,) = judged(before).signers
    # Neither the user's nor the authority's certificate existed at that time.
    assert verdict.failed is Step.STAMP_VALIDITY or verdict.failed is Step.VALIDITY


def test_a_time_stamp_that_proves_nothing_leaves_the_signer_s_word() -> None:
    message = made()
    for wrong, step, error in (
        (b"\x30\x00", Step.STAMP_IMPRINT, SignedDataError),
        (token(b"another"), Step.STAMP_IMPRINT, TimeStampError),
        (
            token(message.signature, identity=stamper(stranger())),
            Step.STAMP_PATH,
            CertificateUntrustedError,
        ),
        (
            token(message.signature, NOW - 2 * DAY, stamper(not_before=NOW - DAY)),
            Step.STAMP_VALIDITY,
            CertificateExpiredError,
        ),
    ):
        verdict = judged_signer(composing.stamp(message.der, {message.signature: wrong}))
        refused(verdict, step, error)
        assert verdict.verified
        assert verdict.time == NOW
        assert verdict.stamp is not None
        assert verdict.stamp.fault is verdict.fault


def test_the_first_time_stamp_that_proves_its_time() -> None:
    message = made()
    unreadable, good = b"\x30\x00", token(message.signature, NOW - DAY)
    later = token(message.signature, NOW)
    for tokens, failed, time in (
        ([unreadable, good], None, NOW - DAY),
        ([later, good], None, NOW),
        ([unreadable, token(b"another")], Step.STAMP_IMPRINT, NOW),
        ([unreadable] * 3 + [good], None, NOW - DAY),
        ([unreadable] * 4 + [good], Step.STAMP_IMPRINT, NOW),  # more than are looked at
    ):
        stamped = message.der
        for one in tokens:
            stamped = composing.stamp(stamped, {message.signature: one})
        verdict = judged_signer(stamped)
        assert (verdict.failed, verdict.time) == (failed, time)


def test_a_certificate_alone() -> None:
    for identity in (signer(), stamper(), authority().centre):
        verdict = judge_certificate(ders(identity), trust(), NOW)
        assert verdict.fault is None
        assert verdict.valid_at_time
        assert verdict.certificate == identity.leaf
    expired = judge_certificate(ders(signer()), trust(), signer().leaf.not_after + DAY)
    assert expired.peer is not None
    assert not expired.valid_at_time
    assert isinstance(expired.fault, CertificateExpiredError)
    unknown = judge_certificate(ders(user(stranger())), trust(), NOW)
    assert unknown.peer is None
    assert isinstance(unknown.fault, CertificateUntrustedError)
    with pytest.raises(CertificateUnsuitableError):
        judge_certificate([b"\x30\x00"], trust(), NOW)

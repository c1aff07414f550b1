"""BouncyCastle reads and verifies what we make, and we what BouncyCastle makes.

BouncyCastle knows neither family of national identifiers. It knows their mathematics, GOST R
34.10-2001 on three curves and GOST R 34.11-94, under the identifiers of CryptoPro. So it is taught
the national names through its own extension points (benchmarks/java/National.java): the names of
the digest, of the signature, and of the key with its parameter sets. All else is its own. It reads
every byte of a message, a certificate and an answer as it is, and our code runs as in production.

BouncyCastle cannot do this, or not alone:

* Its ``TimeStampResponseGenerator`` refuses the national digest, which is not in its fixed table.
  So the answer is put together from its token and its PKIStatusInfo.
* Its ``DefaultDigestAlgorithmIdentifierFinder`` finds no digest for the national signature. So the
  digest of a signer is given (``setContentDigest``).
* A private key reaches it under the identifiers of CryptoPro.
* Its ``CertPathBuilder`` does not find a centre without a subjectKeyIdentifier if the certificate
  under it has an authorityKeyIdentifier with a key. The national centres are such centres. So the
  path is put together by names, and its ``CertPathValidator`` checks all of it.
* It reads the policies of certificates and of time stamps, and judges none.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from time import time
from typing import Any

import pytest

from tests.interop.bouncy_castle import BouncyCastle, RefusedError
from tests.interop.gost_engine import private_key_pem
from tests.support.centre import running_centre
from tests.support.judged import holds, judged, trust
from tests.support.messages import DOCUMENT, made
from tests.support.pki import DAY, NOW, authority, ders, stranger, user
from tests.support.revocation import HOUR, delegate
from tests.support.stamps import POLICY, stamper, token
from tunnel_gateway.cms import composing, stamping
from tunnel_gateway.cms.frame import MAX_SIGNERS
from tunnel_gateway.cms.judging import document_digest, judge, judge_time_stamp
from tunnel_gateway.cms.signed_data import parse_signed_data
from tunnel_gateway.cms.time_stamp import NONCE_SIZE, make_request, read_answer
from tunnel_gateway.cms.verdicts import Step
from tunnel_gateway.errors import RevocationDataError
from tunnel_gateway.gost.curves import CURVES, Curve
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki import responding
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.encoding import pem
from tunnel_gateway.pki.encoding.oids import FAMILIES, Family
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.pki.listing import issue_list
from tunnel_gateway.pki.responding import Responder, Status
from tunnel_gateway.pki.status import ocsp
from tunnel_gateway.pki.status.crl import RevocationList
from tunnel_gateway.pki.status.revoked_info import REASONS, RevokedInfo
from tunnel_gateway.pki.trust.validation import ChainValidator

AT = int(NOW.timestamp())
SHA1 = "1.3.14.3.2.26"
NONCE = bytes(range(NONCE_SIZE))
LARGE = os.urandom(1024) * 2048
KEY_COMPROMISE = REASONS.index("keyCompromise")
on_each_curve = pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
in_each_family = pytest.mark.parametrize("family", FAMILIES, ids=str)


def root() -> bytes:
    return authority().root.leaf.der


def centre() -> Identity:
    return authority().centre


def key(identity: Identity) -> bytes:
    ((_, info, _),) = pem.blocks(private_key_pem(identity.private_key).encode())
    return info


def spoilt(message: bytes) -> bytes:
    """The message with another signature of its one signer."""
    (signer,) = parse_signed_data(message).signers
    assert message.count(signer.signature) == 1
    return message.replace(signer.signature, signer.signature[::-1])


def refused(reason: str, call: Callable[..., Any], *arguments: Any) -> None:
    with pytest.raises(RefusedError, match=reason):
        call(*arguments)


# --- messages ------------------------------------------------------------------------------


@on_each_curve
@in_each_family
def test_our_messages(bouncy_castle: BouncyCastle, curve: Curve, family: Family) -> None:
    identity = user(curve=curve, family=family)
    check = (bouncy_castle, "check-message")
    for document in (b"", DOCUMENT):
        attached = made(document, identity).der
        assert bouncy_castle("check-message", attached, root(), AT) == [document, b"1", b"0"]
        detached = made(document, identity, detached=True).der
        assert bouncy_castle("check-message", detached, root(), AT, document)[1] == b"1"
    refused("message-digest attribute value does not match", *check, detached, root(), AT, b"x")
    refused("the signature is wrong", *check, spoilt(attached), root(), AT)


def test_our_large_messages(bouncy_castle: BouncyCastle) -> None:
    told = bouncy_castle("check-message", made(LARGE).der, root(), AT)
    assert told == [LARGE, b"1", b"0"]


def test_what_is_wrong_with_our_certificates_is_wrong_there(bouncy_castle: BouncyCastle) -> None:
    check = (bouncy_castle, "check-message")
    refused("certificate expired", *check, made().der, root(), AT + 10**9)
    refused("does not verify", *check, made(identity=user(stranger())).der, root(), AT)
    early = user(not_after=NOW - DAY)
    refused("verifier not valid at signingTime", *check, made(identity=early).der, root(), AT)


@pytest.mark.parametrize("count", [2, MAX_SIGNERS])
def test_our_messages_of_several_signers_with_time_stamps(
    bouncy_castle: BouncyCastle, count: int
) -> None:
    message, tokens = b"", {}
    for number in range(count):
        family = FAMILIES[number % len(FAMILIES)]
        signed = made(identity=user(curve=CURVES[number % len(CURVES)], family=family))
        message = composing.join(message, signed.der) if message else signed.der
        tokens[signed.signature] = token(signed.signature)
    stamped = composing.stamp(message, tokens)
    counted = [DOCUMENT, *(str(number).encode() for number in (count, count))]
    assert bouncy_castle("check-message", stamped, root(), AT) == counted
    moved = composing.stamp(message, {one: token(b"another signature") for one in tokens})
    refused("of another signature", bouncy_castle, "check-message", moved, root(), AT)


@on_each_curve
@in_each_family
@pytest.mark.parametrize("form", ["BER", "definite", "DER"])
def test_their_messages(
    bouncy_castle: BouncyCastle, curve: Curve, family: Family, form: str
) -> None:
    identity = user(curve=curve, family=family)
    shown = (centre().leaf.der, key(identity), identity.leaf.der)
    for document in (b"", DOCUMENT):
        arguments = (FAMILIES.index(family), AT, document, *shown)
        (attached,) = bouncy_castle("make-message", form, "attached", *arguments)
        (signer,) = holds(attached)
        assert signer.signer.digest_algorithm == family.digest_oid
        assert judged(attached).content == document
        (detached,) = bouncy_castle("make-message", form, "detached", *arguments)
        holds(detached, document)
        assert judged(detached, document + b"x").failed is Step.DOCUMENT
        assert judged(spoilt(attached)).failed is Step.SIGNATURE


@pytest.mark.parametrize("form", ["BER", "DER"])
def test_their_messages_of_many_signers(bouncy_castle: BouncyCastle, form: str) -> None:
    several = [user(curve=CURVES[number % len(CURVES)]) for number in range(MAX_SIGNERS)]
    pairs = [part for each in several for part in (key(each), each.leaf.der)]
    shown = (centre().leaf.der, *pairs)
    (message,) = bouncy_castle("make-message", form, "attached", 0, AT, DOCUMENT, *shown)
    assert len(holds(message)) == MAX_SIGNERS


@pytest.mark.parametrize("form", ["BER", "DER"])
def test_their_large_messages(bouncy_castle: BouncyCastle, form: str) -> None:
    identity = user()
    shown = (centre().leaf.der, key(identity), identity.leaf.der)
    (message,) = bouncy_castle("make-message", form, "attached", 0, AT, LARGE, *shown)
    holds(message)
    assert judged(message).content == LARGE


# --- chains --------------------------------------------------------------------------------


@on_each_curve
@in_each_family
def test_our_chains(bouncy_castle: BouncyCastle, curve: Curve, family: Family) -> None:
    chain = ders(user(curve=curve, family=family))
    assert bouncy_castle("check-path", root(), AT, *chain) == [b"2"]
    refused("Trust anchor .* not found", bouncy_castle, "check-path", root(), AT, chain[0])
    other = stranger().root.leaf.der
    refused("does not verify", bouncy_castle, "check-path", other, AT, *chain)


@on_each_curve
@in_each_family
def test_their_chains(bouncy_castle: BouncyCastle, curve: Curve, family: Family) -> None:
    number = FAMILIES.index(family)
    anchor, issuer, leaf, private = bouncy_castle("make-chain", number, CURVES.index(curve), AT)
    validator = ChainValidator([Certificate.from_der(anchor)])
    peer = validator.verify_signer([leaf, issuer], NOW)
    assert [certificate.der for certificate in peer.path] == [leaf, issuer, anchor]
    assert peer.leaf.public_key.curve is curve
    assert "CN=G‘ANIYEV O‘KTAM" in peer.leaf.subject
    arguments = ("DER", "attached", number, AT, DOCUMENT, issuer, private, leaf)
    (message,) = bouncy_castle("make-message", *arguments)
    signed = parse_signed_data(message)
    assert judge(signed, document_digest(signed), validator, NOW).failed is None
    assert judge(signed, document_digest(signed), trust(), NOW).failed is Step.PATH


# --- time stamps ---------------------------------------------------------------------------


def our_stamp(identity: Identity) -> tuple[bytes, bytes]:
    """A request, and our answer."""
    request = make_request(digest(DOCUMENT), identity.leaf.family, NONCE)
    answer = stamping.answer_request(
        request, identity, policy=POLICY, time=NOW, entropy=os.urandom, address="http://tsa.uz/"
    )
    return request, answer


@on_each_curve
@in_each_family
def test_our_time_stamps(bouncy_castle: BouncyCastle, curve: Curve, family: Family) -> None:
    request, answer = our_stamp(stamper(curve=curve, family=family))
    told = bouncy_castle("check-time-stamp", request, answer, root())
    assert told == [str(AT).encode(), POLICY.encode()]
    check = (bouncy_castle, "check-time-stamp")
    other = make_request(digest(b"x"), family, NONCE)
    refused("different message imprint digest", *check, other, answer, root())
    other = make_request(digest(DOCUMENT), family, NONCE[::-1])
    refused("wrong nonce value", *check, other, answer, root())
    user_stamps = our_stamp(user())
    refused("ExtendedKeyUsage", *check, *user_stamps, root())


@on_each_curve
@in_each_family
def test_their_time_stamps(bouncy_castle: BouncyCastle, curve: Curve, family: Family) -> None:
    identity, imprint = stamper(curve=curve, family=family), digest(DOCUMENT)
    request = make_request(imprint, family, NONCE)
    shown = (key(identity), identity.leaf.der, centre().leaf.der)
    number = FAMILIES.index(family)
    (answer,) = bouncy_castle("make-time-stamp", request, number, POLICY, AT, *shown)
    verdict = judge_time_stamp(read_answer(answer, imprint, NONCE), imprint, trust(), NOW)
    assert verdict.failed is None
    assert verdict.stamp is not None
    assert (verdict.stamp.time, verdict.stamp.policy) == (NOW, POLICY)


# --- status --------------------------------------------------------------------------------


def our_answer(request: bytes, signer: Identity, revocation: RevokedInfo | None) -> bytes:
    answer, _ = responding.answer_request(
        request,
        [Responder(centre().leaf, signer)],
        lambda *_: Status(True, revocation),
        now=NOW,
        next_update=NOW + HOUR,
        entropy=os.urandom,
    )
    return answer


@pytest.mark.parametrize("delegated", [True, False])
@pytest.mark.parametrize("algorithm", [SHA1, *(family.digest_oid for family in FAMILIES)])
def test_our_answers_about_a_status(
    bouncy_castle: BouncyCastle, delegated: bool, algorithm: str
) -> None:
    issuer, serial = centre().leaf.der, user().leaf.serial
    (request,) = bouncy_castle("make-status-request", algorithm, issuer, serial, NONCE)
    signer = delegate(centre(), "OCSPSigning", at=NOW - DAY) if delegated else centre()
    good = our_answer(request, signer, None)
    assert bouncy_castle("check-status", request, good, issuer) == [b"good"]
    revoked = our_answer(request, signer, RevokedInfo(NOW - DAY, "keyCompromise"))
    told = f"revoked {KEY_COMPROMISE}".encode()
    assert bouncy_castle("check-status", request, revoked, issuer) == [told]
    check = (bouncy_castle, "check-status")
    (other,) = bouncy_castle("make-status-request", algorithm, issuer, serial, NONCE[::-1])
    refused("the nonce is another one", *check, other, good, issuer)
    (other,) = bouncy_castle("make-status-request", algorithm, issuer, serial + 1, NONCE)
    refused("about another certificate", *check, other, good, issuer)
    reason = "has not certified" if delegated else "the signature is wrong"
    refused(reason, *check, request, good, stranger().centre.leaf.der)


@on_each_curve
@in_each_family
def test_their_answers_about_a_status(
    bouncy_castle: BouncyCastle, curve: Curve, family: Family
) -> None:
    certificate, issuer = user().leaf, centre().leaf
    request = ocsp.make_request(certificate, issuer, NONCE)
    responder = delegate(centre(), "OCSPSigning", at=NOW - DAY, curve=curve, family=family)
    shown = (FAMILIES.index(family), AT, key(responder), responder.leaf.der)

    def read(answer: bytes, moment: datetime = NOW) -> ocsp.Answer:
        return ocsp.read_answer(answer, certificate, issuer, moment, NONCE)

    (good,) = bouncy_castle("make-status", request, *shown)
    assert read(good).revoked is None
    assert read(good).responder == responder.leaf.serial
    (revoked,) = bouncy_castle("make-status", request, *shown, KEY_COMPROMISE)
    assert read(revoked).revoked == RevokedInfo(NOW - HOUR, "keyCompromise")
    with pytest.raises(RevocationDataError, match="expired"):
        read(good, NOW + 2 * HOUR)


def test_a_running_authority(bouncy_castle: BouncyCastle) -> None:
    with running_centre() as running:
        now, (anchor, issuer) = int(time()), (running.root.der, running.authority.centre.leaf.der)
        identity = running.issue_user()
        leaf = identity.leaf
        assert bouncy_castle("check-path", anchor, now, leaf.der, issuer) == [b"2"]
        (request,) = bouncy_castle("make-status-request", SHA1, issuer, leaf.serial, NONCE)
        for told in (b"good", f"revoked {KEY_COMPROMISE}".encode()):
            answer = running.ask("POST", "/ocsp", request).body
            assert bouncy_castle("check-status", request, answer, issuer) == [told]
            running.revoke(identity, "keyCompromise")
        data = running.ask("GET", "/crl/centre.crl").body
        listed = bouncy_castle("check-list", data, issuer, leaf.serial)
        assert listed == [str(KEY_COMPROMISE).encode()]
        request = make_request(digest(DOCUMENT), leaf.family, NONCE)
        answer = running.ask("POST", "/tsa", request).body
        moment, policy = bouncy_castle("check-time-stamp", request, answer, anchor)
        assert now <= int(moment) <= time()
        assert policy.decode() == POLICY


@in_each_family
def test_our_lists(bouncy_castle: BouncyCastle, family: Family) -> None:
    one, other = user(family=family).leaf.serial, user().leaf.serial
    entries = {one: RevokedInfo(NOW - DAY, "keyCompromise")}
    data = issue_list(
        centre(), entries, this_update=NOW, next_update=NOW + HOUR, entropy=os.urandom
    )
    check = (bouncy_castle, "check-list")
    issuer = centre().leaf.der
    assert bouncy_castle("check-list", data, issuer, one) == [str(KEY_COMPROMISE).encode()]
    assert bouncy_castle("check-list", data, issuer, other) == []
    refused("the signature is wrong", *check, data, stranger().centre.leaf.der, one)


@pytest.mark.parametrize("count", [0, 1, 1000])
def test_their_lists(bouncy_castle: BouncyCastle, count: int) -> None:
    serials = range(1, count + 1)
    number, issuer = FAMILIES.index(centre().leaf.family), centre().leaf
    (data,) = bouncy_castle("make-list", number, AT, key(centre()), issuer.der, *serials)
    proven = RevocationList(data).proven_by(issuer)
    assert proven.issuer == issuer.authority
    assert set(proven.content.entries()) == set(serials)
    if count:
        assert proven.content.revoked(count) == RevokedInfo(NOW - HOUR, "keyCompromise")
    proven.content.check_current(NOW)
    with pytest.raises(RevocationDataError):
        RevocationList(data).proven_by(stranger().centre.leaf)

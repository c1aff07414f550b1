"""The methods over real HTTP, with an authority that answers: every status number is reached."""

from __future__ import annotations

import io
import json
import os
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import ocsp

from tests.support.centre import RunningCentre
from tests.support.log_lines import read_records
from tests.support.messages import made
from tests.support.pki import OFFICER, stranger, user
from tests.support.rest_site import (
    ATTACH,
    ATTACHED,
    AUTH,
    BY_DIGEST,
    CERTIFICATE,
    DETACH,
    DETACHED,
    JOIN,
    MANY,
    STAMP,
    STAMP_DATA,
    RestSite,
    rest_site,
)
from tests.support.stamps import stamper, token
from tunnel_gateway.cms.composing import stamp
from tunnel_gateway.cms.time_stamp import parse_time_stamp
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.authority import TIME_STAMPS
from tunnel_gateway.pki.files.keyfiles import Identity

DOCUMENT = "Shartnoma № 1".encode()
DAY = timedelta(days=1)


def now() -> datetime:
    return datetime.now(UTC)


# --- what the guide's pages do ------------------------------------------------------------------


@pytest.mark.parametrize("document", [DOCUMENT, DOCUMENT * 300_000], ids=["small", "large"])
async def test_a_user_signs_in_and_two_sign_a_document(site: RestSite, document: bytes) -> None:
    first, second = site.centre.issue_user(), site.centre.issue_user(OFFICER)
    challenge = await site.challenge()
    signed_in = await site.answer(AUTH, site.sign(challenge, first))
    assert list(signed_in) == ["subjectCertificateInfo", "status", "message"]
    assert signed_in["subjectCertificateInfo"]["serialNumber"] == first.leaf.serial_hex

    messages = []
    for identity in (first, second):
        answer = await site.answer(STAMP, site.sign(document, identity))
        assert (answer["status"], answer["message"]) == (1, "")
        (listed,) = answer["timestampedSignerList"]
        assert listed["serialNumber"] == identity.leaf.serial_hex
        messages.append(b64decode(answer["pkcs7b64"]))
    joined = b64decode((await site.answer(JOIN, *messages))["pkcs7b64"])
    verified = await site.answer(ATTACHED, joined)
    assert list(verified) == ["pkcs7Info", "status", "message"]
    assert verified["status"] == 1
    info = verified["pkcs7Info"]
    assert b64decode(info["documentBase64"]) == document
    assert [one["certificate"][0]["serialNumber"] for one in info["signers"]] == [
        first.leaf.serial_hex,
        second.leaf.serial_hex,
    ]
    detached = await site.answer(DETACH, joined)
    pkcs7 = b64decode(detached["pkcs7b64"])
    assert (await site.status(DETACHED, document, pkcs7))[0] == 1
    assert (await site.status(BY_DIGEST, digest(document), pkcs7))[0] == 1
    again = await site.answer(ATTACH, document, pkcs7)
    assert (await site.status(ATTACHED, b64decode(again["pkcs7b64"])))[0] == 1


async def test_the_whole_answers_of_the_responder_are_returned(site: RestSite) -> None:
    identity = site.centre.issue_user()
    stamped = b64decode((await site.answer(STAMP, site.sign(DOCUMENT, identity)))["pkcs7b64"])
    (signer,) = (await site.answer(ATTACHED, stamped))["pkcs7Info"]["signers"]
    for view, serial in (
        (signer, identity.leaf.serial),
        (signer["timeStampInfo"], site.centre.time_stamper.leaf.serial),
    ):
        response = ocsp.BasicOCSPResponse.load(b64decode(view["OCSPResponse"]), strict=True)
        (single,) = response["tbs_response_data"]["responses"]
        assert single["cert_id"]["serial_number"].native == serial
        updated = datetime.fromisoformat(view["statusUpdatedAtUtc"])
        assert updated == single["this_update"].native


# --- every status number ------------------------------------------------------------------------


async def stamped_by(site: RestSite, authority: Identity) -> bytes:
    """A document of a new user with a time stamp by ``authority``."""
    message = made(DOCUMENT, site.centre.issue_user(), signing_time=now())
    return stamp(message.der, {message.signature: token(message.signature, now(), authority)})


def own_stamper(centre: RunningCentre, **changes: Any) -> Identity:
    """An authority whose certificate names no address at which its status can be asked."""
    return stamper(centre.authority, not_before=now(), **changes)


async def revoked_user(site: RestSite) -> bytes:
    identity = site.centre.issue_user()
    site.centre.revoke(identity, "keyCompromise")
    return site.sign(DOCUMENT, identity)


async def suspended_user(site: RestSite) -> bytes:
    identity = site.centre.issue_user()
    site.centre.suspend(identity)
    return site.sign(DOCUMENT, identity)


async def revoked_before_the_stamp(site: RestSite) -> bytes:
    identity = site.centre.issue_user()
    stamped = b64decode((await site.answer(STAMP, site.sign(DOCUMENT, identity)))["pkcs7b64"])
    site.centre.revoke(identity, "keyCompromise", now() - timedelta(hours=1))
    return stamped


def user_of_tomorrow(centre: RunningCentre) -> Identity:
    return centre.issue_user(not_before=now() + DAY)


async def too_early(site: RestSite) -> bytes:
    return site.sign(DOCUMENT, user_of_tomorrow(site.centre))


async def changed(site: RestSite) -> bytes:
    return site.sign(DOCUMENT, site.centre.issue_user()).replace(DOCUMENT, DOCUMENT[::-1])


async def wrong_stamp(site: RestSite) -> bytes:
    message = made(DOCUMENT, site.centre.issue_user(), signing_time=now())
    return stamp(
        message.der, {message.signature: token(b"another", now(), own_stamper(site.centre))}
    )


async def stamp_of_a_stranger(site: RestSite) -> bytes:
    profile = replace(TIME_STAMPS)
    odd = stranger().issue_time_stamper(now=now(), entropy=os.urandom, profile=profile)
    return await stamped_by(site, odd)


async def stamp_of_tomorrow(site: RestSite) -> bytes:
    profile = replace(TIME_STAMPS, not_before=now() + DAY)
    early = site.centre.authority.issue_time_stamper(now=now(), entropy=os.urandom, profile=profile)
    return await stamped_by(site, early)


CASES: dict[str, tuple[Callable[[RestSite], Awaitable[bytes]], int, str]] = {
    "-10": (changed, -10, "document_changed"),
    "-11 stranger": (
        lambda site: _ready(site.sign(DOCUMENT, user(stranger()))),
        -11,
        "certificate_untrusted",
    ),
    "-11 revoked": (revoked_user, -11, "certificate_revoked"),
    "-11 suspended": (suspended_user, -11, "certificate_revoked"),
    "-12 too early": (too_early, -12, "certificate_expired"),
    "-12 revoked": (revoked_before_the_stamp, -12, "certificate_revoked_then"),
    "-20": (
        lambda site: stamped_by(site, own_stamper(site.centre)),
        -20,
        "stamp_status_unknown",
    ),
    "-21": (wrong_stamp, -21, "stamp_of_other_signature"),
    "-22": (stamp_of_a_stranger, -22, "stamp_certificate_untrusted"),
    "-23": (stamp_of_tomorrow, -23, "stamp_certificate_expired"),
}


async def _ready(message: bytes) -> bytes:
    return message


@pytest.mark.parametrize("name", CASES)
async def test_each_status_of_a_verification(site: RestSite, name: str) -> None:
    make, number, reason = CASES[name]
    answer = await site.answer(ATTACHED, await make(site))
    assert (answer["status"], answer["reason"]) == (number, reason), answer["message"]
    assert answer["failedSignerInfo"] == answer["pkcs7Info"]["signers"][0]
    assert b64decode(answer["pkcs7Info"]["documentBase64"])


async def test_each_status_of_a_sign_in(site: RestSite) -> None:
    async def sign(identity: Identity, **changes: Any) -> bytes:
        return site.sign(await site.challenge(), identity, **changes)

    centre = site.centre
    fine, revoked = centre.issue_user(), centre.issue_user()
    centre.revoke(revoked)
    message = await sign(fine)
    for body, number in (
        (message, 1),
        (message, -20),
        (await sign(fine, signing_time=now() - DAY), -5),
        (b"rubbish", -10),
        (await sign(user(stranger())), -11),
        (await sign(revoked), -11),
        (await sign(user_of_tomorrow(centre)), -12),
    ):
        answer = await site.answer(AUTH, body)
        assert answer["status"] == number, answer
        assert ("subjectCertificateInfo" in answer) == (number == 1)


async def test_without_sources_no_status_is_known(centre: RunningCentre, tmp_path: Path) -> None:
    nobody = "http://127.0.0.1:1/"
    settings = {"status.ocsp.url": nobody, "status.crl.url": nobody}
    async with rest_site(centre, tmp_path, settings) as site:
        identity = centre.issue_user()
        answer = await site.answer(ATTACHED, site.sign(DOCUMENT, identity))
        assert (answer["status"], answer["reason"]) == (-1, "status_unknown")
        (signer,) = answer["pkcs7Info"]["signers"]
        assert (signer["verified"], signer["certificateVerified"]) == (True, False)
        assert "cannot be learned now" in signer["exception"]
        challenge = await site.challenge()
        assert (await site.status(AUTH, site.sign(challenge, identity)))[0] == -1
        chain = b"".join(link.der for link in identity.chain)
        assert (await site.status(CERTIFICATE, chain))[0] == -1


async def test_revoked_after_the_stamp_stays_valid(site: RestSite) -> None:
    identity = site.centre.issue_user()
    stamped = b64decode((await site.answer(STAMP, site.sign(DOCUMENT, identity)))["pkcs7b64"])
    site.centre.revoke(identity, "superseded", now() + timedelta(seconds=2))
    answer = await site.answer(ATTACHED, stamped)
    assert answer["status"] == 1
    (signer,) = answer["pkcs7Info"]["signers"]
    assert signer["revokedStatusInfo"]["crlReason"] == "superseded"


# --- time stamps --------------------------------------------------------------------------------


async def test_a_time_stamp_for_data(site: RestSite) -> None:
    answer = await site.answer(STAMP_DATA, DOCUMENT)
    stamp_of_data = parse_time_stamp(b64decode(answer["timeStampTokenBase64"]))
    assert stamp_of_data.message_imprint == digest(DOCUMENT)
    assert answer["timeStampInfo"]["messageImprintDigest"] == digest(DOCUMENT).hex()
    assert answer["timeStampInfo"]["tsa"].startswith("6: http://127.0.0.1:")


async def test_without_an_authority_the_answer_names_the_key(
    centre: RunningCentre, tmp_path: Path
) -> None:
    async with rest_site(centre, tmp_path, {"tsp.url": ""}) as site:
        assert any("tsp.url" in warning for warning in site.service.warnings())
        message = site.sign(DOCUMENT, centre.issue_user())
        for path, body in ((STAMP, message), (STAMP_DATA, DOCUMENT)):
            reply = await site.post(path, body)
            assert (reply.code, reply.json["status"]) == (503, -503)
            assert reply.json["reason"] == "not_configured"
            assert "tsp.url" in reply.json["detail"]


async def test_the_address_of_an_authority_that_is_away_is_for_the_log_alone(
    centre: RunningCentre, tmp_path: Path, log: io.StringIO
) -> None:
    address = "http://127.0.0.1:1/tsa"
    async with rest_site(centre, tmp_path, {"tsp.url": address}) as site:
        message = site.sign(DOCUMENT, centre.issue_user())
        for path, body in ((STAMP, message), (STAMP_DATA, DOCUMENT)):
            reply = await site.post(path, body, Accept_Language="en")
            assert (reply.code, reply.json["reason"]) == (503, "authority_away")
            sentence = "The time stamping authority does not answer. Try again"
            assert reply.json["message"] == sentence
    lines = [line for line in read_records(log.getvalue()) if line["event"] == "call_refused"]
    assert [address in line["detail"] for line in lines] == [True, True]


# --- beyond the guide ---------------------------------------------------------------------------


async def test_several_documents_in_one_call(site: RestSite) -> None:
    message = site.sign(DOCUMENT, site.centre.issue_user())
    rubbish = {"pkcs7": b64encode(await changed(site)).decode()}
    documents = [{"pkcs7": b64encode(message).decode()}, rubbish]
    body = json.dumps({"documents": documents}).encode()
    reply = await site.call("POST", MANY, body, Content_Type="application/json")
    answer = reply.json
    assert (reply.code, answer["status"], answer["reason"]) == (200, -10, "document_changed")
    assert [one["status"] for one in answer["results"]] == [1, -10]
    assert b64decode(answer["results"][0]["pkcs7Info"]["documentBase64"]) == DOCUMENT


async def test_the_status_of_a_certificate(site: RestSite) -> None:
    fine, revoked = site.centre.issue_user(), site.centre.issue_user()
    site.centre.revoke(revoked, "affiliationChanged")
    answer = await site.answer(CERTIFICATE, b"".join(link.der for link in fine.chain))
    assert answer["status"] == 1
    assert answer["certificateInfo"]["certificateValid"] is True
    answer = await site.answer(CERTIFICATE, b"".join(link.der for link in revoked.chain))
    assert (answer["status"], answer["reason"]) == (-11, "certificate_revoked")
    info = answer["certificateInfo"]["revokedStatusInfo"]
    assert info["crlReason"] == "affiliationChanged"


async def test_the_status_of_a_serial_number(centre: RunningCentre, tmp_path: Path) -> None:
    async with rest_site(centre, tmp_path, {"status.ocsp.url": centre.services.ocsp}) as site:
        fine, revoked = centre.issue_user(), centre.issue_user()
        centre.revoke(revoked, "superseded")
        issuer = centre.authority.centre.leaf.der
        for identity, number in ((fine, 1), (revoked, -11)):
            answer = await site.answer(f"{CERTIFICATE}?serial={identity.leaf.serial_hex}", issuer)
            assert answer["status"] == number, answer
            assert answer["certificateInfo"]["OCSPResponse"]
    async with rest_site(centre, tmp_path) as site:
        answer = await site.answer(f"{CERTIFICATE}?serial={fine.leaf.serial_hex}", issuer)
        assert (answer["status"], answer["reason"]) == (-1, "status_unknown")
        assert "status.ocsp.url" in answer["detail"]

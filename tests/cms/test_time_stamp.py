"""Time stamps: what is asked, what is answered, and which tokens prove a time."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from asn1crypto import tsp, x509

from tests.support.messages import made
from tests.support.pki import NOW
from tests.support.stamps import POLICY, forged, stamper, token, usual
from tunnel_gateway.cms.frame import Frame
from tunnel_gateway.cms.signed_data import attribute
from tunnel_gateway.cms.signer_checks import check_signature
from tunnel_gateway.cms.stamping import answer_request
from tunnel_gateway.cms.time_stamp import (
    MAX_ANSWER_SIZE,
    NONCE_SIZE,
    SIGNING_CERTIFICATE_OID,
    SIGNING_CERTIFICATE_V2_OID,
    TST_INFO_OID,
    check_content,
    check_imprint,
    check_named_certificate,
    make_request,
    parse_time_stamp,
    read_answer,
)
from tunnel_gateway.errors import (
    SignedDataError,
    TimeStampError,
)
from tunnel_gateway.gost.curves import CURVES
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.encoding import ber, tags
from tunnel_gateway.pki.encoding.oids import FAMILIES

SIGNATURE = bytes(range(64))
NONCE = bytes(range(1, NONCE_SIZE + 1))
FAMILY = usual().leaf.family


def info(**changes: Any) -> dict[str, Any]:
    """What a token says; ``changes`` replace its fields."""
    fields = {
        "version": "v1",
        "policy": POLICY,
        "message_imprint": {
            "hash_algorithm": {"algorithm": FAMILY.digest_oid},
            "hashed_message": digest(SIGNATURE),
        },
        "serial_number": 7,
        "gen_time": NOW,
    }
    return fields | changes


@pytest.mark.parametrize("family", FAMILIES, ids=str)
@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
def test_every_family_and_curve(family: Any, curve: Any) -> None:
    identity = stamper(family=family, curve=curve)
    stamp = parse_time_stamp(token(SIGNATURE, identity=identity))
    assert stamp.policy == POLICY
    assert stamp.time == NOW
    assert stamp.hash_algorithm == family.digest_oid
    assert stamp.message_imprint == digest(SIGNATURE)
    assert stamp.authority_name is None
    check_imprint(stamp, digest(SIGNATURE))
    check_content(stamp)
    check_named_certificate(stamp, identity.leaf)
    check_signature(stamp.signer, identity.leaf)


def test_the_request() -> None:
    request = tsp.TimeStampReq.load(
        make_request(digest(SIGNATURE), FAMILY, NONCE), strict=True
    ).native
    assert request["version"] == "v1"
    assert request["message_imprint"]["hashed_message"] == digest(SIGNATURE)
    assert request["message_imprint"]["hash_algorithm"]["algorithm"] == FAMILY.digest_oid
    assert request["nonce"] == int.from_bytes(NONCE, "big")
    assert request["cert_req"] is True


def answer(**changes: Any) -> bytes:
    arguments: dict[str, Any] = {"policy": POLICY, "time": NOW, "entropy": os.urandom}
    request = make_request(digest(SIGNATURE), FAMILY, NONCE)
    return answer_request(request, usual(), **arguments | changes)


def test_answers() -> None:
    assert parse_time_stamp(read_answer(answer(), digest(SIGNATURE), NONCE)).nonce is not None
    with pytest.raises(TimeStampError, match="another signature"):
        read_answer(answer(), digest(bytes(64)), NONCE)
    with pytest.raises(TimeStampError, match="other nonce"):
        read_answer(answer(), digest(SIGNATURE), NONCE[::-1])
    granted = tsp.PKIStatusInfo({"status": "granted"}).dump()
    for data, reason in (
        (b"", "malformed"),
        (b"\n<html>", "is a web page"),
        (ber.write(tags.SEQUENCE, granted), "no token"),
        (ber.write(tags.SEQUENCE, granted + made().der), "version 1"),
        (bytes(MAX_ANSWER_SIZE + 1), "limit"),
        (ber.write(tags.SEQUENCE, granted + forged(info())), "other nonce"),
    ):
        with pytest.raises(TimeStampError, match=reason):
            read_answer(data, digest(SIGNATURE), NONCE)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ({"status": "rejection"}, "refuses: rejection$"),
        (
            {
                "status": "rejection",
                "fail_info": {"bad_alg"},
                "status_string": ["sabab", "x" * 999],
            },
            "rejection; bad_alg; sabab; x{1,200}$",
        ),
        ({"status": "waiting"}, "waiting"),
        ({"status": "revocation_notification"}, "revocation_notification"),
    ],
)
def test_refusals(status: dict[str, Any], reason: str) -> None:
    data = ber.write(tags.SEQUENCE, tsp.PKIStatusInfo(status).dump())
    with pytest.raises(TimeStampError, match=reason) as refused:
        read_answer(data, digest(SIGNATURE), NONCE)
    assert len(str(refused.value)) < 260


def test_names_of_the_authority() -> None:
    for name, text in (
        (
            x509.GeneralName("uniform_resource_identifier", "http://tsa.example.uz/tst"),
            "6: http://tsa.example.uz/tst",
        ),
        (x509.GeneralName("dns_name", "tsa.example.uz"), "2: tsa.example.uz"),
        (
            x509.GeneralName("directory_name", x509.Name.build({"common_name": "TSA, 1"})),
            r"4: CN=TSA\, 1",
        ),
    ):
        assert parse_time_stamp(forged(info(tsa=name))).authority_name == text


def test_what_is_shown_of_a_token_is_bounded() -> None:
    long = x509.GeneralName(
        name="uniform_resource_identifier", value="http://example.uz/" + "x" * 2048
    )
    imprint = IMPRINT | {"hashed_message": bytes(65)}
    for fields in (info(tsa=long), info(message_imprint=imprint)):
        with pytest.raises(SignedDataError, match=r"more than 2048 bytes|longer"):
            parse_time_stamp(forged(fields))


def test_the_time_is_in_utc() -> None:
    moment = datetime(2026, 11, 29, 1, 2, 3, 500_000, tzinfo=UTC)
    assert parse_time_stamp(forged(info(gen_time=moment))).time == moment


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"version": 2}, "not of version 1"),
        (
            {"extensions": [{"extn_id": "1.2.3", "critical": True, "extn_value": b"x"}]},
            "critical extension",
        ),
    ],
)
def test_tokens_of_another_kind(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(SignedDataError, match=reason):
        parse_time_stamp(forged(info(**changes)))


def test_what_is_no_token() -> None:
    with pytest.raises(SignedDataError, match="version 1"):
        parse_time_stamp(made().der)
    with pytest.raises(SignedDataError, match="not a time stamp"):
        parse_time_stamp(made(content_type="1.2.3").der)
    with pytest.raises(SignedDataError, match="without content"):
        parse_time_stamp(forged(info(), detached=True))
    for content in (b"", b"salom", ber.write(tags.SEQUENCE, b"\x02\x01\x01")):
        with pytest.raises(SignedDataError, match="malformed"):
            parse_time_stamp(forged(content))


IMPRINT = info()["message_imprint"]


@pytest.mark.parametrize(
    ("imprint", "reason"),
    [
        ({"hashed_message": digest(b"another")}, "another signature"),
        ({"hashed_message": b""}, "another signature"),
        ({"hash_algorithm": {"algorithm": "sha256"}}, "not a national one"),
    ],
)
def test_imprints(imprint: dict[str, Any], reason: str) -> None:
    stamp = parse_time_stamp(forged(info(message_imprint=IMPRINT | imprint)))
    with pytest.raises(TimeStampError, match=reason):
        check_imprint(stamp, digest(SIGNATURE))


def test_the_content_is_the_one_that_was_signed() -> None:
    frame = Frame.read(forged(info()))
    other = parse_time_stamp(
        replace(frame, content=tsp.TSTInfo(info(serial_number=8)).dump()).write()
    )
    with pytest.raises(TimeStampError, match="another content"):
        check_content(other)


def named(der: bytes, algorithm: str | None = None) -> bytes:
    """The attribute that names the signer's certificate by its digest."""
    if algorithm is None:
        entry: dict[str, Any] = {"cert_hash": hashlib.sha1(der, usedforsecurity=False).digest()}
        value = tsp.SigningCertificate({"certs": [entry]})
        return attribute(SIGNING_CERTIFICATE_OID, value.dump())
    hashed = digest(der) if algorithm[0].isdigit() else hashlib.sha256(der).digest()
    entry = {"hash_algorithm": {"algorithm": algorithm}, "cert_hash": hashed}
    value = tsp.SigningCertificateV2({"certs": [entry]})
    return attribute(SIGNING_CERTIFICATE_V2_OID, value.dump())


def test_which_certificate_is_meant() -> None:
    ours, other = usual().leaf.der, stamper().leaf.der
    for attributes in (
        [],
        [named(ours)],
        [named(ours, "sha256")],
        [named(ours, FAMILY.digest_oid)],
        [named(ours), named(ours, "sha256")],
    ):
        stamp = parse_time_stamp(forged(info(), more_attributes=attributes))
        check_named_certificate(stamp, usual().leaf)
    for attributes, reason in (
        ([named(other)], "another certificate"),
        ([named(ours), named(other, "sha256")], "another certificate"),
        ([named(other, FAMILY.digest_oid)], "another certificate"),
        ([named(ours, "md5")], "by the digest md5"),
    ):
        stamp = parse_time_stamp(forged(info(), more_attributes=attributes))
        with pytest.raises(TimeStampError, match=reason):
            check_named_certificate(stamp, usual().leaf)


def test_two_signers_and_none() -> None:
    frame = Frame.read(forged(info()))
    for signers in ((), frame.signers * 2):
        changed = replace(frame, signers=signers)
        with pytest.raises(TimeStampError, match="exactly one signer"):
            parse_time_stamp(changed.write())


def test_the_kind_of_content_is_signed() -> None:
    """A document that looks like a time stamp cannot become one."""
    document = made(tsp.TSTInfo(info()).dump(), identity=usual())
    frame = Frame.read(document.der)
    disguised = replace(frame, version=3, content_type=TST_INFO_OID)
    with pytest.raises(SignedDataError, match="content type"):
        parse_time_stamp(disguised.write())

"""Reading signed messages: what a signer says, which kinds are refused, and the bounds."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from asn1crypto import cms as asn1_cms
from asn1crypto import core, x509

from tests.support.judged import holds
from tests.support.messages import (
    DIGEST,
    DOCUMENT,
    KIND,
    TIME,
    attributes,
    changed,
    framed,
    made,
    signer,
    streamed,
)
from tests.support.pki import NOW, ders
from tunnel_gateway.cms import composing, frame, signed_data
from tunnel_gateway.cms.frame import Frame
from tunnel_gateway.errors import SignedDataError
from tunnel_gateway.gost import signature as gost_signature
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.encoding import ber, tags
from tunnel_gateway.pki.encoding.der import identifier
from tunnel_gateway.pki.encoding.oids import FAMILY_2009

OURS = {"algorithm": FAMILY_2009.digest_oid}
SHA256 = "2.16.840.1.101.3.4.2.1"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"signed_attrs": attributes(KIND, TIME)}, "no signed attribute message_digest"),
        ({"signed_attrs": attributes(TIME, DIGEST)}, "no signed attribute content_type"),
        ({"signed_attrs": attributes(KIND, TIME, TIME, DIGEST)}, "twice"),
        ({"signed_attrs": attributes(("content_type", ["1.2.3"]), TIME, DIGEST)}, "content type"),
        ({"signed_attrs": attributes(KIND, TIME, ("message_digest", [b"1" * 32] * 2))}, "\\w"),
        ({"signed_attrs": attributes(*[KIND] * 17)}, "more than 16"),
        ({"signed_attrs": attributes(KIND, TIME, ("message_digest", [bytes(65)]))}, "longer"),
        ({"signature": bytes(4097)}, "longer"),
        ({"version": "v3"}, "version 1"),
        ({"digest_algorithm": OURS | {"parameters": core.Integer(1)}}, "with parameters"),
        ({"sid": asn1_cms.SignerIdentifier("subject_key_identifier", b"1")}, r"\w"),
    ],
)
def test_signers_of_another_kind(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(SignedDataError, match=reason):
        signed_data.parse_signed_data(changed(**fields))


def test_a_name_longer_than_that_of_any_certificate() -> None:
    name = x509.Name.build({"common_name": "x" * 2048})
    number = asn1_cms.IssuerAndSerialNumber({"issuer": name, "serial_number": 1})
    with pytest.raises(SignedDataError, match="a name of more than 2048 bytes"):
        signed_data.parse_signed_data(
            changed(sid=asn1_cms.SignerIdentifier("issuer_and_serial_number", number))
        )


def test_bounds() -> None:
    info = asn1_cms.ContentInfo.load(made().der)["content"]["signer_infos"][0].dump()
    for certificates, signers, limit in ((ders(signer()) * 25, info, 48), ([], info * 17, 16)):
        with pytest.raises(SignedDataError, match=f"more than {limit}"):
            signed_data.parse_signed_data(framed(DOCUMENT, certificates, signers))
    with pytest.raises(SignedDataError, match="limit"):
        signed_data.parse_signed_data(bytes(frame.MAX_SIZE + 1))
    parts = bytes(ber.read(info).contents)
    large = ber.write(tags.SEQUENCE, parts + ber.write(0xA1, bytes(frame.MAX_SIGNER_SIZE)))
    with pytest.raises(SignedDataError, match="a signer of more"):
        signed_data.parse_signed_data(framed(DOCUMENT, ders(signer()), large))
    attribute = ber.write(tags.SEQUENCE, b"\x06\x01\x2a" + ber.write(tags.SET, bytes(1000)))
    stamped = ber.write(tags.SEQUENCE, parts + ber.write(0xA1, attribute))
    assert holds(framed(DOCUMENT, ders(signer()), stamped))


def test_time_is_written_in_utc_to_the_second() -> None:
    moment = NOW + timedelta(microseconds=7)
    assert (
        signed_data.parse_signed_data(made(signing_time=moment).der).signers[0].signing_time == NOW
    )
    assert b"\x17\x0d260301120000Z" in made().der


def test_a_signer_without_a_time() -> None:
    timeless = attributes(KIND, DIGEST)
    signature = gost_signature.sign(
        signer().private_key, digest(timeless.untag().dump()), os.urandom(32)
    )
    message = changed(signed_attrs=timeless, signature=signature)
    assert signed_data.parse_signed_data(message).signers[0].signing_time is None


def test_a_time_that_is_not_one() -> None:
    moment = asn1_cms.Time.load(b"\x17\x112603011200+05000Z")
    odd = attributes(KIND, ("signing_time", [moment]), DIGEST)
    with pytest.raises(SignedDataError, match="not a date in UTC"):
        signed_data.parse_signed_data(changed(signed_attrs=odd))


def test_algorithms_of_another_standard_are_read() -> None:
    message = changed(digest_algorithm={"algorithm": "sha256"})
    assert signed_data.parse_signed_data(message).signers[0].digest_algorithm == SHA256
    listed = Frame.read(message)
    sha256 = ber.write(tags.SEQUENCE, identifier(SHA256))
    both = replace(listed, digest_algorithms=(*listed.digest_algorithms, sha256)).write()
    assert signed_data.parse_signed_data(both).signers[0].digest_algorithm == SHA256
    unused = replace(Frame.read(made().der), digest_algorithms=(sha256,)).write()
    with pytest.raises(SignedDataError, match="which no signer used"):
        signed_data.parse_signed_data(unused)


def test_tokens_are_in_order_and_few() -> None:
    message = made()
    tokens = [ber.write(tags.SEQUENCE, bytes([2, 1, number])) for number in range(5)]
    stamped = message.der
    for token in tokens:
        stamped = composing.stamp(stamped, {message.signature: token})
    (one,) = signed_data.parse_signed_data(stamped).signers
    assert one.time_stamp == tokens[0]
    assert one.time_stamps == tuple(tokens[:4])
    (bare,) = signed_data.parse_signed_data(message.der).signers
    assert bare.time_stamp is None


def test_a_streamed_message() -> None:
    ours = signed_data.parse_signed_data(made().der)
    theirs = signed_data.parse_signed_data(streamed())
    assert theirs.content == ours.content == DOCUMENT
    assert theirs.certificates == ours.certificates
    assert theirs.signers[0].issuer == ours.signers[0].issuer
    assert theirs.signers[0].serial_hex == signer().leaf.serial_hex

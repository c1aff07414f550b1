"""What create_pkcs7 puts into a message, field by field as another library reads it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from asn1crypto import cms as asn1_cms

from tests.support.messages import DOCUMENT, made, signer
from tests.support.pki import NOW, ders, user
from tunnel_gateway.cms.signing import sign_digest
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.gost.signature import verify


@pytest.mark.parametrize("detached", [False, True])
def test_the_fields(detached: bool) -> None:
    message = made(detached=detached)
    info = asn1_cms.ContentInfo.load(message.der, strict=True)
    assert info["content_type"].native == "signed_data"
    body = info["content"]
    assert body["version"].native == "v1"
    assert [one["algorithm"].dotted for one in body["digest_algorithms"]] == [
        signer().leaf.family.digest_oid
    ]
    content = body["encap_content_info"]
    assert content["content_type"].native == "data"
    assert content["content"].native == (None if detached else DOCUMENT)
    assert [one.chosen.dump() for one in body["certificates"]] == ders(signer())
    (one,) = body["signer_infos"]
    assert one["version"].native == "v1"
    assert one["sid"].chosen["serial_number"].native == signer().leaf.serial == message.serial
    assert one["signature_algorithm"]["algorithm"].dotted == signer().leaf.family.signature_oid
    values = [(each["type"].native, each["values"][0].native) for each in one["signed_attrs"]]
    assert values == [
        ("content_type", "data"),
        ("signing_time", NOW),
        ("message_digest", digest(DOCUMENT)),
    ]
    assert not one["unsigned_attrs"]
    assert one["signature"].native == message.signature
    verify(signer().leaf.public_key, message.signature, digest(one["signed_attrs"].untag().dump()))


def test_the_order_of_the_attributes_is_that_of_der() -> None:
    info = asn1_cms.ContentInfo.load(made().der)
    attributes = info["content"]["signer_infos"][0]["signed_attrs"].untag()
    assert attributes.dump(force=True) == attributes.dump()


def test_after_2049() -> None:
    late = datetime(2051, 1, 1, tzinfo=UTC)
    identity = user(not_after=datetime(2060, 1, 1, tzinfo=UTC))
    assert b"\x18\x0f20510101000000Z" in made(identity=identity, signing_time=late).der


def test_a_digest_alone_is_signed_as_its_document() -> None:
    identity = signer()
    signed = sign_digest(
        identity.private_key,
        ders(identity),
        identity.leaf.family,
        digest(DOCUMENT),
        signing_time=NOW,
        entropy=bytes,
    )
    assert signed == made(detached=True, entropy=bytes)

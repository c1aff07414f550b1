"""A certificate's fields as the vendor prints them."""

from __future__ import annotations

from base64 import b64decode
from datetime import UTC, datetime

from asn1crypto import keys

from tests.support.pki import user
from tunnel_gateway.agent.keys.certificate_info import certificate_info


def test_the_fields() -> None:
    leaf = user(not_after=datetime(2028, 1, 30, 18, 59, 59, tzinfo=UTC)).leaf
    info = certificate_info(leaf)
    assert list(info) == [
        "subjectInfo",
        "issuerInfo",
        "serialNumber",
        "subjectName",
        "issuerName",
        "validFrom",
        "validTo",
        "publicKey",
        "signature",
    ]
    assert info["serialNumber"] == leaf.serial_hex
    assert info["subjectName"] == leaf.subject
    assert info["issuerName"] == leaf.issuer
    assert info["validTo"] == "2028-01-30 23:59:59"
    subject = info["subjectInfo"]
    assert isinstance(subject, dict)
    assert subject["CN"] == "G‘ANIYEV O‘KTAM"
    assert subject["1.2.860.3.16.1.2"] == "10000000000001"
    key = info["publicKey"]
    assert isinstance(key, dict)
    assert key["keyAlgName"] == "OZDST-1092-2009-2"
    spki = keys.PublicKeyInfo.load(b64decode(key["publicKey"]))
    assert spki["public_key"].parsed.native == leaf.public_key.encoded
    signature = info["signature"]
    assert isinstance(signature, dict)
    assert signature["signAlgName"] == leaf.signature_algorithm
    assert len(signature["signature"]) == 128

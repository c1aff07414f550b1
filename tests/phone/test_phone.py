"""The phone's signature, as a server judges it: with the document, which the phone never saw."""

from __future__ import annotations

import os
from base64 import b64decode

from tests.support.judged import holds
from tests.support.messages import signer
from tests.support.pki import NOW, ders
from tunnel_gateway.cms.signed_data import parse_signed_data
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.phone.code import make_code
from tunnel_gateway.phone.phone import make_upload

CHALLENGE = b"F8D2181DC6C02EA819B88FF3EF49BE0C"


def test_the_fields_of_the_upload() -> None:
    form = make_upload(
        make_code("0000", "2944F1F2", CHALLENGE),
        signer(),
        signing_time=NOW,
        entropy=os.urandom,
        address="192.0.2.7",
    )
    message = b64decode(form.pop("pkcs7_b64"), validate=True)
    assert form == {
        "document_id": "2944F1F2",
        "serial_number": signer().leaf.serial_hex,
        "x_real_ip": "192.0.2.7",
    }
    signed = parse_signed_data(message)
    assert signed.content is None
    assert list(signed.certificates) == ders(signer())
    (one,) = signed.signers
    assert one.message_digest == digest(CHALLENGE)
    assert one.signing_time == NOW
    assert holds(message, CHALLENGE)

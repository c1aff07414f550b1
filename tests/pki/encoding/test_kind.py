"""What a file seems to be, of every kind that is told apart."""

from __future__ import annotations

import pytest

from tests.support.messages import made
from tests.support.pki import user
from tunnel_gateway.pki.certificates.certificate import to_pem
from tunnel_gateway.pki.encoding.kind import kind


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "empty"),
        (b" \r\n\t", "empty"),
        (b" <!DOCTYPE html>", "page"),
        (b'<?xml version="1.0"?>', "page"),
        (user().leaf.der, "certificate"),
        (made().der, "pkcs7"),
        (b"\x30\x80\x06\x09", "pkcs7"),
        (b"\x30\x82\x01\xff\x02\x01\x03", "pfx"),
        (b"\x30\x05\x02\x01\x03\x30\x00", "pfx"),
        (b"\x30\x03\x04\x01\x00", "unknown"),
        (b"\x30\xff\x00\x00", "unknown"),
        (b"\x30", "unknown"),
        (b"salom", "unknown"),
        (bytes(100), "unknown"),
        (to_pem([user().leaf]), "unknown"),
    ],
)
def test_each_kind(data: bytes, expected: str) -> None:
    assert kind(data) == expected

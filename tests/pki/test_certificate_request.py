"""Requests for certificates, in both families."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from asn1crypto import csr
from hypothesis import given
from hypothesis import strategies as st

from tests.support.pki import user
from tunnel_gateway.pki.certificate_request import (
    MAX_REQUEST_SIZE,
    CertificateRequest,
    make_certificate_request,
)
from tunnel_gateway.pki.encoding.oids import FAMILIES, Family


@pytest.mark.parametrize("family", FAMILIES, ids=str)
def test_a_request(family: Family) -> None:
    identity = user(family=family)
    request = CertificateRequest.from_der(
        make_certificate_request(identity, None, ["1.2.3.4"], os.urandom)
    )
    assert request.subject == identity.leaf.subject
    assert request.family.key_oid == family.key_oid
    assert request.public_key == identity.private_key.public_key()
    assert request.policies == ("1.2.3.4",)
    assert request.is_signed_by_its_key()


def test_a_request_for_the_key_of_another() -> None:
    der = make_certificate_request(user(), None, [], os.urandom)
    parsed = csr.CertificationRequest.load(der)
    parsed["signature"] = bytes(64)
    assert not CertificateRequest.from_der(parsed.dump()).is_signed_by_its_key()


def test_openssl_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "request.der"
    path.write_bytes(make_certificate_request(user(), None, ["1.2.3.4"], os.urandom))
    read = subprocess.run(
        ["openssl", "asn1parse", "-inform", "DER", "-in", path],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Extension Request" in read.stdout


def test_what_is_no_request() -> None:
    der = make_certificate_request(user(), None, [], os.urandom)
    for data in (b"", b"\x30\x00", der + b"x", der[:-1], b"\x30" * (MAX_REQUEST_SIZE + 1)):
        with pytest.raises(ValueError, match=r"malformed|limit"):
            CertificateRequest.from_der(data)
    with pytest.raises(ValueError, match="x"):
        make_certificate_request(user(), None, ["x"], os.urandom)


def test_a_signature_is_whole_bytes() -> None:
    der = bytearray(make_certificate_request(user(), None, [], os.urandom))
    signature = CertificateRequest.from_der(bytes(der)).signature
    der[-len(signature) - 1] = 1  # the bits of the last byte that do not count
    with pytest.raises(ValueError, match="whole bytes"):
        CertificateRequest.from_der(bytes(der))


@given(st.data())
def test_a_changed_request_is_read_or_refused(data: st.DataObject) -> None:
    der = bytearray(make_certificate_request(user(), None, ["1.2.3"], os.urandom))
    at = data.draw(st.integers(0, len(der) - 1))
    der[at] ^= data.draw(st.integers(1, 255))
    try:
        request = CertificateRequest.from_der(bytes(der))
    except ValueError:
        return
    assert not request.is_signed_by_its_key()

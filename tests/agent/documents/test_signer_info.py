"""Signers as pages get them; test_pkcs7_functions.py has the usual ones."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.judged import judged
from tests.support.messages import DOCUMENT, foreign, framed, made, signer
from tests.support.pki import ders
from tests.support.stamps import token
from tunnel_gateway.agent.documents.signer_info import judged_info, unproven_info
from tunnel_gateway.cms.composing import stamp
from tunnel_gateway.cms.frame import Frame
from tunnel_gateway.cms.signed_data import SignedData, parse_signed_data
from tunnel_gateway.errors import SignedDataError
from tunnel_gateway.gost.digest import digest


def shown(message: bytes) -> Any:
    return unproven_info(parse_signed_data(message), digest(DOCUMENT))["signers"]


def proven(message: bytes) -> Any:
    return judged_info(judged(message))["signers"]


def test_a_signer_without_a_certificate() -> None:
    (info,) = Frame.read(made().der).signers
    message = framed(DOCUMENT, [], bytes(info))
    for (one,) in (shown(message), proven(message)):
        assert one["signerId"] == {"subjectSerialNumber": signer().leaf.serial_hex}
        assert one["certificate"] == []
        assert one["verified"] is False
        assert "is not in the message" in one["exception"]


def test_an_issuer_that_is_no_certificate_is_left_out() -> None:
    (info,) = Frame.read(made().der).signers
    leaf, *_ = ders(signer())
    (one,) = shown(framed(DOCUMENT, [leaf, b"\x30\x00"], bytes(info)))
    assert [each["serialNumber"] for each in one["certificate"]] == [signer().leaf.serial_hex]
    assert one["verified"] is True


def test_a_signer_by_another_standard() -> None:
    (one,) = shown(foreign())
    assert one["verified"] is False
    assert one["exception"]


def test_a_time_stamp_that_proves_nothing() -> None:
    signed = made()
    message = stamp(signed.der, {signed.signature: token(b"another signature")})
    (one,) = proven(message)
    found = one["timeStampInfo"]
    assert found["digestVerified"] is False
    assert "for another signature" in found["exception"]
    assert found["time"]
    unreadable = stamp(signed.der, {signed.signature: b"\x30\x00"})
    (one,) = proven(unreadable)
    assert "time" not in one["timeStampInfo"]


def test_nobody_has_signed() -> None:
    with pytest.raises(SignedDataError, match="nobody"):
        unproven_info(SignedData(DOCUMENT, (), ()), digest(DOCUMENT))

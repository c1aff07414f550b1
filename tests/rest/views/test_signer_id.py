"""Which certificate a signer means, and what went wrong."""

from __future__ import annotations

from dataclasses import replace

from tests.support.messages import signer
from tests.support.verdicts import the_signer
from tunnel_gateway.rest.outcomes import Finding
from tunnel_gateway.rest.statuses import Reason
from tunnel_gateway.rest.views.signer_id import exception_field, signer_id

LEAF = signer().leaf
WHOLE = {
    "issuer": "CN=Development Centre,O=tunnel-gateway,C=UZ",
    "subjectSerialNumber": LEAF.serial_hex,
}


def test_it_is_the_same_with_and_without_the_certificate() -> None:
    assert signer_id(the_signer(), LEAF) == WHOLE
    assert signer_id(the_signer(), None) == WHOLE
    assert list(signer_id(the_signer(), None)) == list(WHOLE)


def test_a_strange_name_is_left_out() -> None:
    odd = replace(the_signer(), issuer=bytes.fromhex("30050403300100"))
    assert signer_id(odd, None) == {"subjectSerialNumber": LEAF.serial_hex}


def test_the_exception() -> None:
    assert exception_field(None) == {}
    assert exception_field(Finding(Reason.STATUS_UNKNOWN)) == {"exception": "status_unknown"}
    finding = Finding(Reason.CERTIFICATE_REVOKED, "since yesterday")
    assert exception_field(finding) == {"exception": "certificate_revoked: since yesterday"}

"""An OCSP answer split by its tags, against asn1crypto's reading of the same bytes."""

from __future__ import annotations

import functools
from typing import Any

import pytest
from asn1crypto import ocsp
from hypothesis import given
from hypothesis import strategies as st

from tests.support.pki import MADE, NOW, authority, user
from tests.support.revocation import HOUR, Reply, delegate
from tunnel_gateway.pki.encoding import ber, tags
from tunnel_gateway.pki.encoding.der import MALFORMED
from tunnel_gateway.pki.status.ocsp import NONCE_SIZE, make_request
from tunnel_gateway.pki.status.ocsp_parts import BasicAnswer, NotSuccessfulError, split
from tunnel_gateway.pki.status.revoked_info import reason_word

NONCE = bytes(range(NONCE_SIZE))


@functools.cache
def answers() -> dict[str, bytes]:
    centre = authority().centre
    request = make_request(user().leaf, centre.leaf, NONCE)
    responder = delegate(centre, "OCSPSigning", at=MADE)
    shown = [centre.leaf, responder.leaf]
    kinds: dict[str, dict[str, Any]] = {
        "good": {},
        "revoked": {"status": "revoked", "by_key": True},
        "unknown": {"status": "unknown", "nonce": b""},
        "without nextUpdate": {"unlimited": True},
        "a critical extension": {"extension": "1.2.3.4"},
        "a delegated responder": {"signer": responder, "shown": shown},
    }
    usual: dict[str, Any] = {
        "signer": centre,
        "issuer": centre.leaf,
        "this_update": NOW - HOUR,
        "next_update": NOW + HOUR,
    }
    return {name: Reply(**usual | changes)(request) for name, changes in kinds.items()}


def read_by_another(data: bytes) -> ocsp.OCSPResponse:
    response = ocsp.OCSPResponse.load(data, strict=True)
    _ = response.native
    return response


def check_same(ours: BasicAnswer, other: ocsp.OCSPResponse) -> None:
    basic = other["response_bytes"]["response"].parsed
    body = basic["tbs_response_data"]
    assert ours.body == body.dump()
    assert ours.signature == basic["signature"].native
    assert ours.algorithm == basic["signature_algorithm"]["algorithm"].dotted
    assert list(ours.certificates) == [one.dump() for one in basic["certs"]]
    assert ours.nonce == (other.nonce_value.native if other.nonce_value else None)
    signer = body["responder_id"]
    if signer.name == "by_key":
        assert (ours.signer_key, ours.signer_name) == (signer.native, None)
    else:
        assert (ours.signer_key, ours.signer_name) == (None, signer.chosen.untag().dump())
    assert [(one.identifier, one.critical) for one in ours.extensions] == [
        (one["extn_id"].dotted, one["critical"].native) for one in body["response_extensions"]
    ]
    assert len(ours.singles) == len(body["responses"])
    for single, theirs in zip(ours.singles, body["responses"], strict=True):
        about = theirs["cert_id"]
        assert single.about.algorithm == about["hash_algorithm"]["algorithm"].dotted
        assert single.about.issuer_name == about["issuer_name_hash"].native
        assert single.about.issuer_key == about["issuer_key_hash"].native
        assert single.about.serial == about["serial_number"].native
        assert single.this_update == theirs["this_update"].native
        assert single.next_update == theirs["next_update"].native
        status = theirs["cert_status"]
        assert single.known == (status.name != "unknown")
        assert (single.revoked is not None) == (status.name == "revoked")
        if single.revoked is not None:
            assert single.revoked.since == status.chosen["revocation_time"].native
            number = status.chosen["revocation_reason"].contents
            reason = reason_word(int.from_bytes(number, "big", signed=True)) if number else None
            assert single.revoked.reason == reason


@pytest.mark.parametrize("name", answers())
def test_the_parts_of_an_answer(name: str) -> None:
    check_same(split(answers()[name]), read_by_another(answers()[name]))


@given(st.sampled_from(sorted(answers())), st.integers(0, 10_000), st.integers(1, 255))
def test_what_both_read_is_the_same(name: str, place: int, mask: int) -> None:
    data = bytearray(answers()[name])
    data[place % len(data)] ^= mask
    try:
        ours = split(bytes(data))
        _ = ours.nonce
    except ValueError:
        return
    try:
        other = read_by_another(bytes(data))
    except MALFORMED:
        return  # it reads parts that nobody uses, such as the certificates
    check_same(ours, other)


@pytest.mark.parametrize("name", answers())
def test_an_answer_that_breaks_off_or_goes_on(name: str) -> None:
    whole = answers()[name]
    for size in range(0, len(whole), 5):
        with pytest.raises(ValueError, match=r".+"):
            split(whole[:size])
    with pytest.raises(ValueError, match="more than 1 values"):
        split(whole + b"\0\0")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\x30\x03\x0a\x01\x01", "malformed_request"),
        (b"\x30\x03\x0a\x01\x03", "try_later"),
        (b"\x30\x03\x0a\x01\x06", "unauthorized"),
        (b"\x30\x03\x0a\x01\x09", "9"),
    ],
)
def test_a_responder_that_has_no_answer(data: bytes, said: str) -> None:
    with pytest.raises(NotSuccessfulError, match=said):
        split(data)


def test_an_answer_in_another_form() -> None:
    wrapped = ber.write(tags.SEQUENCE, b"\x06\x03\x2a\x03\x04" + ber.write(tags.OCTET_STRING, b""))
    data = ber.write(tags.SEQUENCE, b"\x0a\x01\x00" + ber.write(0xA0, wrapped))
    with pytest.raises(NotSuccessfulError, match="another form"):
        split(data)

"""Messages that somebody changed, or made to cost memory."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.garbage import cycles
from tests.support.judged import judged, trust
from tests.support.messages import DOCUMENT, changed, made, signer, streamed
from tests.support.pki import DAY, NOW, stranger
from tests.support.stamps import token
from tunnel_gateway.cms import composing
from tunnel_gateway.cms.judging import judge
from tunnel_gateway.cms.signed_data import parse_signed_data
from tunnel_gateway.cms.verdicts import Step
from tunnel_gateway.errors import SignedDataError
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.trust import validation
from tunnel_gateway.pki.trust.validation import ChainValidator

MESSAGE = made().der
STREAMED = streamed()


@pytest.mark.parametrize("fault", ["document", "signature", "path", "validity", "time stamp"])
def test_a_verdict_leaves_no_cycle(fault: str) -> None:
    message = made(signing_time=NOW if fault != "validity" else NOW + 9000 * DAY)
    data = message.der
    if fault == "time stamp":
        data = composing.stamp(data, {message.signature: token(b"another")})
    if fault == "signature":
        data = changed(signature=bytes(64))
    validator = ChainValidator([stranger().root.leaf]) if fault == "path" else trust()
    wanted = digest(b"" if fault == "document" else DOCUMENT)
    for _ in range(2):
        judge(parse_signed_data(data), wanted, validator, NOW)
    with cycles() as left:
        assert judge(parse_signed_data(data), wanted, validator, NOW).failed is not None
    assert not left


def test_a_claimed_time_outside_of_the_certificates_life_costs_no_search(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    messages = [made(signing_time=NOW + days * DAY).der for days in (-9000, 9000)]
    before = [judged(message).failed for message in messages]
    monkeypatch.setattr(validation, "find_path", None)
    assert [judged(message).failed for message in messages] == before == [Step.VALIDITY] * 2


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_a_flipped_byte_changes_nothing_that_counts(data: st.DataObject) -> None:
    message = data.draw(st.sampled_from([MESSAGE, STREAMED]))
    place = data.draw(st.integers(0, len(message) - 1))
    flipped = bytearray(message)
    flipped[place] ^= data.draw(st.integers(1, 255))
    try:
        verdict = judged(bytes(flipped))
    except SignedDataError:
        return
    if verdict.failed is not None:
        return
    # What holds says the same: the change is in a part that nobody relies on.
    (original,) = parse_signed_data(message).signers
    (found,) = verdict.signers
    assert verdict.content == DOCUMENT
    assert found.chain is not None
    assert found.chain.certificate == signer().leaf
    assert found.signer.signed_attributes == original.signed_attributes
    assert found.signer.signature == original.signature


def test_nearly_all_of_a_message_is_relied_on() -> None:
    """Every place once: where a change goes unnoticed is known, and little."""
    unnoticed = 0
    for place in range(len(MESSAGE)):
        flipped = bytearray(MESSAGE)
        flipped[place] ^= 1 << (place % 8)
        try:
            unnoticed += judged(bytes(flipped)).failed is None
        except SignedDataError:
            continue
    # The message's list of digest algorithms can name one of the other family.
    assert unnoticed <= 4

from __future__ import annotations

import json

import pytest

from tunnel_gateway.rest.answers import refusal_fields
from tunnel_gateway.rest.languages import Language
from tunnel_gateway.rest.statuses import (
    STATUS_OF,
    Reason,
    Refusal,
    Status,
    http_code,
    most_basic,
)

# Pairs of verdicts that can meet in one message, or in a message of several signers: the first one
# wins. Each is a row of the table that documents the order.
WINS = (
    (Reason.DOCUMENT_CHANGED, Reason.STAMP_OF_OTHER_SIGNATURE),
    (Reason.SIGNATURE_WRONG, Reason.CHALLENGE_UNKNOWN),
    (Reason.CHALLENGE_UNKNOWN, Reason.SIGNING_TIME_OFF),
    (Reason.SIGNING_TIME_OFF, Reason.CERTIFICATE_UNTRUSTED),
    (Reason.STAMP_SIGNATURE_WRONG, Reason.CERTIFICATE_UNTRUSTED),
    (Reason.CERTIFICATE_REVOKED, Reason.STAMP_CERTIFICATE_UNTRUSTED),
    (Reason.STAMP_CERTIFICATE_REVOKED, Reason.CERTIFICATE_EXPIRED),
    (Reason.CERTIFICATE_REVOKED_THEN, Reason.STAMP_CERTIFICATE_EXPIRED),
    (Reason.STAMP_CERTIFICATE_REVOKED_THEN, Reason.STATUS_UNKNOWN),
    (Reason.STATUS_UNKNOWN, Reason.STAMP_STATUS_UNKNOWN),
)


def test_every_reason_has_a_number() -> None:
    assert set(STATUS_OF) == set(Reason)


def test_the_numbers_are_the_guides() -> None:
    assert {int(status) for status in Status} == {1, -1, -5, -10, -11, -12, -20, -21, -22, -23}


@pytest.mark.parametrize("reason", Reason)
def test_a_number_is_of_the_guide_or_an_http_code(reason: Reason) -> None:
    status = STATUS_OF[reason]
    assert isinstance(status, Status) or 400 <= -status < 600


@pytest.mark.parametrize(("basic", "other"), WINS)
def test_the_more_basic_reason_wins(basic: Reason, other: Reason) -> None:
    assert most_basic([other, basic]) is most_basic([basic, other]) is basic


def test_no_reason_is_none() -> None:
    assert most_basic([]) is None


@pytest.mark.parametrize(
    ("status", "code"), [(1, 200), (-1, 200), (-23, 200), (-400, 400), (-404, 404), (-503, 503)]
)
def test_verdicts_have_http_200(status: int, code: int) -> None:
    assert http_code(status) == code


def test_a_refusal_says_what_it_is_about() -> None:
    refusal = Refusal(Reason.MALFORMED, "byte 3", {"a": 1})
    assert refusal.status is Status.SIGNATURE
    assert (refusal.fields, str(refusal)) == ({"a": 1}, "malformed: byte 3")
    assert str(Refusal(Reason.STOPPING)) == "stopping"
    assert Refusal(Reason.STOPPING).fields == {}
    assert refusal.for_log == "byte 3"


def test_what_is_for_the_log_is_in_no_answer() -> None:
    refusal = Refusal(Reason.AUTHORITY_AWAY, for_log="http://10.0.0.9/tsa: refused")
    assert "10.0.0.9" not in json.dumps(refusal_fields(refusal, Language.ENGLISH)) + str(refusal)
    assert refusal.for_log == "http://10.0.0.9/tsa: refused"

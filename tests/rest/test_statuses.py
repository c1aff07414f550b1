from __future__ import annotations

import json

import pytest

from tunnel_gateway.rest.answers import refusal_fields
from tunnel_gateway.rest.statuses import (
    BACKEND_MOBILE,
    MobileStatus,
    Reason,
    Refusal,
    Status,
    http_code,
    most_basic,
    status_of,
)
from tunnel_gateway.user_language import Language

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


# The guide's tables, section 3.2.3, without 0 ("must never be returned") and 1.
OF_BACKEND_MOBILE = {2, *range(-11, 0), -99, -100}
# Reasons that methods of other paths have, and numbers of theirs that the mobile tables lack.
OF_OTHER_PATHS = {Reason.OTHER_DOCUMENT, Reason.CHALLENGE_UNKNOWN}


def test_the_numbers_are_the_guides() -> None:
    assert {int(status) for status in Status} == {1, -1, -5, -10, -11, -12, -20, -21, -22, -23}


@pytest.mark.parametrize("reason", Reason)
def test_a_number_is_of_the_guide_or_an_http_code(reason: Reason) -> None:
    status = status_of(reason)
    assert status in {*Status, *MobileStatus} or 400 <= -status < 600


@pytest.mark.parametrize("reason", [one for one in Reason if one not in OF_OTHER_PATHS])
def test_a_number_of_a_mobile_path_is_in_the_guides_table(reason: Reason) -> None:
    status = status_of(reason, BACKEND_MOBILE + "verify")
    assert status in OF_BACKEND_MOBILE or 400 <= -status < 600


@pytest.mark.parametrize(
    ("reason", "path", "number"),
    [
        (Reason.INTERNAL_ERROR, "", -500),
        (Reason.INTERNAL_ERROR, "other", -500),
        (Reason.INTERNAL_ERROR, "/backend/auth", -500),
        (Reason.INTERNAL_ERROR, "/frontend/mobile/auth", -9),
        (Reason.INTERNAL_ERROR, "/backend/mobile/authenticate/{documentId}", -100),
        (Reason.NOT_CONFIGURED, "/frontend/timestamp/pkcs7", -503),
        (Reason.NOT_CONFIGURED, "/backend/mobile/verify", -10),
        (Reason.SIGNATURE_WRONG, "/frontend/mobile/upload", -10),
        (Reason.SIGNATURE_WRONG, "/backend/mobile/verify", -5),
        (Reason.STAMP_MISSING, "/backend/mobile/verify", -99),
        (Reason.STAMP_STATUS_UNKNOWN, "/backend/mobile/verify", -99),
        (Reason.OVERLOADED, "/backend/mobile/verify", -503),
        (Reason.NOT_UPLOADED, "/frontend/mobile/status", 2),
        (Reason.NOT_UPLOADED, "/backend/mobile/verify", 2),
        (Reason.DOCUMENT_UNKNOWN, "/frontend/mobile/status", -2),
        (Reason.MOBILE_STORE_AWAY, "/backend/mobile/verify", -1),
    ],
)
def test_the_mobile_paths_have_numbers_of_their_own(reason: Reason, path: str, number: int) -> None:
    assert status_of(reason, path) == number


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
    assert (refusal.fields, str(refusal)) == ({"a": 1}, "malformed: byte 3")
    assert str(Refusal(Reason.STOPPING)) == "stopping"
    assert Refusal(Reason.STOPPING).fields == {}
    assert refusal.for_log == "byte 3"


def test_what_is_for_the_log_is_in_no_answer() -> None:
    refusal = Refusal(Reason.AUTHORITY_AWAY, for_log="http://10.0.0.9/tsa: refused")
    assert "10.0.0.9" not in json.dumps(refusal_fields(refusal, Language.ENGLISH)) + str(refusal)
    assert refusal.for_log == "http://10.0.0.9/tsa: refused"

"""The fields of a status: the signed part of answers, lists without one, revocations."""

from __future__ import annotations

import sys
from base64 import b64decode
from datetime import timedelta

from tests.support.pki import NOW
from tests.support.verdicts import GOOD, SIGNED, UNKNOWN, good, revoked
from tunnel_gateway.pki.status.standing import Knowledge, Standing
from tunnel_gateway.rest.views.status_view import revocation_fields, status_fields


def test_the_signed_part_of_an_answer_is_shown() -> None:
    fields = status_fields(GOOD)
    assert b64decode(fields.pop("OCSPResponse")) == SIGNED
    assert list(fields.items()) == [
        ("statusUpdatedAt", "2026-03-01 17:00:00"),
        ("statusUpdatedAtUtc", "2026-03-01T12:00:00Z"),
        ("statusNextUpdateAt", "2026-03-01 17:01:00"),
        ("statusNextUpdateAtUtc", "2026-03-01T12:01:00Z"),
    ]


def test_only_answers_of_the_usual_size_are_kept() -> None:
    for size, kept in ((1000, True), (60_000, False)):
        standing = good(bytes(size))
        before = sys.getrefcount(standing.answer)
        assert b64decode(status_fields(standing)["OCSPResponse"]) == bytes(size)
        after = sys.getrefcount(standing.answer)  # an assert would hold it, too
        assert after - before == kept


def test_a_list_has_no_answer() -> None:
    until = NOW + timedelta(days=1)
    fields = status_fields(Standing(Knowledge.GOOD, updated_at=NOW, next_update_at=until))
    assert "OCSPResponse" not in fields
    assert fields["statusNextUpdateAt"] == "2026-03-02 17:00:00"


def test_what_nobody_knows_is_left_out() -> None:
    assert status_fields(None) == {}
    assert status_fields(UNKNOWN) == {}
    assert revocation_fields(None) == {}
    assert revocation_fields(UNKNOWN) == {}
    assert revocation_fields(GOOD) == {}


def test_a_revocation() -> None:
    assert revocation_fields(revoked(NOW, "certificateHold")) == {
        "revokedStatusInfo": {
            "revocationTime": "2026-03-01 17:00:00",
            "revocationTimeUtc": "2026-03-01T12:00:00Z",
            "crlReason": "certificateHold",
        }
    }
    assert revocation_fields(revoked(None, None)) == {"revokedStatusInfo": {}}

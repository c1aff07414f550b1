"""Standings: when a revocation counts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.pki import NOW
from tunnel_gateway.pki.status.standing import UNKNOWN, Knowledge, Standing

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("standing", "before", "at", "after"),
    [
        (Standing(Knowledge.REVOKED, NOW, "keyCompromise"), False, True, True),
        (Standing(Knowledge.REVOKED), True, True, True),
        (Standing(Knowledge.GOOD), False, False, False),
        (UNKNOWN, False, False, False),
    ],
    ids=["since a time", "since an unknown time", "good", "unknown"],
)
def test_since_when_it_is_revoked(standing: Standing, before: bool, at: bool, after: bool) -> None:
    moments = (NOW - SECOND, NOW, NOW + SECOND)
    assert tuple(map(standing.revoked_before, moments)) == (before, at, after)

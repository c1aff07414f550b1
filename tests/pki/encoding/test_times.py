"""Times in UTC: read as asn1crypto reads them, and nothing else is read."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from asn1crypto import core
from hypothesis import given
from hypothesis import strategies as st

from tunnel_gateway.pki.encoding import tags
from tunnel_gateway.pki.encoding.times import read_time

MOMENTS = st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC))


@given(MOMENTS)
def test_as_the_library_writes_them(moment: datetime) -> None:
    written = core.GeneralizedTime(moment)
    assert read_time(tags.GENERALIZED_TIME, written.contents) == moment
    if 1950 <= moment.year < 2050:
        whole = moment.replace(microsecond=0)
        assert read_time(tags.UTC_TIME, core.UTCTime(whole).contents) == whole


def test_both_centuries_and_a_fraction() -> None:
    assert read_time(tags.UTC_TIME, b"491231235959Z") == datetime(2049, 12, 31, 23, 59, 59, 0, UTC)
    assert read_time(tags.UTC_TIME, b"500101000000Z") == datetime(1950, 1, 1, tzinfo=UTC)
    moment = datetime(2026, 3, 1, 12, 0, 0, 123456, UTC)
    assert read_time(tags.GENERALIZED_TIME, b"20260301120000.123456789Z") == moment


@pytest.mark.parametrize(
    ("tag", "contents"),
    [
        (tags.UTC_TIME, b"2603011200Z"),
        (tags.UTC_TIME, b"260301120000"),
        (tags.UTC_TIME, b"260301170000+0500"),
        (tags.UTC_TIME, b"261301120000Z"),
        (tags.UTC_TIME, b"20260301120000Z"),
        (tags.UTC_TIME, "26030112000٠Z".encode()),
        (tags.GENERALIZED_TIME, b"20260301120000"),
        (tags.GENERALIZED_TIME, b"00000101000000Z"),
        (tags.GENERALIZED_TIME, b"20260229120000Z"),
        (tags.GENERALIZED_TIME, b"20260301120000.Z"),
        (tags.GENERALIZED_TIME, b"20260301120000.1234567890Z"),
        (tags.GENERALIZED_TIME, b"20260301120000Z\n"),
        (tags.INTEGER, b"260301120000Z"),
    ],
)
def test_what_is_not_a_time(tag: int, contents: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_time(tag, contents)

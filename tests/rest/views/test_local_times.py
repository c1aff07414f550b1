"""Times of Tashkent, and their twins in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from tunnel_gateway.rest.views.local_times import local_time, times


def test_the_guides_example() -> None:
    # The signed attributes of the example in section 2.2.4 have 220927061753Z.
    signed = datetime(2022, 9, 27, 6, 17, 53, tzinfo=UTC)
    assert times(signingTime=signed) == {
        "signingTime": "2022-09-27 11:17:53",
        "signingTimeUtc": "2022-09-27T06:17:53Z",
    }


def test_each_twin_follows_its_time() -> None:
    moment = datetime(2026, 3, 1, 12, 0, 0, 999_999, tzinfo=UTC)
    fields = times(validFrom=moment, validTo=moment + timedelta(days=1), missing=None)
    assert list(fields.items()) == [
        ("validFrom", "2026-03-01 17:00:00"),
        ("validFromUtc", "2026-03-01T12:00:00Z"),
        ("validTo", "2026-03-02 17:00:00"),
        ("validToUtc", "2026-03-02T12:00:00Z"),
    ]


def test_the_end_of_all_times() -> None:
    last = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert times(validTo=last) == {
        "validTo": "9999-12-31 23:59:59",
        "validToUtc": "9999-12-31T23:59:59Z",
    }
    assert local_time(datetime(1, 1, 1, tzinfo=UTC)) == "0001-01-01 05:00:00"


@given(
    st.datetimes(datetime(1900, 1, 1), datetime(9998, 1, 1)),
    st.integers(-12, 14),
)
def test_both_name_the_same_moment(plain: datetime, hours: int) -> None:
    moment = plain.replace(tzinfo=timezone(timedelta(hours=hours)))
    fields = times(t=moment)
    here = datetime.fromisoformat(f"{fields['t']}+05:00")
    assert here == datetime.fromisoformat(fields["tUtc"]) == moment.replace(microsecond=0)

"""Times as CMS, RFC 3161 and RFC 5280 write them: in UTC, with seconds, without an offset."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from tunnel_gateway.pki.encoding.tags import GENERALIZED_TIME, UTC_TIME

# RFC 5280, 4.1.2.5.1: two digits of a year from 50 on belong to the twentieth century.
_PIVOT: Final = 50
_UTC_TIME: Final = re.compile(rb"([0-9]{2})" + rb"([0-9]{2})" * 5 + rb"Z")
# A time stamp may have a fraction of a second (RFC 3161, 2.4.2).
_GENERALIZED: Final = re.compile(rb"([0-9]{4})" + rb"([0-9]{2})" * 5 + rb"(?:\.([0-9]{1,9}))?Z")
_MICROSECONDS: Final = 6


def read_time(tag: int, contents: bytes) -> datetime:
    """Return the aware moment of a UTCTime or a GeneralizedTime; raises ValueError for others.

    A fraction of a second is cut to microseconds.
    """
    if tag == UTC_TIME and (match := _UTC_TIME.fullmatch(contents)):
        year, month, day, hour, minute, second = map(int, match.groups())
        year += 1900 if year >= _PIVOT else 2000
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    if tag == GENERALIZED_TIME and (match := _GENERALIZED.fullmatch(contents)):
        *fields, fraction = match.groups()
        digits = (fraction or b"0")[:_MICROSECONDS].ljust(_MICROSECONDS, b"0")
        year, month, day, hour, minute, second = map(int, fields)
        return datetime(year, month, day, hour, minute, second, int(digits), UTC)
    raise ValueError("a time that is not a date in UTC, with seconds")

"""Times as the guide prints them: local time of Tashkent, without a mark of the zone.

Clients have read such times as UTC and were five hours off. So each time has a twin that says its
zone: ``validTo`` is followed by ``validToUtc``, in ISO 8601.
"""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from typing import Final

from tunnel_gateway.pki.certificates.certificate import in_tashkent

# The times of certificates and of statuses come again with every message.
_MOMENTS: Final = 1024


def times(**moments: datetime | None) -> dict[str, str]:
    """Return the fields of aware moments, each by its name; a missing moment has no field.

    ``times(validTo=…)`` gives ``validTo``, as ``2026-03-01 17:00:00`` in Tashkent, and
    ``validToUtc``, as ``2026-03-01T12:00:00Z``. Fractions of a second are cut off.
    """
    fields = {}
    for name, moment in moments.items():
        if moment is not None:
            fields[name], fields[f"{name}Utc"] = _texts(moment)
    return fields


@functools.lru_cache(_MOMENTS)
def _texts(moment: datetime) -> tuple[str, str]:
    return local_time(moment), f"{_plain(moment.astimezone(UTC)).isoformat()}Z"


def local_time(moment: datetime) -> str:
    """Return an aware moment in Tashkent, as ``2026-03-01 17:00:00``.

    The end of the year 9999, by which certificates say "never", stays in UTC.
    """
    return _plain(in_tashkent(moment)).isoformat(" ")


def _plain(moment: datetime) -> datetime:
    return moment.replace(tzinfo=None, microsecond=0)

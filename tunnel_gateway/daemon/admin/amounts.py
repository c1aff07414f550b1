"""Durations, amounts and parts as short texts, for the page and for the terminal."""

from __future__ import annotations

from typing import Final

from tunnel_gateway.limit_keys import Limit

_UNITS: Final = ("B", "kB", "MB", "GB", "TB")
_THOUSAND: Final = 1000


def duration(seconds: float) -> str:
    """Return ``42s``, ``7m05s``, ``3h20m`` or ``12d04h``."""
    whole = int(seconds)
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if days:
        return f"{days}d{hours % 24:02}h"
    if hours:
        return f"{hours}h{minutes % 60:02}m"
    return f"{minutes}m{whole % 60:02}s" if minutes else f"{whole}s"


def amount(count: float) -> str:
    """Return a number of bytes as ``999B``, ``1.5kB``, ``24MB``; a thousand is the next unit."""
    for unit in _UNITS:
        if round(count) < _THOUSAND or unit == _UNITS[-1]:
            break
        count /= _THOUSAND
    digits = 1 if unit != "B" and count < 10 else 0
    return f"{count:.{digits}f}{unit}"


def percent(part: float | None) -> str:
    """Return a part of 1 as ``42%``, and a dash if it is not known."""
    return "-" if part is None else f"{part:.0%}"


def limit_row(limit: str, used: int, most: int) -> tuple[str, int | str, int | str]:
    """Return a limit, how much of it is in use, and the limit itself; memory as an amount."""
    if limit == Limit.MEMORY:
        return limit, amount(used), amount(most)
    return limit, used, most

"""The numbers in a subject that say who somebody is, and what each must look like to be believed.

A certificate may hold any text there. Text that only looks like a number must not pass: an
application that strips spaces, or reads digits of other scripts, would see another person's number.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

# How many ASCII digits each has. UID is the tax number of a natural person.
DIGITS: Final[Mapping[str, int]] = MappingProxyType({"pinfl": 14, "inn": 9, "uid": 9})


def is_number(kind: str, value: str) -> bool:
    """Tell whether ``value`` is a number of this ``kind``, a key of DIGITS."""
    return len(value) == DIGITS[kind] and value.isascii() and value.isdigit()


def believed(kind: str, value: str | None) -> str | None:
    """Return ``value`` if it is a number of its kind, else None."""
    return value if value is not None and is_number(kind, value) else None

"""DER from strangers, on its way into asn1crypto."""

from __future__ import annotations

import re
from typing import Any, Final

# An object identifier is made of numbers, and asn1crypto takes time quadratic in the length of
# each: 25 seconds for 400 KB. In all of them, every byte but the last has its highest bit set.
# Real ones have five such bytes at most; in names and under encryption, a run of so many bytes
# does not come about either.
_LONG_NUMBER: Final = re.compile(rb"[\x80-\xff]{1024}")


def load_der(kind: Any, data: bytes) -> Any:
    """Read exactly one value of asn1crypto's class ``kind``.

    asn1crypto reads what is inside when it is looked at; how long that can take is bounded here.
    Raises ValueError, or what asn1crypto raises for malformed input.
    """
    if _LONG_NUMBER.search(data):
        raise ValueError("a number of more than 7000 bits in an object identifier")
    return kind.load(data, strict=True)

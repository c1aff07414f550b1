"""Addresses that did not answer a moment ago, and are left alone for a while."""

from __future__ import annotations

import asyncio
from typing import Final

from tunnel_gateway.errors import RevocationDataError

REST_SECONDS: Final = 60.0

# Bounds the memory for such addresses; a centre has a few.
_MAX_ADDRESSES: Final = 1024


class AddressRestsError(RevocationDataError):
    """The address did not answer a moment ago, and was not asked again."""


class RestingAddresses:
    """Remembers each address that did not answer, for `REST_SECONDS`. For use in the loop."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def add(self, url: str) -> None:
        """Leave ``url`` alone from now on."""
        if len(self._until) >= _MAX_ADDRESSES:
            self._until.clear()
        self._until[url] = asyncio.get_running_loop().time() + REST_SECONDS

    def refuse(self, url: str) -> None:
        """Raise AddressRestsError if ``url`` is left alone now."""
        if asyncio.get_running_loop().time() < self._until.get(url, 0.0):
            raise AddressRestsError(f"{url}: it did not answer a moment ago")

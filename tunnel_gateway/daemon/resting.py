"""Addresses that did not answer a moment ago, and are left alone for a while; and why."""

from __future__ import annotations

import asyncio
from typing import Final

from tunnel_gateway.errors import TunnelGatewayError

# An address rests for the first time, and for longer with each further failure in a row: a short
# fault must not cost more time than it lasted.
FIRST_REST_SECONDS: Final = 5.0
LAST_REST_SECONDS: Final = 60.0

# Bounds the memory for such addresses; a centre has a few.
_MAX_ADDRESSES: Final = 1024


class FetchError(TunnelGatewayError):
    """Another server did not give what it was asked for; if ``passing``, it may in a moment."""

    code = "fetch"

    def __init__(self, text: str, *, passing: bool = False) -> None:
        super().__init__(text)
        self.passing = passing


class AddressRestsError(FetchError):
    """The address did not answer a moment ago, and was not asked again."""


class RestingAddresses:
    """Remembers each address that did not answer, for a while. For use in the loop."""

    def __init__(self) -> None:
        # Until when it rests, by the clock of the loop, and for how many seconds.
        self._rests: dict[str, tuple[float, float]] = {}

    def add(self, url: str) -> None:
        """Leave ``url`` alone from now on: twice as long as the last time, within bounds."""
        _, last = self._rests.pop(url, (0.0, FIRST_REST_SECONDS / 2))
        if len(self._rests) >= _MAX_ADDRESSES:
            self._rests.clear()
        seconds = min(2 * last, LAST_REST_SECONDS)
        self._rests[url] = asyncio.get_running_loop().time() + seconds, seconds

    def discard(self, url: str) -> None:
        """Forget the failures of ``url``: it has answered."""
        self._rests.pop(url, None)

    def clear(self) -> None:
        """Forget all failures."""
        self._rests.clear()

    def refuse(self, url: str) -> None:
        """Raise AddressRestsError if ``url`` is left alone now."""
        until, _ = self._rests.get(url, (0.0, 0.0))
        if asyncio.get_running_loop().time() < until:
            raise AddressRestsError(f"{url}: it did not answer a moment ago", passing=True)

"""``/ping``: whether the service answers, its time, and from where it was called.

The guide's answer also shows the key of the channel to the vendor's centre (``vpnKeyInfo``). This
service has no such channel and no such key, so the field is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from tunnel_gateway.rest.answers import Bare
from tunnel_gateway.rest.call import Call, Wanted
from tunnel_gateway.rest.statuses import Fields
from tunnel_gateway.rest.views.local_times import times


class Ping:
    """Answers with the time of ``clock``."""

    path: Final = "/ping"
    verbs: Final = ("GET",)
    wanted: Final = Wanted()

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock

    async def answer(self, call: Call) -> Fields:
        """Return the time, and the address of the caller."""
        return Bare({**times(serverDateTime=self._clock()), "yourIP": call.caller.user})

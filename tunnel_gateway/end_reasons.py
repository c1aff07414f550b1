"""The reasons for which a tunnel ends without an error of ours. Logs and metrics have these words.

A tunnel that an error ends has the code of the error as its reason.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class EndReason(StrEnum):
    """How a tunnel ends without an error of ours."""

    COMPLETED = "completed"
    PEER_LEFT = "peer_left"
    PEER_LOST = "peer_lost"
    # The plain side broke off: the application of the gateway, or one of the agent's two streams.
    DESTINATION_LOST = "destination_lost"
    PAGE_LOST = "page_lost"
    LOCAL_LOST = "local_lost"
    IDLE = "idle_timeout"
    HALF_CLOSE = "half_close_timeout"
    LIFETIME = "lifetime_timeout"
    UPGRADE_REFUSED = "upgrade_refused"


_OF_THE_AGENT: Final = (EndReason.PAGE_LOST, EndReason.LOCAL_LOST)
GATEWAY_ENDS: Final = tuple(reason for reason in EndReason if reason not in _OF_THE_AGENT)

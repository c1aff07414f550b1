"""The steps of a stop as they go: logged, and shown to whoever looks meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from tunnel_gateway.observability.logs import get_logger

log = get_logger(__name__)

NOT_READY: Final = "not_ready"
LISTENER_CLOSED: Final = "listener_closed"
UNOPENED_REFUSED: Final = "unopened_refused"
WAITING: Final = "waiting_for_tunnels"
REST_TOLD: Final = "rest_told"
STOPPED: Final = "stopped"

# What each step says of ``tunnels``, the number that it concerns.
_TEXTS: Final = {
    NOT_READY: "not ready: balancers that ask send nobody any more",
    LISTENER_CLOSED: "the listening socket is closed here",
    UNOPENED_REFUSED: "{tunnels} connections without an open WebSocket get shutting_down",
    WAITING: "waiting up to {seconds:g} s for {tunnels} open tunnels",
    REST_TOLD: "{tunnels} tunnels that did not end get shutting_down",
    STOPPED: "stopped",
}
STEPS: Final = tuple(_TEXTS)


@dataclass(frozen=True, slots=True)
class Step:
    """One step that was begun; ``number`` is counted from 1."""

    number: int
    name: str
    at: datetime
    text: str


class Stopping:
    """What was done of a stop so far; nothing while the gateway serves."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    @property
    def begun(self) -> bool:
        """Whether a stop was asked for."""
        return bool(self.steps)

    def begin(self, name: str, *, tunnels: int = 0, seconds: float = 0.0) -> None:
        """Note that the step ``name`` begins, for so many ``tunnels``."""
        text = _TEXTS[name].format(tunnels=tunnels, seconds=seconds)
        self.steps.append(Step(STEPS.index(name) + 1, name, datetime.now(UTC), text))
        log.info("stop_step", step=self.steps[-1].number, name=name, text=text)

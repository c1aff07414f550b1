"""The steps of a stop: one table, logged as they begin, and shown in the status meanwhile.

The services of a daemon stop at the same time, so two steps may have the same number: each service
has its own name for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from tunnel_gateway.observability.logs import get_logger

log = get_logger(__name__)


class StopStep(StrEnum):
    """The steps of a stop in their order; log lines and the status have these names.

    ``REST_TOLD`` is about the tunnels that remain; the steps of calls are the REST service's.
    """

    NOT_READY = "not_ready"
    LISTENER_CLOSED = "listener_closed"
    UNOPENED_REFUSED = "unopened_refused"
    WAITING = "waiting_for_tunnels"
    WAITING_FOR_CALLS = "waiting_for_calls"
    REST_TOLD = "rest_told"
    CALLS_CUT_OFF = "calls_cut_off"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class _Texts:
    """The number of a step, its text in the log, and its Markdown in docs/operations.md.

    ``{count}`` is the number of connections or calls that the step concerns.
    """

    number: int
    log: str
    manual: str


_TEXTS: Final = {
    StopStep.NOT_READY: _Texts(
        1,
        "not ready: balancers that ask send nobody any more",
        "tells systemd how long the stop may take, and answers `/readyz` with 503: balancers that"
        " ask it send no new connections",
    ),
    StopStep.LISTENER_CLOSED: _Texts(
        2,
        "the listening socket is closed here",
        "has closed its listening sockets: the system refuses new connections, or they wait in"
        " systemd's socket if it is used, or they go to the other daemons of a shared port. Then"
        " it logs `draining` with the number of connections that it still has",
    ),
    StopStep.UNOPENED_REFUSED: _Texts(
        3,
        "{count} connections without an open WebSocket get shutting_down",
        "ends every connection that has no open WebSocket yet, with the alert `shutting_down`. If"
        " systemd has the socket or the port is shared, these connections can still become"
        " tunnels",
    ),
    StopStep.WAITING: _Texts(
        4,
        "waiting up to {seconds:g} s for {count} open tunnels",
        "waits until the open tunnels have ended by themselves, but no longer than"
        " `tunnel.drain.timeout`. A second signal ends the waiting at once",
    ),
    StopStep.WAITING_FOR_CALLS: _Texts(
        4,
        "waiting up to {seconds:g} s for {count} calls of the REST API",
        "waits at the same time until the calls of the REST API have ended that it has begun to"
        " read, in the same bounds",
    ),
    StopStep.REST_TOLD: _Texts(
        5,
        "{count} tunnels that did not end get shutting_down",
        "ends the other tunnels with `shutting_down`, and waits up to 5 seconds for the last alerts"
        " and log lines",
    ),
    StopStep.CALLS_CUT_OFF: _Texts(
        5,
        "{count} calls that did not end are cut off",
        "cuts the other calls off; their clients see a connection that ends without an answer",
    ),
    StopStep.STOPPED: _Texts(6, "stopped", "logs `stopped` and exits with 0"),
}
STEPS: Final = tuple(StopStep)


@dataclass(frozen=True, slots=True)
class Step:
    """One step that has begun; ``number`` is counted from 1."""

    number: int
    name: str
    at: datetime
    text: str


class Stopping:
    """The steps of a stop that have begun; none while the service works."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    @property
    def begun(self) -> bool:
        """Whether a stop was asked for."""
        return bool(self.steps)

    def begin(self, step: StopStep, *, count: int = 0, seconds: float = 0.0) -> None:
        """Note that ``step`` begins. It concerns ``count`` connections or calls."""
        number = _TEXTS[step].number
        text = _TEXTS[step].log.format(count=count, seconds=seconds)
        self.steps.append(Step(number, step.value, datetime.now(UTC), text))
        log.info("stop_step", step=number, name=step.value, text=text)


def as_markdown() -> str:
    """Return the table as it stands in docs/operations.md."""
    lines = ["| step | name | the gateway |", "|---|---|---|"]
    lines += [
        f"| {text.number} | `{step.value}` | {text.manual} |" for step, text in _TEXTS.items()
    ]
    return "\n".join(lines) + "\n"

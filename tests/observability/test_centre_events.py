"""The lines that a development authority really logs, against its table."""

from __future__ import annotations

from structlog.testing import capture_logs

from tests.support.centre import running_centre
from tunnel_gateway.observability.centre_events import CENTRE_EVENTS


def test_the_lines_of_a_running_authority() -> None:
    with capture_logs() as lines, running_centre() as centre:
        centre.ask("GET", "/crl/root.crl")
        centre.ask("GET", "/nothing")
    assert [line["event"] for line in lines] == [
        "centre_listening",
        "centre_answered",
        "centre_refused",
    ]
    events = {event.name: event for event in CENTRE_EVENTS}
    for line in lines:
        event = events[line["event"]]
        assert line.keys() - {"event", "log_level"} == set(event.keys)
        assert line["log_level"] in event.levels

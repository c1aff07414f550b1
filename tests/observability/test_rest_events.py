"""The table itself; test_event_table.py compares it with the code and with docs/log.md."""

from __future__ import annotations

from tunnel_gateway.observability.event_table import GATEWAY_EVENTS
from tunnel_gateway.observability.rest_events import REST_EVENTS


def test_one_log_has_one_meaning_for_each_name() -> None:
    """Both services may run in one daemon."""
    assert not {event.name for event in REST_EVENTS} & {event.name for event in GATEWAY_EVENTS}

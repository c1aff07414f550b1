"""Every line that the development authority logs, as in the tables of ``event_table``."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tunnel_gateway.observability.event_table import SHARED_EVENTS, Event

# fmt: off
CENTRE_EVENTS: Final[tuple[Event, ...]] = (
    Event("centre_listening", ("info",), ("address", "detail"), (),
        "the authority answers"),
    Event("centre_answered", ("info",), ("path", "detail"), (),
        "a program asked, and got what `detail` says: one line for each request"),
    Event("centre_refused", ("warning",), ("path", "status", "detail"), (),
        "a request that the authority cannot answer: another path or method, a body that is too"
        " long or that does not come, or a list in its folder that cannot be read",
        "correct what `detail` says; a GET of the address without a path shows all paths"),
    Event("internal_error", ("error",), (), ("detail", "exception"),
        "a fault of this program, with its traceback",
        "report it"),
    *SHARED_EVENTS,
)

CENTRE_KEYS: Final[Mapping[str, str]] = MappingProxyType({
    "address": "where it listens, as the certificates name it",
    "detail": "the answer in short, or the fault",
    "exception": "the traceback",
    "loop": "the name of the background work",
    "lost": "how many lines of the log were not written and will not be",
    "path": "the path of the request",
    "status": "the HTTP status of the answer",
})
# fmt: on

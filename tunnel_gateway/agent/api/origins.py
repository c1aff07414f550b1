"""The Origin header as browsers write it, and the Host header as they must send it."""

from __future__ import annotations

import re
from typing import Final

from tunnel_gateway.agent.calls import Caller
from tunnel_gateway.transport.wire.origin import parse_origin

_HOST: Final = re.compile(r"(127\.0\.0\.1|localhost)(:[0-9]{1,5})?", re.ASCII | re.IGNORECASE)


def caller_of(origins: list[str]) -> Caller | None:
    """Return the page that the Origin header names; None unless it is one http or https page.

    Browsers write the origin in lower case. Another spelling is not from a browser, and gives None.
    """
    if len(origins) != 1 or origins[0] != origins[0].lower():
        return None
    origin = parse_origin(origins[0])
    if origin is None:
        return None
    return Caller(origins[0], origin.host, trustworthy=origin.trustworthy)


def is_local(hosts: list[str]) -> bool:
    """Tell whether the Host header names this machine, on any port.

    A hostile page can let its own name point to this machine (DNS rebinding). Then the browser
    sends that name as the Host.
    """
    return len(hosts) == 1 and _HOST.fullmatch(hosts[0]) is not None

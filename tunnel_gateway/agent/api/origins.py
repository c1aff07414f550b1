"""Who calls: the Origin header as browsers write it, and the Host header as they must send it."""

from __future__ import annotations

import re
from typing import Final

from tunnel_gateway.agent.calls import Caller
from tunnel_gateway.transport.wire.origin import parse_origin

_HOST: Final = re.compile(r"(127\.0\.0\.1|localhost)(:[0-9]{1,5})?", re.ASCII | re.IGNORECASE)


def caller_of(origins: list[str]) -> Caller | None:
    """Return who the values of the Origin header name; None unless it is one http or https page.

    An origin in another spelling than the browsers', who write it in lower case, names nobody.
    """
    if len(origins) != 1 or origins[0] != origins[0].lower():
        return None
    found = parse_origin(origins[0])
    if found is None:
        return None
    return Caller(origins[0], found.host, trustworthy=found.trustworthy)


def is_local(hosts: list[str]) -> bool:
    """Tell whether the Host header names this machine, on any port.

    A page whose own name was made to point here (DNS rebinding) sends its name.
    """
    return len(hosts) == 1 and _HOST.fullmatch(hosts[0]) is not None

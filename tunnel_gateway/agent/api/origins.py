"""Who calls: the Origin header as browsers write it, and the Host header as they must send it."""

from __future__ import annotations

import re
from typing import Final

from tunnel_gateway.agent.api.calls import Caller

_MAX_ORIGIN: Final = 300
# RFC 6454, section 6.2: scheme, host, port if it is not the scheme's own; all in lower case, with
# A-labels. Browsers write no other form, so another form comes from no browser.
_ORIGIN = re.compile(r"https?://(?P<host>[a-z0-9_.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?", re.ASCII)
_HOST = re.compile(r"(127\.0\.0\.1|localhost)(:[0-9]{1,5})?", re.ASCII | re.IGNORECASE)


def caller_of(origins: list[str]) -> Caller | None:
    """Return who the values of the Origin header name; None unless it is one http or https page.

    ``null``, the origin of local files and sandboxed frames, stands for nobody: it is the same
    for all of them. ``example.uz.``, the full name with its final dot, is the domain example.uz.
    """
    if len(origins) != 1 or len(origins[0]) > _MAX_ORIGIN:
        return None
    found = _ORIGIN.fullmatch(origins[0])
    if found is None or not (domain := found["host"].removesuffix(".")):
        return None
    return Caller(origins[0], domain)


def is_local(hosts: list[str]) -> bool:
    """Tell whether the Host header names this machine, on any port.

    A page whose own name was made to point here (DNS rebinding) sends its name.
    """
    return len(hosts) == 1 and _HOST.fullmatch(hosts[0]) is not None

"""The Origin header as browsers write it, and whether nobody on the way can be that page.

RFC 6454, section 6.2: scheme, host, port if it is not the scheme's own; all in lower case, with
A-labels. Browsers write no other form, so another form comes from no browser.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

# A host name has at most 253 characters, and scheme and port have few. More is not an origin.
_MAX_ORIGIN: Final = 300
_ORIGIN: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9_.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?",
    re.ASCII | re.IGNORECASE,
)
_THIS_MACHINE: Final = re.compile(
    r"([a-z0-9_.-]+\.)?localhost|127(\.[0-9]{1,3}){3}|\[::1\]", re.ASCII
)


@dataclass(frozen=True, slots=True)
class PageOrigin:
    """An http or https page's origin: its scheme and host in lower case, without a final dot.

    ``dotted`` tells that it was written with one.
    """

    scheme: str
    host: str
    dotted: bool = False

    @property
    def trustworthy(self) -> bool:
        """Tell whether the page came as it was sent: by https, or from this machine itself.

        An attacker in the network can put a script into a plain http page, with the same origin.
        W3C Secure Contexts, section 3.1, has the same rule and the same names except
        ``localhost.``: some browsers ask the DNS for it, which then chooses the page.
        """
        if self.scheme == "https":
            return True
        return not self.dotted and _THIS_MACHINE.fullmatch(self.host) is not None


def parse_origin(text: str) -> PageOrigin | None:
    """Return the page's origin; None for any other text.

    ``null``, the origin of local files and sandboxed frames, stands for nobody: it is the same
    for all of them. ``example.uz.``, the full name with its final dot, is the domain example.uz.
    """
    parts = _ORIGIN.fullmatch(text) if len(text) <= _MAX_ORIGIN else None
    if parts is None or not (host := parts["host"].lower().removesuffix(".")):
        return None
    return PageOrigin(parts["scheme"].lower(), host, dotted=parts["host"].endswith("."))

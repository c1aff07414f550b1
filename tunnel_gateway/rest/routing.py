"""From a path to its method; a wrong path or verb is told the right one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

from tunnel_gateway.rest.call import Method
from tunnel_gateway.rest.statuses import Reason, Refusal

# The path of a stranger is compared with all ours only if it is not longer.
_MAX_PATH: Final = 64
_MIN_PATH: Final = 4
_NO_IDEA: Final = "GET /openapi shows all methods"
# Paths that some clients know from elsewhere: of the daemon's admin address, and of the guide.
_ELSEWHERE: Final = (
    (
        re.compile(r"/(?:healthz|readyz|status|metrics)/?"),
        "it is answered at tunnel.admin.listen, if that is set",
    ),
    (re.compile(r"/(?:frontend|backend)/mobile/.*"), "this service has no methods for mobiles"),
)
OTHER: Final = "other"


class WrongVerbError(Refusal):
    """The method does not take this verb; ``verbs`` are those that it takes."""

    def __init__(self, method: Method) -> None:
        super().__init__(Reason.WRONG_VERB, f"use {' or '.join(method.verbs)}")
        self.verbs = method.verbs


class Routes:
    """The methods of the service by their paths."""

    def __init__(self, methods: Iterable[Method]) -> None:
        self._methods = {method.path: method for method in methods}

    @property
    def paths(self) -> list[str]:
        """Every path."""
        return list(self._methods)

    def find(self, path: str, verb: str) -> Method:
        """Return the method. Raises Refusal. A slash at the end does not count."""
        method = self._methods.get(path) or self._methods.get(path.rstrip("/"))
        if method is None:
            raise Refusal(Reason.UNKNOWN_PATH, self._nearest(path))
        if verb not in method.verbs and not (verb == "HEAD" and "GET" in method.verbs):
            raise WrongVerbError(method)
        return method

    def label(self, path: str) -> str:
        """Return the path for the log and the metrics: strangers cannot add one."""
        short = path.rstrip("/")
        return short if short in self._methods else OTHER

    def _nearest(self, path: str) -> str:
        if len(path) > _MAX_PATH:
            return "the path is too long for any method"
        for pattern, text in _ELSEWHERE:
            if pattern.fullmatch(path):
                return text
        asked = path.lower().rstrip("/")
        known = {known.lower(): known for known in self._methods}
        for low, right in known.items():
            # Integrations leave out the first part, or put one of their own before it.
            if len(asked) >= _MIN_PATH and (low.endswith(asked) or asked.endswith(low)):
                return f"did you mean {right}?"
        if asked and (
            below := [right for low, right in known.items() if low.startswith(f"{asked}/")]
        ):
            return f"did you mean {' or '.join(below)}?"
        close = get_close_matches(asked, known, n=1)
        return f"did you mean {known[close[0]]}?" if close else _NO_IDEA

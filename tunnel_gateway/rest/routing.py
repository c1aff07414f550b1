"""From a path to its method; a wrong path or verb is told the right one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import Final
from urllib.parse import unquote

from tunnel_gateway.rest.call import Method
from tunnel_gateway.rest.statuses import FRONTEND_MOBILE, Reason, Refusal

# The path of a stranger is compared with all ours only if it is not longer.
_MAX_PATH: Final = 64
_MIN_PATH: Final = 4
# Characters of a parameter, and how long they may be: four bytes each, every byte escaped.
MAX_PARAMETER: Final = 64
_LONGEST_PARAMETER: Final = MAX_PARAMETER * 4 * 3
_NO_IDEA: Final = "GET /openapi shows all methods"
# Paths that some clients know from elsewhere.
_ADMIN: Final = re.compile(r"/(?:healthz|readyz|status|metrics)/?")
_MOBILE: Final = re.compile(r"/(?:(?:frontend|backend)/)?mobile(?:/.*)?", re.DOTALL)
# Paths near ours that are more like another path of ours.
_MISTAKES: Final = (
    (re.compile(r"/(?:frontend|backend)/mobile/challenge"), "/frontend/mobile/auth"),
    (re.compile(r"/frontend/mobile/verify"), "/backend/mobile/verify"),
    (
        re.compile(r"(?:/.*)?/mobile/authenticate(?:/.*)?|/backend/mobile/auth(?:/.*)?"),
        "/backend/mobile/authenticate/{documentId}",
    ),
)
OTHER: Final = "other"
_NO_TEXTS: Final[Mapping[str, str]] = MappingProxyType({})


class WrongVerbError(Refusal):
    """The method does not take this verb; ``verbs`` are those that it takes."""

    def __init__(self, method: Method) -> None:
        super().__init__(Reason.WRONG_VERB, f"use {' or '.join(method.verbs)}")
        self.verbs = method.verbs


@dataclass(frozen=True, slots=True)
class Route:
    """The method of a path; ``texts`` has the parameter of the path."""

    method: Method
    texts: Mapping[str, str]


class Routes:
    """The methods of the service by their paths."""

    def __init__(self, methods: Iterable[Method]) -> None:
        self._methods = {method.path: method for method in methods}
        # The methods whose path ends in a parameter, by the path before it.
        self._with_parameter = {
            path.rpartition("/")[0]: method
            for path, method in self._methods.items()
            if path.endswith("}")
        }
        self._has_phones = any(path.startswith(FRONTEND_MOBILE) for path in self._methods)

    @property
    def paths(self) -> list[str]:
        """Every path."""
        return list(self._methods)

    def find(self, path: str, verb: str) -> Route:
        """Return the method. Raises Refusal. A slash at the end does not count."""
        method = self._method(path)
        if method is None:
            raise Refusal(Reason.UNKNOWN_PATH, self._nearest(path))
        if verb not in method.verbs and not (verb == "HEAD" and _takes_head(method)):
            raise WrongVerbError(method)
        texts = _parameter(method.path, path) if method.path.endswith("}") else _NO_TEXTS
        return Route(method, texts)

    def label(self, path: str) -> str:
        """Return the path for the log and the metrics: strangers cannot add one."""
        method = self._method(path)
        return OTHER if method is None else method.path

    def _method(self, path: str) -> Method | None:
        short = path.rstrip("/")
        return self._methods.get(short) or self._with_parameter.get(short.rpartition("/")[0])

    def _nearest(self, path: str) -> str:
        if not self._has_phones and _MOBILE.fullmatch(path):
            return "set mobile.siteId to have the methods for phones"
        if len(path) > _MAX_PATH:
            return "the path is too long for any method"
        if _ADMIN.fullmatch(path):
            return "it is answered at tunnel.admin.listen, if that is set"
        similar = self._similar(path.lower().rstrip("/"))
        return f"did you mean {' or '.join(similar)}?" if similar else _NO_IDEA

    def _similar(self, asked: str) -> list[str]:
        """Return the paths of ours that a caller may have meant."""
        known = {known.lower(): known for known in self._methods}
        for pattern, right in _MISTAKES:
            if right in self._methods and pattern.fullmatch(asked):
                return [right]
        for low, right in known.items():
            # Integrations leave out the first part, or put one of their own before it.
            if len(asked) >= _MIN_PATH and (low.endswith(asked) or asked.endswith(low)):
                return [right]
        if asked and (
            below := [right for low, right in known.items() if low.startswith(f"{asked}/")]
        ):
            return below
        return [known[low] for low in get_close_matches(asked, known, n=1)]


def _takes_head(method: Method) -> bool:
    # Nobody would see the answer of a sign-in that is used up by HEAD.
    return "GET" in method.verbs and not method.path.endswith("}")


def _parameter(known: str, path: str) -> Mapping[str, str]:
    """Return the last part of a path, without its escapes. Raises Refusal."""
    raw = path.rstrip("/").rpartition("/")[2]
    value = unquote(raw) if len(raw) <= _LONGEST_PARAMETER else raw
    name = known.rpartition("{")[2].rstrip("}")
    if len(value) > MAX_PARAMETER:
        raise Refusal(
            Reason.UNKNOWN_PATH, f"use {known}; {name} may have {MAX_PARAMETER} characters"
        )
    return {name: value}

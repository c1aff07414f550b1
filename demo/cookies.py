"""Values that the site keeps for a browser, by the random text in a cookie of that browser."""

from __future__ import annotations

import secrets
import time
from typing import Generic, TypeVar

from aiohttp import web

_MOST = 100

Kept = TypeVar("Kept")


class Cookies(Generic[Kept]):
    """The values of one cookie; each is kept for ``seconds``. A new one may end the oldest."""

    def __init__(self, name: str, seconds: int) -> None:
        self._name = name
        self._seconds = seconds
        self._values: dict[str, tuple[float, Kept]] = {}

    def begin(self, request: web.Request, response: web.Response, value: Kept) -> None:
        """Keep ``value`` for the browser, which had another one perhaps."""
        self._forget(request)
        if len(self._values) >= _MOST:
            del self._values[next(iter(self._values))]
        token = secrets.token_urlsafe(32)
        self._values[token] = (time.monotonic() + self._seconds, value)
        response.set_cookie(
            self._name,
            token,
            max_age=self._seconds,
            httponly=True,
            samesite="Strict",
            secure=request.secure,
        )

    def value(self, request: web.Request) -> Kept | None:
        """Return what is kept for the browser, None if there is nothing or its time is over."""
        end, value = self._values.get(self._token(request), (0.0, None))
        return value if time.monotonic() < end else None

    def end(self, request: web.Request, response: web.Response) -> None:
        """Forget what is kept for the browser."""
        self._forget(request)
        response.del_cookie(self._name)

    def _forget(self, request: web.Request) -> None:
        self._values.pop(self._token(request), None)

    def _token(self, request: web.Request) -> str:
        return request.cookies.get(self._name, "")

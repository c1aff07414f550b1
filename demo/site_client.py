"""The servers of the demonstration, called as a page and a backend call them."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import ClientSession
from programs import expect


class Site:
    """The server of a page; the client keeps the cookies, as a browser does."""

    def __init__(self, client: ClientSession, origin: str) -> None:
        self._client = client
        self._headers = {"Accept-Language": "en", "Origin": origin}

    async def ask(
        self,
        verb: str,
        path: str,
        body: str | dict[str, str] | None = None,
        *,
        reason: str | None = None,
    ) -> dict[str, Any]:
        """Ask; the answer must be yes, or the refusal ``reason``."""
        request = self._client.request(verb, path, data=body, headers=self._headers)
        async with request as response:
            answer: dict[str, Any] = json.loads(await response.read())
        expect(answer.get("reason") == reason, f"{path}: {answer.get('message')}")
        return answer


def refused(answer: dict[str, Any]) -> str:
    """Return the words for a refusal that the demonstration wants to see."""
    return f"refused with {answer['status']} {answer['reason']}, as it must be"

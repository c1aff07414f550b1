"""``/frontend/challenge``: a text that the user signs to sign in."""

from __future__ import annotations

from typing import Final, Protocol

from tunnel_gateway.rest.call import Call, Wanted
from tunnel_gateway.rest.statuses import Fields


class Giver(Protocol):
    """Gives challenges."""

    async def give(self) -> str:
        """Return a new challenge. Raises Refusal."""


class Challenge:
    """Answers with a new challenge of ``challenges``, which is valid for ``seconds``."""

    path: Final = "/frontend/challenge"
    # The guide has GET. Some clients send POST, and would wait for ever for a refusal.
    verbs: Final = ("GET", "POST")
    wanted: Final = Wanted()

    def __init__(self, challenges: Giver, seconds: float) -> None:
        self._challenges = challenges
        self._seconds = int(seconds)

    async def answer(self, call: Call) -> Fields:
        """Return a challenge and its life in seconds. Raises Refusal."""
        del call
        return {"challenge": await self._challenges.give(), "ttl": self._seconds}

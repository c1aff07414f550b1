"""The question for a password: which page wants to use which key, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tunnel_gateway.observability.logs import escaped

# The text for pinentry must fit into a line of 1000 bytes, with all escapes.
_SHOWN: Final = 70
_TAGS: Final = str.maketrans({"<": "‹", ">": "›", "&": "+"})


@dataclass(frozen=True, slots=True)
class Question:
    """A question. ``origin`` comes from the browser and ``owner`` from the file: trust neither.

    ``purpose`` comes from the agent. ``retry`` says that the last password was wrong.
    """

    origin: str
    owner: str
    purpose: str
    retry: bool = False

    def text(self, *, retry_note: bool = False) -> str:
        """Return the text for the user. No value in it can look like another line."""
        note = f"{RETRY}\n" if self.retry and retry_note else ""
        asks = f"The page {_shown(self.origin)} asks for {_shown(self.purpose)}"
        return f"{note}{asks}\nwith the key of {_shown(self.owner)}"


RETRY: Final = "Wrong password"


def _shown(text: str) -> str:
    """Cut a text, and replace control characters and characters that may be mark-up in a dialog."""
    plain = escaped(text.translate(_TAGS))
    return plain if len(plain) <= _SHOWN else f"{plain[:_SHOWN]}…"

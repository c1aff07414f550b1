"""The question for a password: who wants to use which key, and what for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tunnel_gateway.observability.logs import escaped

# What pinentry shows must fit into a line of 1000 bytes, escapes included.
_SHOWN: Final = 70
_TAGS: Final = str.maketrans({"<": "‹", ">": "›", "&": "+"})


@dataclass(frozen=True, slots=True)
class Question:
    """``origin`` is the browser's word, ``owner`` that of the key's file; neither is trusted.

    ``purpose`` is ours. ``retry`` says that the last password was wrong.
    """

    origin: str
    owner: str
    purpose: str
    retry: bool = False

    def text(self, *, retry_note: bool = False) -> str:
        """Return what the user reads; nothing in it can pretend to be another line."""
        lines = [f"The page {_shown(self.origin)} asks for {_shown(self.purpose)}"]
        lines.append(f"with the key of {_shown(self.owner)}")
        if self.retry and retry_note:
            lines.insert(0, RETRY)
        return "\n".join(lines)


RETRY: Final = "Wrong password"


def _shown(text: str) -> str:
    """Cut, and free of control characters and of what a dialog may take for mark-up."""
    plain = escaped(text.translate(_TAGS))
    return plain if len(plain) <= _SHOWN else f"{plain[:_SHOWN]}…"

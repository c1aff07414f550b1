"""Kinds of bodies that are told from each other, so that a developer learns what came."""

from __future__ import annotations

import re
from typing import Final

Kinds = tuple[tuple[re.Pattern[bytes], str], ...]

# So many bytes of a body are looked at.
LOOK: Final = 64
PEM: Final = b"-----BEGIN"

_EVERYWHERE: Final[Kinds] = (
    (re.compile(rb"\s*[{\[\"]"), "JSON"),
    (re.compile(rb"\s*data:"), "a data URL: leave out all up to the comma"),
    (re.compile(rb"\s*<"), "XML or HTML"),
    (re.compile(PEM), "PEM: leave out the lines with BEGIN and END"),
    (re.compile(rb"--"), "a multipart form"),
    (re.compile(rb"\x30[\x80-\x84]"), "the bytes of a PKCS#7 document themselves"),
)
# Beside Base64.
BESIDE_BASE64: Final[Kinds] = (
    (re.compile(rb"[\w.%-]{1,60}=[^=\s]"), "a form: leave out the name of the field"),
    (re.compile(rb"[A-Za-z0-9+/]+%(?:2B|2F|3D|7C)", re.IGNORECASE), "percent-encoded text"),
)
# Beside a form.
BESIDE_FORM: Final[Kinds] = (
    (re.compile(rb"[A-Za-z0-9+/_-]{48}"), "Base64 without the name of a field"),
)


class Head:
    """The first bytes of a text that comes in pieces."""

    def __init__(self) -> None:
        self.text = b""

    @property
    def is_whole(self) -> bool:
        """Whether it needs no other piece."""
        return len(self.text) == LOOK

    def take(self, piece: bytes) -> None:
        """Keep what is one of the first bytes."""
        self.text += piece[: LOOK - len(self.text)]

    def kind(self, more: Kinds = ()) -> str:
        """Return what it seems to be, an empty text if nobody knows."""
        kinds = (*_EVERYWHERE, *more)
        return next((text for pattern, text in kinds if pattern.match(self.text)), "")

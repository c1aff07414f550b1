"""Long texts of Base64, taken out of JSON before it is read.

Python's reader of JSON copies a text several times, and nobody else has Python's lock meanwhile: 32
MiB of Base64 would stop the event loop for a tenth of a second.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from string import ascii_letters, digits
from typing import Final

# Every text of twice this length is taken out.
LONG: Final = 64 * 1024

# Stands in the JSON for a text that was taken out. Nobody can guess it.
_MARK: Final = secrets.token_hex(16)
# The letters of Base64. A colon, a comma or a blank stands behind a text and not in one.
_BEGINNINGS: Final = frozenset(f"{ascii_letters}{digits}+/-_".encode())


def take_out(data: bytes) -> tuple[bytes, dict[str, memoryview]]:
    """Return the JSON with a short text for each long one, and the long ones by these."""
    view = memoryview(data)
    texts: dict[str, memoryview] = {}
    pieces: list[bytes | memoryview] = []
    done = 0
    for start, end in _long_texts(data):
        name = f"{_MARK}{len(texts)}"
        texts[name] = view[start:end]
        pieces += view[done:start], name.encode()
        done = end
    if not texts:
        return data, texts
    return b"".join((*pieces, view[done:])), texts


def _long_texts(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield where long texts begin and end; one with an escape is left to JSON."""
    at = 0
    while (end := at + LONG) <= len(data):
        if data.find(b'"', at, end) == -1:
            start, end = data.rfind(b'"', 0, at) + 1, data.find(b'"', end)
            if end == -1:
                return
            if data[start] in _BEGINNINGS and data.find(b"\\", start, end) == -1:
                yield start, end
        at = end

"""The one place that makes the JSON text of an answer, of fields or of a refusal.

The text is UTF-8. The fields of the method come first, then `status` and `message`, and at last our
`reason` if the status is not 1. Base64 of large documents is made while it is sent: an answer with
a document of 64 MiB must not need another 85 MiB.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pybase64 import b64encode, b64encode_as_string

from tunnel_gateway.rest.languages import text_of
from tunnel_gateway.rest.statuses import (
    HTTP_OK,
    Fields,
    Reason,
    Refusal,
    Status,
    http_code,
    status_of,
)
from tunnel_gateway.user_language import Language

JSON: Final = "application/json; charset=utf-8"

# Up to so many bytes Base64 is made at once.
_SMALL: Final = 16_384
# Bytes for which Base64 is made in one go; a multiple of three, so that pieces need no padding.
PIECE: Final = 98_304

# Stands in the JSON text for the Base64 that is made later. Nobody can guess it, so no name in a
# certificate can be taken for it.
_MARK: Final = secrets.token_hex(16)
_MARKS: Final = re.compile(f"{_MARK}([0-9]+)")


@dataclass(frozen=True, slots=True)
class Base64:
    """Bytes that stand in an answer as Base64, without line ends."""

    data: bytes | memoryview


class Bare(Fields):
    """Fields that are the whole answer: `/ping` and `/info` have neither status nor message."""


class Prepared(Fields):
    """An answer that is ready, whatever it is, instead of fields.

    ``policy`` is the Content-Security-Policy of a page.
    """

    def __init__(self, content: bytes, content_type: str, policy: str = "") -> None:
        super().__init__()
        self.content = content
        self.content_type = content_type
        self.policy = policy


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer. ``code`` is the HTTP code; ``reason`` is None for success."""

    code: int
    status: int
    reason: Reason | None
    parts: tuple[bytes | Base64, ...]
    content_type: str = JSON
    policy: str = ""

    @property
    def length(self) -> int:
        """Its length in bytes."""
        return sum(
            len(part) if isinstance(part, bytes) else (len(part.data) + 2) // 3 * 4
            for part in self.parts
        )

    def pieces(self) -> Iterator[bytes]:
        """Yield the text in pieces of a size that can be sent at once."""
        for part in self.parts:
            if isinstance(part, bytes):
                yield part
                continue
            view = memoryview(part.data)
            for start in range(0, len(view), PIECE):
                yield b64encode(view[start : start + PIECE])


def success(fields: Fields) -> Answer:
    """Return the answer of a method that did what was asked. Raises TypeError, ValueError."""
    if isinstance(fields, Prepared):
        return Answer(
            HTTP_OK,
            int(Status.SUCCESS),
            None,
            (fields.content,),
            fields.content_type,
            fields.policy,
        )
    whole = fields if isinstance(fields, Bare) else success_fields(fields)
    return Answer(HTTP_OK, int(Status.SUCCESS), None, _parts(whole))


def success_fields(fields: Fields) -> Fields:
    """Return the fields with the status and the message of success."""
    return fields | {"status": int(Status.SUCCESS), "message": ""}


def refused(refusal: Refusal, language: Language, path: str = "") -> Answer:
    """Return the answer of any other outcome of the method at ``path``.

    Raises TypeError, ValueError for odd fields.
    """
    status = status_of(refusal.reason, path)
    whole = refusal_fields(refusal, language, path)
    return Answer(http_code(status), status, refusal.reason, _parts(whole))


def refusal_fields(refusal: Refusal, language: Language, path: str = "") -> Fields:
    """Return the fields of a refusal with its status, its message, its reason and its detail."""
    ending: Fields = {
        "status": status_of(refusal.reason, path),
        "message": text_of(refusal.reason, language),
        "reason": refusal.reason,
    }
    if refusal.detail:
        ending["detail"] = refusal.detail
    return refusal.fields | ending


def _parts(fields: Fields) -> tuple[bytes | Base64, ...]:
    large: list[Base64] = []

    def default(value: object) -> str:
        if not isinstance(value, Base64):
            raise TypeError(f"an answer cannot hold a {type(value).__name__}")
        if len(value.data) <= _SMALL:
            return b64encode_as_string(value.data)
        large.append(value)
        return f"{_MARK}{len(large) - 1}"

    text = json.dumps(
        fields, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=default
    )
    # A name in a certificate can hold half a surrogate pair: it stands there as JSON writes it.
    pieces = _MARKS.split(text) if large else [text]
    return tuple(
        large[int(piece)] if index % 2 else piece.encode(errors="backslashreplace")
        for index, piece in enumerate(pieces)
    )

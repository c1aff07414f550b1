"""Bytes among the arguments of a call: BASE64, with a limit."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode

from tunnel_gateway.agent.reasons import refused


def from_base64(text: str, limit: int) -> bytes:
    """Return the bytes, ``limit`` at most.

    Raises CallRefusedError: ``too_large``, ``not_base64``.
    """
    if len(text) > (limit + 2) // 3 * 4:
        raise refused("too_large")
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise refused("not_base64") from None


def to_base64(data: bytes | memoryview) -> str:
    """Return the bytes as text."""
    return b64encode(data).decode()

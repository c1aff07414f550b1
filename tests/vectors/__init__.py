"""Published answers as data; SOURCES.md beside them says where each comes from."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def load(name: str) -> dict[str, Any]:
    """The tables of one file, by its name without the ending."""
    return tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


def sbox(digits: str) -> bytes:
    """An S-box as one hexadecimal digit for each of its 128 numbers, as 128 bytes."""
    return bytes(int(digit, 16) for digit in digits if not digit.isspace())

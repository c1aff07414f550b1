"""QRs read by zbar, which reads them as a phone does: from pictures."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

_BLOCKS = {"█": (1, 1), "▀": (1, 0), "▄": (0, 1), " ": (0, 0)}  # light above, light below
_SCALE = 6


def read_qr(picture: Path) -> str:
    """Return the text of the one QR in a picture."""
    if shutil.which("zbarimg") is None:
        pytest.skip("zbarimg is missing: scripts/system-packages --for-tests installs it")
    done = subprocess.run(
        ["zbarimg", "--nodbus", "--quiet", "--raw", picture],
        capture_output=True,
        check=True,
        text=True,
    )
    (line,) = done.stdout.splitlines()
    return line


def draw_terminal(text: str, picture: Path) -> None:
    """Draw the half blocks of a terminal as a picture (PGM), light blocks on a dark ground."""
    lines = [re.sub(r"\x1b\[[\d;]*m", "", line).rstrip("\r") for line in text.splitlines()]
    rows = [
        bytes(value for char in line for value in [255 * _BLOCKS[char][half]] * _SCALE)
        for line in lines
        for half in (0, 1)
    ]
    size = f"{len(rows[0])} {len(rows) * _SCALE}"
    picture.write_bytes(f"P5 {size} 255\n".encode() + b"".join(row * _SCALE for row in rows))

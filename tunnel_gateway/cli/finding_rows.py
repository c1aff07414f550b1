"""Findings as rows for people: a sign, the area, and the text in lines of the terminal's width."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterable
from typing import Final

from tunnel_gateway.cli import DONE, FAILED, LOOK
from tunnel_gateway.daemon.findings import Finding, Status
from tunnel_gateway.observability.logs import escaped

_ENGLISH: Final[dict[Status, str]] = {"ok": "ok", "warning": "look", "fault": "WRONG"}
_COLOUR: Final[dict[Status, str]] = {"ok": "32", "warning": "33", "fault": "31"}
_AREA_WIDTH: Final = 13
_MIN_WIDTH, _MAX_WIDTH = 60, 120


def row(finding: Finding, area: str | None = None, signs: dict[Status, str] = _ENGLISH) -> str:
    """Return the lines of a finding; ``area`` is its area in the language of the reader."""
    width = min(max(shutil.get_terminal_size().columns, _MIN_WIDTH), _MAX_WIDTH)
    sign_width = max(map(len, signs.values()))
    sign = f"{signs[finding.status]:<{sign_width}}"
    if sys.stdout.isatty():
        sign = f"\x1b[{_COLOUR[finding.status]}m{sign}\x1b[0m"
    indent = " " * (sign_width + 1 + _AREA_WIDTH + 1)
    text = textwrap.wrap(
        escaped(f"{finding.subject}: {finding.text}"),
        width - len(indent),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return f"{sign} {area or finding.area:<{_AREA_WIDTH}} " + f"\n{indent}".join(text)


def exit_code(statuses: Iterable[Status]) -> int:
    """Return 1 after a fault, 3 after a warning, otherwise 0."""
    seen = set(statuses)
    if "fault" in seen:
        return FAILED
    return LOOK if "warning" in seen else DONE

"""The findings that `check` prints: one for each check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warning", "fault"]


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check: its area, what was checked, the status, and the text for people."""

    area: str
    subject: str
    status: Status
    text: str

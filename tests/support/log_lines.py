"""Logs and audit files: one JSON object on a line."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

Record = dict[str, Any]


def read_records(text: str | bytes) -> list[Record]:
    """Return the lines as objects; a line that is not JSON fails."""
    return [json.loads(line) for line in text.splitlines()]


def first_record(records: Iterable[Record], event: str, facts: Record) -> Record | None:
    """Return the first record of ``event`` with these facts among its own."""
    wanted = {"event": event} | facts
    return next((record for record in records if wanted.items() <= record.items()), None)

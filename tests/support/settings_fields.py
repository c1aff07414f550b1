"""The fields of settings, as tables of keys name them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any


def fields_of(settings: Any) -> Iterator[str]:
    """Yield the fields of the configuration, those of a group with its name before them."""
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if dataclasses.is_dataclass(value):
            yield from (f"{field.name}.{name}" for name in fields_of(value))
        else:
            yield field.name

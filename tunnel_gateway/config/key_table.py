"""The keys of a configuration file as a table: one row each, for the reader and for documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tunnel_gateway.config.values import Kind


@dataclass(frozen=True, slots=True)
class Key:
    """One key.

    ``field`` is the field of the settings that has its value: ``relay.idle_timeout`` is a field of
    a group. ``default`` is written as in the file, "" for none; ``unset`` is what documents say of
    a key without one. ``help`` and ``reason``, why this default, are sentences in Markdown.
    ``restart``: a running daemon does not take a new value. ``vendor``: a key of E-IMZO-SERVER too.
    """

    name: str
    field: str
    kind: Kind
    default: str
    help: str
    reason: str
    unset: str = "none"
    restart: bool = False
    vendor: bool = False


def as_markdown(*tables: Iterable[Key]) -> str:
    """Return one table of these keys as it stands in a document."""
    keys = [key for table in tables for key in table]
    # A program without keys of the vendor has nothing to say in the last column.
    columns = 6 if any(key.vendor for key in keys) else 5
    return "".join(f"| {' | '.join(row[:columns])} |\n" for row in _rows(keys))


def _rows(keys: Iterable[Key]) -> Iterator[tuple[str, ...]]:
    yield "key", "default", "value", "meaning", "why this default", ""
    yield ("---",) * 6
    for key in keys:
        notes = ", ".join(["own"] * (not key.vendor) + ["restart"] * key.restart)
        default = f"`{key.default}`" if key.default else key.unset
        yield f"`{key.name}`", default, key.kind.brief, key.help, key.reason, notes

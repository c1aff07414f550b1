"""Reading the entries of a file by a table of keys; all faults are collected."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from tunnel_gateway.config.credentials import credential
from tunnel_gateway.config.key_table import Key
from tunnel_gateway.config.values import Entry
from tunnel_gateway.errors import Fault


def collect(
    entries: Iterable[Entry], unknown: Callable[[Entry], str | None], faults: list[Fault]
) -> dict[str, Entry]:
    """Return the entries by key; repeated and unknown keys are faults.

    ``unknown`` returns the fault of an entry whose key nobody knows, and None for the others.
    """
    first: dict[str, Entry] = {}
    for entry in entries:
        if first.setdefault(entry.key, entry) is not entry:
            faults.append(entry.fault(f"given twice, first in line {first[entry.key].line}"))
        elif fault := unknown(entry):
            faults.append(entry.fault(fault))
    return first


def unknown_key(name: str, known: Sequence[str], prefix: str = "") -> str:
    """Return the fault of a key that is not among the ``known``, with the nearest of them.

    ``prefix`` is what all keys begin with, and is not in ``known``: it says nothing about which
    key was meant.
    """
    close = get_close_matches(name.removeprefix(prefix), known, n=1)
    return f"unknown key; did you mean {prefix}{close[0]}?" if close else "unknown key"


def read_value(key: Key, entry: Entry | None, base: Path, faults: list[Fault]) -> Any:
    """Return the value of ``key``: its default if ``entry`` is missing or empty, None if faulty.

    ``base`` is the folder at which a relative path starts.
    """
    if entry is not None and entry.value:
        return entry.read(key.kind, faults)
    return key.kind.read(key.default, base) if key.default else key.kind.absent


def read_values(
    keys: Iterable[Key], entries: Mapping[str, Entry], base: Path, faults: list[Fault]
) -> dict[str, Any]:
    """Return the values of all ``keys``, by field; a password may come from systemd."""
    values: dict[str, Any] = {}
    for key in keys:
        entry = entries.get(key.name)
        password = credential(key.name, key.kind, entry, faults)
        values[key.field] = password or read_value(key, entry, base, faults)
    return values


def value_of(settings: Any, field: str) -> Any:
    """Return the value of a key's field: ``relay.lifetime`` is a field of a group."""
    group, _, name = field.rpartition(".")
    return getattr(getattr(settings, group) if group else settings, name)


def check_paths(
    keys: Iterable[Key],
    values: Mapping[str, Any],
    entries: Mapping[str, Entry],
    file: Path,
    faults: list[Fault],
) -> None:
    """Fault the paths that do not exist, or are of the wrong type. ``values`` are by field."""
    for key in keys:
        value = values[key.field]
        if value and key.kind.problem and (problem := key.kind.problem(value)):
            entry = entries.get(key.name)
            if entry is not None and entry.value:
                faults.append(entry.fault(problem))
            else:
                line = entry.line if entry else None
                faults.append(Fault(f"{problem}; this is the default", str(file), line, key.name))


def grouped(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values by field, those of a group (``relay.lifetime``) in a mapping of their own."""
    groups: dict[str, Any] = {}
    for field, value in values.items():
        group, _, name = field.rpartition(".")
        if group:
            groups.setdefault(group, {})[name] = value
        else:
            groups[field] = value
    return groups

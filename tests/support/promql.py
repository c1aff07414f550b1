"""PromQL and what uses it: the queries of a dashboard, the names in a query."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tunnel_gateway.observability.metric_table import METRICS

_NAME = re.compile(r"\b(?:tunnel_gateway|process)_\w+")
_SELECTOR = re.compile(r"\b(?P<name>(?:tunnel_gateway|process)_\w+)(?:\{(?P<labels>[^}]*)\})?")
_BY = re.compile(r"\bby \((?P<labels>[^)]*)\)")
_LABEL = re.compile(r"(\w+)(?:=~|!~|!=|=)\"")
# What Prometheus itself adds.
_TARGET_LABELS = {"instance", "job"}


def series_labels() -> dict[str, set[str]]:
    """Return the labels of every series that /metrics may have, by its name."""
    found: dict[str, set[str]] = {}
    for one in METRICS:
        labels = {*one.labels, *_TARGET_LABELS}
        if one.kind == "histogram":
            found[f"{one.name}_bucket"] = {*labels, "le"}
            found[f"{one.name}_sum"] = found[f"{one.name}_count"] = labels
        else:
            found[one.name] = labels
    return found


def faults(query: str) -> Iterator[str]:
    """Yield each name and label in a query that no gateway has."""
    known = series_labels()
    selectors = list(_SELECTOR.finditer(query))
    usable = set().union(*(known.get(one["name"], set()) for one in selectors), _TARGET_LABELS)
    for one in selectors:
        if one["name"] not in known:
            yield one["name"]
            continue
        for label in _LABEL.findall(one["labels"] or ""):
            if label not in known[one["name"]]:
                yield f"{one['name']}: {label}"
    for match in _BY.finditer(query):
        for label in match["labels"].split(","):
            if label.strip() not in usable:
                yield f"by {label.strip()}"


def names(query: str) -> set[str]:
    """Return the series that a query asks for."""
    return set(_NAME.findall(query))


def dashboard_queries(path: Path) -> list[str]:
    """Return every query of a Grafana dashboard."""
    found: list[str] = []

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            found.extend(node[key] for key in ("expr", "definition") if key in node)
            for one in node.values():
                walk(one)
        elif isinstance(node, list):
            for one in node:
                walk(one)

    walk(json.loads(path.read_text(encoding="utf-8")))
    return found

"""The table of events against the calls in the code and against the operator's manual."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tunnel_gateway.observability.event_table import EVENTS, KEYS, as_markdown

PROJECT = Path(__file__).parents[2]
METHODS = {
    "debug": "debug",
    "info": "info",
    "warning": "warning",
    "error": "error",
    "exception": "error",
}
BY_NAME = {event.name: event for event in EVENTS}


@dataclass(frozen=True)
class Call:
    """One call of a logger; ``open`` when facts come from a mapping as well."""

    place: str
    level: str
    event: str
    keys: frozenset[str]
    open: bool


def calls_in(text: str, place: str) -> Iterator[Call]:
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if not isinstance(node.func.value, ast.Name) or node.func.value.id != "log":
            continue
        where = f"{place}:{node.lineno}"
        (event,) = node.args
        assert isinstance(event, ast.Constant), f"{where}: an event's name must stand in the call"
        keys = [one.arg for one in node.keywords]
        yield Call(
            where,
            METHODS[node.func.attr],
            str(event.value),
            frozenset(key for key in keys if key is not None) - {"exc_info"},
            open=None in keys,
        )


def all_calls() -> list[Call]:
    """Return the gateway's calls; the agent is a program of its own."""
    return [
        call
        for path in sorted((PROJECT / "tunnel_gateway").rglob("*.py"))
        if "agent" not in path.relative_to(PROJECT).parts
        for call in calls_in(path.read_text(encoding="utf-8"), str(path.relative_to(PROJECT)))
    ]


CALLS = all_calls()


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.place} {call.event}")
def test_every_call_is_in_the_table(call: Call) -> None:
    event = BY_NAME.get(call.event)
    assert event is not None, f"{call.place}: {call.event} is not in observability/event_table.py"
    assert call.level in event.levels
    assert call.keys <= {*event.keys, *event.sometimes}
    if not call.open:
        assert call.keys >= set(event.keys)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.name)
def test_every_event_of_the_table_is_logged(event: object) -> None:
    assert event in EVENTS
    name = getattr(event, "name", "")
    found = [call for call in CALLS if call.event == name]
    assert found, f"nobody logs {name}"
    assert {call.level for call in found} == set(BY_NAME[name].levels)
    if not any(call.open for call in found):
        said = set().union(*(call.keys for call in found)) | ({"exception"} & set(KEYS))
        assert {*BY_NAME[name].keys, *BY_NAME[name].sometimes} <= said


def test_names_and_keys_are_explained_once() -> None:
    assert len(BY_NAME) == len(EVENTS)
    used = {key for event in EVENTS for key in (*event.keys, *event.sometimes)}
    assert used == set(KEYS)
    for event in EVENTS:
        assert not set(event.keys) & set(event.sometimes)
        for text in (event.meaning, event.remedy):
            assert text
            assert not text.endswith(".")
            assert "|" not in text


def test_the_manual_has_the_table() -> None:
    manual = (PROJECT / "docs/log.md").read_text(encoding="utf-8")
    assert as_markdown() in manual, f"write this into docs/log.md:\n{as_markdown()}"


def test_a_call_is_read_as_it_is() -> None:
    text = "log.warning('a', b=1, **c)\nlog.exception('d')\nother.info('e')\nlog.info('f', g=2)"
    assert [(one.level, one.event, set(one.keys), one.open) for one in calls_in(text, "x")] == [
        ("warning", "a", {"b"}, True),
        ("error", "d", set(), False),
        ("info", "f", {"g"}, False),
    ]

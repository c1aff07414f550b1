"""The tables of events against the calls in the code and against the operator's manual."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tunnel_gateway.observability.centre_events import CENTRE_EVENTS, CENTRE_KEYS
from tunnel_gateway.observability.event_table import (
    AGENT_EVENTS,
    AGENT_KEYS,
    GATEWAY_EVENTS,
    GATEWAY_KEYS,
    Event,
    as_markdown,
)
from tunnel_gateway.observability.rest_events import REST_EVENTS, REST_KEYS

PROJECT = Path(__file__).parents[2]
PACKAGE = PROJECT / "tunnel_gateway"
METHODS = {
    "debug": "debug",
    "info": "info",
    "warning": "warning",
    "error": "error",
    "exception": "error",
}
# Code of both programs that logs.
SHARED = ("observability", "cli/loop.py", "cli/uncaught.py")


@dataclass(frozen=True)
class Call:
    """One call of a logger; ``open`` when facts come from a mapping as well."""

    where: str
    level: str
    event: str
    keys: frozenset[str]
    open: bool


@dataclass(frozen=True)
class Program:
    """A program with its tables, and the files and folders of its code."""

    events: tuple[Event, ...]
    keys: Mapping[str, str]
    code: tuple[str, ...]

    @functools.cached_property
    def calls(self) -> tuple[Call, ...]:
        """The calls in the code, which a test reads and not the collection of tests."""
        return calls_under(*self.code)

    def event(self, name: str) -> Event | None:
        return next((event for event in self.events if event.name == name), None)


def calls_in(text: str, file: str) -> Iterator[Call]:
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if not isinstance(node.func.value, ast.Name) or node.func.value.id != "log":
            continue
        where = f"{file}:{node.lineno}"
        (event,) = node.args
        assert isinstance(event, ast.Constant), f"{where}: an event's name must stand in the call"
        keys = [keyword.arg for keyword in node.keywords]
        yield Call(
            where,
            METHODS[node.func.attr],
            str(event.value),
            frozenset(key for key in keys if key is not None) - {"exc_info"},
            open=None in keys,
        )


def calls_under(*names: str) -> tuple[Call, ...]:
    """Return the calls in these files, and in the files of these folders, of the package."""
    files = [path for name in names for path in [PACKAGE / name, *(PACKAGE / name).rglob("*.py")]]
    return tuple(
        call
        for path in sorted(files)
        if path.is_file()
        for call in calls_in(path.read_text(encoding="utf-8"), str(path.relative_to(PACKAGE)))
    )


GATEWAY = Program(
    GATEWAY_EVENTS,
    GATEWAY_KEYS,
    tuple(path.name for path in PACKAGE.iterdir() if path.name not in ("agent", "centre", "rest")),
)
# What this service shares with the tunnels, `limits` for example, logs lines of the gateway.
REST = Program(REST_EVENTS, REST_KEYS, ("rest",))
AGENT = Program(AGENT_EVENTS, AGENT_KEYS, ("agent", *SHARED))
CENTRE = Program(CENTRE_EVENTS, CENTRE_KEYS, ("centre", *SHARED))
PROGRAMS = {"gateway": GATEWAY, "rest": REST, "agent": AGENT, "centre": CENTRE}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_every_call_is_in_the_table(program: Program) -> None:
    unknown = [
        f"{call.where} {call.event}" for call in program.calls if not program.event(call.event)
    ]
    assert not unknown, "not in the tables of observability/"
    for call in program.calls:
        event = program.event(call.event)
        assert event is not None
        assert call.level in event.levels, call
        assert call.keys <= {*event.keys, *event.sometimes}, call
        assert call.open or call.keys >= set(event.keys), call


@pytest.mark.parametrize(
    ("program", "event"),
    [
        pytest.param(program, event, id=f"{name} {event.name}")
        for name, program in PROGRAMS.items()
        for event in program.events
    ],
)
def test_every_event_of_the_table_is_logged(program: Program, event: Event) -> None:
    calls = [call for call in program.calls if call.event == event.name]
    assert calls, f"nothing logs {event.name}"
    assert {call.level for call in calls} == set(event.levels)
    if not any(call.open for call in calls):
        logged = frozenset({"exception"}).union(*(call.keys for call in calls))
        assert {*event.keys, *event.sometimes} <= logged


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_names_and_keys_are_explained_once(program: Program) -> None:
    names = [event.name for event in program.events]
    assert len(set(names)) == len(names)
    used = {key for event in program.events for key in (*event.keys, *event.sometimes)}
    assert used == set(program.keys)
    for event in program.events:
        assert not set(event.keys) & set(event.sometimes)
        for text in (event.meaning, event.remedy):
            assert text
            assert not text.endswith(".")
            assert "|" not in text


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_the_manual_has_the_tables(program: Program) -> None:
    manual = (PROJECT / "docs/log.md").read_text(encoding="utf-8")
    table = as_markdown(program.events, program.keys)
    assert table in manual, f"write this into docs/log.md:\n{table}"


def test_every_logger_is_called_log() -> None:
    """A logger of another name would write lines that no table has."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Assign) and "get_logger(" in ast.unparse(node.value):
                assert ast.unparse(node.targets[0]) == "log", f"{path}:{node.lineno}"


def test_a_call_is_read_as_it_is() -> None:
    text = "log.warning('a', b=1, **c)\nlog.exception('d')\nother.info('e')\nlog.info('f', g=2)"
    assert [
        (call.level, call.event, set(call.keys), call.open) for call in calls_in(text, "x")
    ] == [
        ("warning", "a", {"b"}, True),
        ("error", "d", set(), False),
        ("info", "f", {"g"}, False),
    ]

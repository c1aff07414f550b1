from __future__ import annotations

import io
import json
import logging
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import Enum, IntEnum, StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support.log_lines import read_records
from tunnel_gateway.observability.logs import LogLevel, configure_logs, get_logger
from tunnel_gateway.observability.masking import Personal, show_personal

NAME = "tunnel_gateway.gateway.session"
FORGED = "x\n2026-01-01T00:00:00Z [info] tunnel_opened cn=admin\r\x1b[2J\u202e\u2028\x9b\0"


@pytest.fixture(autouse=True)
def restore() -> Iterator[None]:
    root, package = logging.getLogger(), logging.getLogger("tunnel_gateway")
    before = root.handlers[:], root.level, package.level
    yield
    root.handlers[:], root.level, package.level = before
    logging.getLogger("tunnel_gateway").setLevel(package.level)  # clears logging's own cache
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    show_personal("masked")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def json_lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return read_records(stream.getvalue())


def logged(*, personal: Personal = "masked", **values: object) -> dict[str, Any]:
    """Return the values as a JSON line has them."""
    stream = io.StringIO()
    configure_logs("json", "info", stream, personal=personal)
    get_logger(NAME).info("event", **values)
    (line,) = json_lines(stream)
    return {key: line[key] for key in values}


def shown(event: str = "event", **values: Any) -> str:
    """The console's text."""
    stream = io.StringIO()
    configure_logs("console", "info", stream)
    get_logger(NAME).info(event, **values)
    return stream.getvalue()


def test_a_line_for_machines() -> None:
    stream = io.StringIO()
    configure_logs("auto", "info", stream)
    get_logger(NAME).info("tunnel_opened", tunnel="ab", domain="example.uz", count=1)
    assert re.fullmatch(
        r'\{"timestamp": "\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", "level": "info", "event":'
        r' "tunnel_opened", "tunnel": "ab", "domain": "example.uz", "count": 1\}\n',
        stream.getvalue(),
    )


def test_a_line_for_people() -> None:
    text = shown("tunnel_opened", domain="example.uz", cn="O‘KTAM", count=1)
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT[\d:.]+Z \[info +\] tunnel_opened +domain=example.uz cn=O‘KTAM count=1\n",
        text,
    )


def test_colour_is_for_terminals_alone() -> None:
    stream = Terminal()
    configure_logs("auto", "info", stream)
    get_logger(NAME).warning("event")
    assert "\x1b[" in stream.getvalue()
    assert "\x1b[" not in shown()


def test_json_may_be_asked_for_on_a_terminal() -> None:
    stream = Terminal()
    configure_logs("json", "info", stream)
    get_logger(NAME).info("event")
    assert len(json_lines(stream)) == 1


@pytest.mark.parametrize(
    ("level", "written"),
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("info", ["info", "warning", "error"]),
        ("warning", ["warning", "error"]),
        ("error", ["error"]),
    ],
)
def test_the_level(level: LogLevel, written: list[str]) -> None:
    stream = io.StringIO()
    log = get_logger(NAME)
    configure_logs("json", level, stream)
    for method in (log.debug, log.info, log.warning, log.error):
        method("event")
    assert [line["level"] for line in json_lines(stream)] == written


def test_a_second_call_takes_over_from_the_first() -> None:
    first, second = io.StringIO(), io.StringIO()
    log = get_logger(NAME)
    configure_logs("json", "error", first)
    configure_logs("json", "debug", second)
    log.debug("event")
    assert not first.getvalue()
    assert len(json_lines(second)) == 1


def test_stderr_is_where_it_goes(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs()
    get_logger(NAME).info("event")
    captured = capsys.readouterr()
    assert json.loads(captured.err)["event"] == "event"
    assert not captured.out


def test_context_of_the_task_is_in_every_line() -> None:
    structlog.contextvars.bind_contextvars(tunnel="ab")
    assert "tunnel=ab" in shown()


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_libraries_come_out_in_the_same_form(log_format: Any) -> None:
    stream = io.StringIO()
    configure_logs(log_format, "debug", stream)
    for name in ("websockets.server", "asyncio"):
        logging.getLogger(name).info("< GET %s", "/secret")
        logging.getLogger(name).warning("trouble with %s", "1.2.3.4")
    lines = stream.getvalue().splitlines()
    assert len(lines) == 2
    assert all("trouble with 1.2.3.4" in line and "warning" in line for line in lines)
    assert "websockets.server" in lines[0]
    assert "asyncio" in lines[1]


def test_libraries_follow_a_higher_level() -> None:
    stream = io.StringIO()
    configure_logs("json", "error", stream)
    logging.getLogger("asyncio").warning("slow")
    assert not stream.getvalue()


class Colour(Enum):
    RED = b"secret"


class Number(IntEnum):
    ONE = 1


class Word(StrEnum):
    HELLO = "hello"


class Key:
    def __repr__(self) -> str:
        return "secret"


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (b"secret", "<6 bytes>"),
        (bytearray(b"secret"), "<6 bytes>"),
        (memoryview(b"secret"), "<6 bytes>"),
        (Word.HELLO, "hello"),
        ([b"secret", (b"secret",)], ["<6 bytes>", ["<6 bytes>"]]),
        ({"key": b"secret", b"secret": 1}, {"key": "<6 bytes>", "<6 bytes>": 1}),
        ({b"secret"}, ["<6 bytes>"]),
        (Key(), "<Key>"),
        ({"key": Key()}, {"key": "<Key>"}),
        (Colour.RED, "RED"),
        (Number.ONE, "ONE"),
        (None, None),
        (True, True),
        (1.5, 1.5),
        (datetime(2027, 1, 2, 3, tzinfo=UTC), "2027-01-02T03:00:00+00:00"),
        (Path("/etc"), "/etc"),
        (ip_address("::1"), "::1"),
        (ip_address("192.0.2.1"), "192.0.2.1"),
        (ValueError("bad"), "ValueError: bad"),
        ([[[[[1]]]]], [[[["<list>"]]]]),
    ],
)
def test_values_are_plain_and_tell_no_secret(value: object, plain: object) -> None:
    assert logged(value=value) == {"value": plain}
    assert "secret" not in shown(value=value)


def test_an_endless_value_ends() -> None:
    endless: list[object] = []
    endless.append(endless)
    assert logged(value=endless) == {"value": [[[["<list>"]]]]}


@pytest.mark.parametrize("text", [FORGED, FORGED.replace(" ", "")])
def test_a_stranger_cannot_write_a_line_of_his_own(text: str) -> None:
    for out in (
        shown(value=text),
        shown(value=[text]),
        shown(value={text: text}),
        shown(event=text),
        shown("event", **{text: 1}),
    ):
        assert out.count("\n") == 1
        assert out.removesuffix("\n").isprintable()


def test_a_stranger_cannot_write_through_a_library() -> None:
    stream = io.StringIO()
    configure_logs("console", "info", stream)
    logging.getLogger("websockets").error("bad request: %s", FORGED)
    assert stream.getvalue().count("\n") == 1
    assert "\x1b" not in stream.getvalue()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text())
@example("0" * 14)  # the number of a person, if the log masks these
def test_any_text_is_one_line_on_either_side(text: str) -> None:
    assert shown(event=text, value=text).removesuffix("\n").isprintable()
    assert logged(personal="full", value=text) == {"value": text}


def fail(text: str) -> None:
    raise ValueError(text)


def test_a_traceback_is_marked_line_by_line() -> None:
    stream = io.StringIO()
    configure_logs("console", "info", stream)
    log = get_logger(NAME)
    try:
        fail(FORGED)
    except ValueError:
        log.exception("failed")
        logging.getLogger("asyncio").exception("failed")
    first, *rest = stream.getvalue().splitlines()
    assert "failed" in first
    lines = [line for line in rest if "failed" not in line]
    assert len(lines) == len(rest) - 1
    assert all(line.startswith("  | ") and line.isprintable() for line in lines)
    assert "  | ValueError: x" in lines


def test_a_traceback_for_machines_is_a_value() -> None:
    stream = io.StringIO()
    configure_logs("json", "info", stream)
    try:
        fail(FORGED)
    except ValueError as error:
        get_logger(NAME).error("failed", exc_info=error)
    (line,) = json_lines(stream)
    assert line["exception"].endswith(f"ValueError: {FORGED}")


class FullStream(io.StringIO):
    def write(self, text: str) -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")


@pytest.mark.parametrize("log_format", ["auto", "console", "json"])
def test_a_closed_or_full_stream_does_not_raise(log_format: Any) -> None:
    closed = io.StringIO()
    closed.close()
    for stream in (closed, FullStream()):
        configure_logs(log_format, "info", stream)
        get_logger(NAME).info("event")
        logging.getLogger("asyncio").error("event")


def test_no_stderr_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    configure_logs()
    get_logger(NAME).info("event")


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise ZeroDivisionError


def test_a_line_that_cannot_be_made_says_so() -> None:
    line = shown(value=UnprintableError())
    assert "[error    ] a line of the log was lost: ZeroDivisionError" in line
    assert line.count("\n") == 1

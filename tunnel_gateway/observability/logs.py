"""The log: lines for people on a terminal, the journal's fields under systemd, else JSON lines.

A line is an event's name and its facts as keyword arguments::

    log = get_logger(__name__)
    log.info("tunnel_closed", domain="example.uz", serial="218711a92")

There are four promises, for our own lines and for the lines of libraries:

* No key, signature or payload gets into the log by mistake. Of bytes only the length is written. Of
  an object that is not a plain value only its class is written.
* No name and no number of a person is in the log, unless ``tunnel.log.personal=full`` (masking.py).
* A stranger cannot write a line into the log: characters that are not printable are escaped, and
  every line of a traceback is marked.
* If a line cannot be written (stderr is closed, nobody reads the pipe), only this line is lost. The
  number of lost lines is logged when lines can be written again (lines.py).

A line is made in the caller's thread, so code that runs for every record does not log. Events are
for each tunnel.
"""

from __future__ import annotations

import json
import logging
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date
from enum import Enum, StrEnum
from ipaddress import IPv4Address, IPv6Address
from pathlib import PurePath
from types import NoneType
from typing import Any, Literal, TextIO, cast

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

from tunnel_gateway.observability import journal
from tunnel_gateway.observability.lines import WRITER, Sink, descriptor_of, descriptor_sink
from tunnel_gateway.observability.masking import Personal, mask_line, show_personal

LogFormat = Literal["auto", "console", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]

_PACKAGE = "tunnel_gateway"
_MAX_DEPTH = 4

# The first row that fits decides. An enumeration may also be a text or a number, so it comes first.
# The value of a StrEnum is a word; of any other Enum the name says more. A datetime is also a date.
_SHOWN_AS: tuple[tuple[tuple[type, ...], Callable[[Any], object]], ...] = (
    ((bytes, bytearray, memoryview), lambda value: f"<{memoryview(value).nbytes} bytes>"),
    ((StrEnum,), lambda value: value.value),
    ((Enum,), lambda value: value.name),
    ((NoneType, bool, int, float, str), lambda value: value),
    ((date,), lambda value: value.isoformat()),
    ((PurePath, IPv4Address, IPv6Address), str),
    ((BaseException,), lambda value: f"{type(value).__name__}: {value}"),
)

# Most values are of these types themselves, and stay as they are.
_PLAIN_TYPES = frozenset({str, int, float, bool, NoneType})

# At lower levels websockets writes what passes through it, and a line for every port scanner.
_LIBRARY_LEVEL = logging.WARNING

_BEFORE: list[Processor] = [
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def get_logger(name: str) -> FilteringBoundLogger:
    """Return the logger of the module ``name``.

    It can be made before `configure_logs`, and every later call of that applies to it.
    """
    return cast("FilteringBoundLogger", structlog.get_logger(name))


log = get_logger(__name__)
_package_logger = logging.getLogger(_PACKAGE)


def shows_debug() -> bool:
    """Tell whether lines of the level debug are written: for facts that cost time to collect."""
    return _package_logger.isEnabledFor(logging.DEBUG)


def configure_logs(
    log_format: LogFormat = "auto",
    level: LogLevel = "info",
    stream: TextIO | None = None,
    *,
    personal: Personal = "masked",
) -> None:
    """Send all logging of the process to ``stream`` (stderr if None), from ``level`` on.

    ``auto`` is ``console`` if the stream is a terminal, the journal's own fields if it leads to the
    journal, else ``json``. The lines of libraries that use the standard ``logging`` have the same
    form, from the level warning on. ``personal`` says how the log and the status name persons. A
    reload calls this again: the last call counts.
    """
    show_personal(personal)
    stream = sys.stderr if stream is None else stream
    number = logging.getLevelNamesMapping()[level.upper()]
    handler, steps = _handler(log_format, stream)
    handler.setFormatter(_formatter(steps))
    own = _OwnLines(handler, steps)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(number, _LIBRARY_LEVEL))
    logging.getLogger(_PACKAGE).setLevel(number)
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, *_BEFORE, own.finish],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *_: own,
        cache_logger_on_first_use=False,  # a reload may change the level
    )
    WRITER.tell_lost = lambda lines: log.error("log_lines_lost", lost=lines)


def _handler(log_format: LogFormat, stream: TextIO | None) -> tuple[_Handler, list[Processor]]:
    """Return where lines go, and the steps that make a line's text."""
    if log_format == "auto" and journal.is_connected(stream):
        return _LineHandler(journal.send, "latin-1", end=""), _steps([_for_journal])
    steps = _steps(_rendering(log_format, terminal=_is_terminal(stream)))
    descriptor = descriptor_of(stream)
    if descriptor is None:
        return _MemoryHandler(stream), steps
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return _LineHandler(descriptor_sink(descriptor), encoding), steps


def _steps(rendering: list[Processor]) -> list[Processor]:
    return [structlog.processors.format_exc_info, _only_plain_values, mask_line, *rendering]


class _OwnLines:
    """Makes our own lines and writes them, as the logger that structlog calls with each text.

    A record of ``logging`` for each line would take as long as making its text.
    """

    def __init__(self, handler: _Handler, steps: list[Processor]) -> None:
        self._handler = handler
        self._steps = steps
        self.debug = self.info = self.warning = self.error = self.critical = handler.write

    def finish(self, logger: WrappedLogger, method: str, event_dict: EventDict) -> str:
        """Return the text of a line, or of a line about the failure. Does not raise."""
        line: Any = event_dict
        try:
            for step in self._steps:
                line = step(logger, method, line)
        except Exception as error:  # noqa: BLE001 - a failure of the log costs a line, nothing else
            return self._handler.format(_lost(error))
        return str(line)


def _lost(error: Exception) -> logging.LogRecord:
    text = f"a line of the log was lost: {type(error).__name__}"
    facts = {"name": _PACKAGE, "levelname": "ERROR", "levelno": logging.ERROR}
    return logging.makeLogRecord({**facts, "msg": text})


class _Handler(logging.Handler, ABC):
    """Writes the lines of libraries, which come as records, and our own."""

    def emit(self, record: logging.LogRecord) -> None:
        self.write(self.format(record))

    @abstractmethod
    def write(self, text: str) -> None:
        """Write a line. Does not raise."""


class _LineHandler(_Handler):
    """Has lines written to ``sink`` by the thread of lines.py."""

    def __init__(self, sink: Sink, encoding: str, end: str = "\n") -> None:
        super().__init__()
        self._sink = sink
        self._encoding = encoding
        self._end = end

    def write(self, text: str) -> None:
        WRITER.add(self._sink, f"{text}{self._end}".encode(self._encoding, "backslashreplace"))


class _MemoryHandler(_Handler):
    """Writes to a stream of this process alone, which nobody else can stall."""

    def __init__(self, stream: TextIO | None) -> None:
        super().__init__()
        self._stream = stream

    def write(self, text: str) -> None:
        # The line is lost if the stream is closed, or if there is no stream.
        if self._stream is not None:
            with suppress(OSError, ValueError):
                self._stream.write(f"{text}\n")
                self._stream.flush()


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """Writes a line about the failure if a line cannot be made. It does not raise."""

    def format(self, record: logging.LogRecord) -> str:
        try:
            return super().format(record)
        except Exception as error:  # noqa: BLE001 - a failure of the log costs a line, nothing else
            return super().format(_lost(error))


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # the stream is closed
        return False


def _rendering(log_format: LogFormat, *, terminal: bool) -> list[Processor]:
    if log_format == "json" or not (log_format == "console" or terminal):
        return [_order_for_machines, structlog.processors.JSONRenderer()]
    renderer = structlog.dev.ConsoleRenderer(
        colors=terminal,
        sort_keys=False,
        exception_formatter=structlog.dev.plain_traceback,  # the traceback is text already
    )
    return [_escape_for_people, renderer]


def _formatter(steps: list[Processor]) -> logging.Formatter:
    return _Formatter(
        foreign_pre_chain=[structlog.stdlib.add_logger_name, *_BEFORE],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *steps,
        ],
    )


def _only_plain_values(_: WrappedLogger, __: str, event_dict: EventDict) -> EventDict:
    return {
        key: value if type(value) in _PLAIN_TYPES else _plain(value)
        for key, value in event_dict.items()
    }


def _plain(value: object, depth: int = 0) -> object:
    """Return ``value`` as JSON can hold it, without the content of bytes and unknown objects."""
    for types, show in _SHOWN_AS:
        if isinstance(value, types):
            return show(value)
    if depth < _MAX_DEPTH and isinstance(value, Mapping):
        return {str(_plain(key)): _plain(item, depth + 1) for key, item in value.items()}
    if depth < _MAX_DEPTH and isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item, depth + 1) for item in value]
    return f"<{type(value).__name__}>"


def _order_for_machines(_: WrappedLogger, __: str, event_dict: EventDict) -> EventDict:
    """Put time, level and event first, so that raw lines can be read down a column."""
    return {key: event_dict[key] for key in ("timestamp", "level", "event")} | dict(event_dict)


def _for_journal(logger: WrappedLogger, method: str, event_dict: EventDict) -> str:
    """Return the bytes of an entry as Latin-1 text, because a formatter must return text."""
    shown = _escape_for_people(logger, method, dict(event_dict))
    trace = shown.pop("exception", None)
    words = [shown.pop("event")]
    for key, value in shown.items():
        if key not in ("timestamp", "level"):
            plain = isinstance(value, str) and value and " " not in value
            text = value if plain else escaped(json.dumps(value, ensure_ascii=False))
            words.append(f"{key}={text}")
    message = " ".join(words) if trace is None else f"{' '.join(words)}\n{trace}"
    # The event comes first, so that it is never left out.
    facts = {"event": event_dict["event"]} | dict(event_dict)
    return journal.entry(message, facts).decode("latin-1")


def _escape_for_people(_: WrappedLogger, __: str, event_dict: EventDict) -> EventDict:
    """Escape the texts. The renderer shows nested values by their repr, which escapes them."""
    trace = event_dict.pop("exception", None)
    shown: EventDict = {
        escaped(key): escaped(value) if isinstance(value, str) else value
        for key, value in event_dict.items()
    }
    shown["event"] = str(shown["event"])
    if trace is not None:
        # The text of an exception may have line ends that a stranger has sent.
        shown["exception"] = "\n".join(f"  | {escaped(line)}" for line in trace.splitlines())
    return shown


def escaped(text: str) -> str:
    """Return a stranger's ``text`` with Python escapes for characters that are not printable.

    These are control characters, lone surrogates, and the characters of Unicode that reorder or
    hide text on a terminal (bidirectional and zero-width ones).
    """
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )

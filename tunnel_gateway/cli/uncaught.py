"""Errors that nobody caught, written without waiting for the reader, as the log is.

Python writes such errors to standard error itself, and waits there as long as nobody reads. It does
so in the event loop, if it is an error of a destructor, and at the end of the process, which then
never comes.
"""

from __future__ import annotations

import sys
import threading
import traceback
import warnings
from types import TracebackType
from typing import TYPE_CHECKING, Final, TextIO

import structlog

from tunnel_gateway.cli.say import say
from tunnel_gateway.observability.logs import escaped, get_logger
from tunnel_gateway.observability.masking import masked_text

if TYPE_CHECKING:
    # Python has no public name for the type of this hook's argument.
    Unraisable = sys.UnraisableHookArgs

log = get_logger(__name__)

_THREAD: Final = "a thread ended"


def write_uncaught() -> None:
    """Write errors that nobody caught, and warnings, to the log, or as text where none is set."""
    sys.excepthook = _of_the_program
    threading.excepthook = _of_a_thread
    sys.unraisablehook = _of_a_destructor
    warnings.showwarning = _warning


def _of_the_program(_: type[BaseException], error: BaseException, __: TracebackType | None) -> None:
    _write("the program ended", error)


def _of_a_thread(failed: threading.ExceptHookArgs) -> None:
    if failed.exc_value is not None and not isinstance(failed.exc_value, SystemExit):
        _write(_THREAD, failed.exc_value)


def _of_a_destructor(failed: Unraisable) -> None:
    _write(failed.err_msg or "in a destructor", failed.exc_value)


def _warning(  # noqa: PLR0917 - as Python calls it
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,  # noqa: ARG001
    line: str | None = None,  # noqa: ARG001
) -> None:
    say(sys.stderr, escaped(f"{filename}:{lineno}: {category.__name__}: {message}"))


def _write(detail: str, error: BaseException | None) -> None:
    if structlog.is_configured():
        log.error("internal_error", detail=detail, exc_info=error)
        return
    lines = "".join(traceback.format_exception(error)).splitlines() if error else [detail]
    say(sys.stderr, "\n".join(escaped(masked_text(line)) for line in lines))

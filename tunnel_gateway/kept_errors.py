"""Errors that outlive what raised them, without what raised them.

A raised error holds the frames that it went through, and they hold what a stranger has sent, and
often the error itself or whoever keeps it: a cycle, which stays in memory until a search for
garbage finds it.
"""

from __future__ import annotations

from typing import TypeVar

_E = TypeVar("_E", bound=Exception)


def let_go(error: BaseException) -> None:
    """Take the frames from an error and from those that led to it; its text says all that is told.

    For whoever keeps an error, or is the last to catch it.
    """
    errors: list[BaseException | None] = [error]
    while errors:
        if (one := errors.pop()) is not None:
            errors += one.__context__, one.__cause__
            one.__traceback__ = one.__context__ = one.__cause__ = None


def again(error: _E) -> _E:
    """Return a copy of an error that is kept, to be raised in its place."""
    copy = type(error).__new__(type(error), *error.args)
    copy.__dict__.update(error.__dict__)
    return copy

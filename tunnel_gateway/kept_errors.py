"""Errors that are kept after they were caught, without the frames that raised them.

A raised error holds the frames that it went through. The frames hold a stranger's data, and often
the error itself or the object that keeps it. That is a cycle: it stays in memory until a search for
garbage finds it.
"""

from __future__ import annotations

from typing import TypeVar

_E = TypeVar("_E", bound=Exception)


def let_go(error: BaseException) -> None:
    """Take the frames from an error and from the errors that led to it; only the texts are used.

    Call it where an error is kept, or is caught for the last time.
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

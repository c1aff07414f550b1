"""Other programs of the system, asked within a bound on time and size."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from typing import Final

_SECONDS: Final = 5.0
_MAX_OUTPUT: Final = 1 << 20


class CommandError(Exception):
    """The program is missing, does not answer or fails; the text says which."""


def output_of(program: str, *arguments: str) -> str:
    """Return what a program prints, in its own English; raises CommandError."""
    path = shutil.which(program)
    if path is None:
        raise CommandError(f"{program} is not installed")
    command: Sequence[str] = (path, *arguments)
    try:
        done = subprocess.run(  # noqa: S603 - a program of the PATH, as the user would call it
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            env=os.environ | {"LC_ALL": "C.UTF-8"},
        )
    except subprocess.TimeoutExpired:
        raise CommandError(f"{program} does not answer within {_SECONDS:g} s") from None
    except OSError as error:
        raise CommandError(f"{program}: {error.strerror}") from None
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise CommandError(f"{program} ended with {done.returncode}: {words[-1]}")
    return done.stdout[:_MAX_OUTPUT].decode(errors="replace")

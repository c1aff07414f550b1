"""The agents of this user that run now, and the files that they were started with."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from tunnel_gateway.agent.neighbour import processes, user_of, words_of

_PROGRAM: Final = "tunnel-gateway"
_PACKAGE: Final = "tunnel_gateway"  # in the words of an agent that a Python program has started
_OPTIONS: Final = ("--settings", "--run-conf", "--state")


def running_agents() -> Iterator[Mapping[str, Path]]:
    """Yield the options of each agent that name files, with the names of the files.

    A name that is not absolute is left out: it counts from a folder that only the agent knows.
    """
    if not hasattr(os, "getuid"):  # on Windows
        return
    for process in processes():
        arguments = _arguments(words_of(process))
        if arguments is not None and user_of(process) == os.getuid():
            yield _files(arguments)


def _arguments(words: Sequence[str]) -> Sequence[str] | None:
    """Return the arguments of a command line that runs the agent; None of any other."""
    for index, word in enumerate(words):
        is_program = Path(word).name == _PROGRAM or _PACKAGE in word
        if is_program and words[index + 1 : index + 2] == ["agent"]:
            arguments = words[index + 2 :]
            return None if {"status", "trust"} & set(arguments) else arguments
    return None


def _files(arguments: Sequence[str]) -> dict[str, Path]:
    files = {}
    for word, following in zip(arguments, [*arguments[1:], ""], strict=True):
        option, equals, value = word.partition("=")
        path = Path(value if equals else following)
        if option in _OPTIONS and path.is_absolute():
            files[option] = path
    return files

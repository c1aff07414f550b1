"""BouncyCastle in a Java of its own, which answers call after call: see java/Bouncy.java."""

from __future__ import annotations

import subprocess
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Final, Self

from benchmarks.rest.java import compile_java, java_command

SOURCES: Final = Path(__file__).parent / "java"
# One compiler and one collector of garbage are enough for a program of seconds.
LEAN: Final = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")


class RefusedError(Exception):
    """BouncyCastle refuses; the text is its own."""


class BouncyCastle:
    """Compile the program into a folder and start it. Use as a context manager."""

    def __init__(self, folder: Path) -> None:
        compile_java(folder, SOURCES)
        self._java = subprocess.Popen(
            java_command(folder, "Bouncy", *LEAN, "-Xmx512m"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._java.communicate()

    def __call__(self, operation: str, *arguments: bytes | str | int) -> list[bytes]:
        """The results of an operation; raises RefusedError."""
        assert self._java.stdin is not None
        assert self._java.stdout is not None
        words = [operation.encode(), *map(_word, arguments)]
        self._java.stdin.write(b" ".join(words) + b"\n")
        self._java.stdin.flush()
        verdict, *results = self._java.stdout.readline().split()
        decoded = [b"" if word == b"-" else b64decode(word) for word in results]
        if verdict == b"no":
            raise RefusedError(decoded[0].decode())
        return decoded


def _word(argument: bytes | str | int) -> bytes:
    data = argument if isinstance(argument, bytes) else str(argument).encode()
    return b64encode(data) or b"-"

"""BouncyCastle in a Java of its own, which answers call after call: see java/Bouncy.java."""

from __future__ import annotations

import shutil
import subprocess
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Final, Self

PROJECT: Final = Path(__file__).parents[2]
SOURCES: Final = (
    *(PROJECT / "tests/interop/java" / name for name in ("Bouncy", "Checking", "Making")),
    PROJECT / "benchmarks/java/National",
)
JARS: Final = tuple(Path(f"/usr/share/java/{name}.jar") for name in ("bcpkix", "bcprov", "bcutil"))
# One compiler and one collector of garbage are enough for a program of seconds.
LEAN: Final = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")


class RefusedError(Exception):
    """BouncyCastle refuses; the text is its own."""


class BouncyCastle:
    """Compile the program into a folder and start it. Use as a context manager."""

    def __init__(self, folder: Path) -> None:
        classes = ":".join(map(str, (folder, *JARS)))
        sources = [path.with_suffix(".java") for path in SOURCES]
        lean = [f"-J{option}" for option in LEAN]
        subprocess.run(
            ["javac", *lean, "-proc:none", "-d", folder, "-cp", classes, *sources], check=True
        )
        self._java = subprocess.Popen(
            ["java", *LEAN, "-Xmx512m", "-cp", classes, "Bouncy"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    @staticmethod
    def available() -> bool:
        return shutil.which("javac") is not None and all(path.exists() for path in JARS)

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

"""Programs in Java with BouncyCastle: compiled, and started."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Final

from benchmarks.programs import ROOT, BenchmarkError

_SOURCES: Final = ROOT / "benchmarks" / "java"
_JARS: Final = tuple(Path(f"/usr/share/java/{name}.jar") for name in ("bcpkix", "bcprov", "bcutil"))
# One quick compiler in the compiler itself: it runs for a second.
_LEAN: Final = ("-J-XX:TieredStopAtLevel=1", "-J-XX:+UseSerialGC")


def java_available() -> bool:
    """Tell whether Java, its compiler and BouncyCastle are there."""
    return shutil.which("javac") is not None and all(path.exists() for path in _JARS)


def compile_java(folder: Path, *more: Path) -> None:
    """Compile the sources beside this package, and those in ``more`` folders, into a folder."""
    if not java_available():
        raise BenchmarkError(
            "Java or BouncyCastle is missing: run scripts/system-packages --for-tests"
        )
    sources = [path for place in (_SOURCES, *more) for path in sorted(place.glob("*.java"))]
    options = (*_LEAN, "-proc:none", "-d", str(folder), "-cp", _class_path(folder))
    subprocess.run(("javac", *options, *map(str, sources)), check=True)


def java_command(folder: Path, program: str, *options: str) -> tuple[str, ...]:
    """Return the command that runs a program that was compiled into a folder."""
    return ("java", *options, "-cp", _class_path(folder), program)


def _class_path(folder: Path) -> str:
    return ":".join(map(str, (folder, *_JARS)))

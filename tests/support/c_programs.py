"""Objects and programs of the C sources; ``make clean`` removes what is kept of them."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from tests.support import kept_compiler
from tests.support.processes import PROJECT

DRIVERS = PROJECT / "tests/native"
_KEPT = PROJECT / "build/c-programs"


def kept(compiler: str) -> tuple[str, ...]:
    """Return the command of this compiler that does nothing twice."""
    return (sys.executable, "-S", "-E", str(kept_compiler.__file__), str(_KEPT), compiler)


@cache
def _made() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory()


def compiled(compiler: str, *arguments: str | Path, name: str) -> Path:
    """Return what the compiler makes of the arguments, without ``-o``; it must not complain."""
    target = Path(tempfile.mkdtemp(dir=_made().name)) / name
    command = (*kept(compiler), *arguments, "-o", target)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    complaints = done.stdout.decode(errors="replace")
    assert (done.returncode, complaints) == (0, ""), complaints
    return target

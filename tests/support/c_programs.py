"""Objects and programs of the C sources, compiled once for all runs of the tests.

What a compiler makes depends on its command, on the sources and on itself. While none of these
changes, the file that it made before is taken; ``make clean`` removes them all. Workers may compile
the same at the same time: the last one replaces an equal file.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from tests.support.processes import PROJECT
from tunnel_gateway.gost._native import build

DRIVERS = PROJECT / "tests/native"
_KEPT = PROJECT / "build/c-programs"
_LIBRARY = Path("/usr/include/gcrypt.h")


def compiled(compiler: str, *arguments: str | Path, name: str) -> Path:
    """Return what the compiler makes of the arguments, without ``-o``; it must not complain."""
    command = [compiler, *map(str, arguments)]
    key = hashlib.sha256("\0".join(command).encode()).hexdigest()[:16]
    folder = _KEPT / _state(compiler)
    target = folder / f"{key}-{name}"
    if target.exists():
        return target
    _make_folder(folder)
    with tempfile.TemporaryDirectory(dir=folder) as made:
        output = Path(made) / name
        finished = subprocess.run(
            [*command, "-o", output], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
        )
        complaints = finished.stdout.decode(errors="replace")
        assert (finished.returncode, complaints) == (0, ""), complaints
        output.rename(target)
    return target


@cache
def _state(compiler: str) -> str:
    """Return a name for the sources and the compiler as they are now."""
    version = subprocess.run([compiler, "--version"], stdout=subprocess.PIPE, check=True).stdout
    state = hashlib.sha256(version)
    sources = [path for folder in (build.HERE, DRIVERS) for path in folder.glob("*.[ch]")]
    for path in sorted(sources):
        if path.name != "_gost.c":  # written by the build itself
            state.update(f"{path}\0".encode() + path.read_bytes())
    if _LIBRARY.exists():
        state.update(_LIBRARY.read_bytes())
    return f"{Path(compiler).name}-{state.hexdigest()[:16]}"


def _make_folder(folder: Path) -> None:
    """Make it, and remove what the same compiler has made of older sources."""
    if not folder.exists():
        kind, _, _ = folder.name.rpartition("-")
        for older in _KEPT.glob(f"{kind}-*"):
            if older.name.rpartition("-")[0] == kind:
                shutil.rmtree(older, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)

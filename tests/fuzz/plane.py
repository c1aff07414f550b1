"""Play inputs to the data plane for a while: ``python -m tests.fuzz.plane SECONDS [OPTION…]``.

With clang, libFuzzer chooses them by what they reach; the options are its own. Without clang, they
are random. Either way the first one that does harm ends the run, and is shown.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support.plane_programs import (
    INCLUDED,
    LIBRARIES,
    LOGIC,
    SANITIZERS,
    SCENARIOS,
    SIMULATED,
    compiled_ciphers,
    compiled_player,
)

CLANGS = ("clang", *(f"clang-{version}" for version in range(22, 13, -1)))
LIMITS = (
    "-timeout=30",
    "-rss_limit_mb=1024",
    "-max_len=400",
    "-verbosity=0",
    "-print_final_stats=1",
)


def _guided(clang: str, ciphers: list[Path], folder: Path) -> Path:
    program = folder / "plane_fuzz"
    flags = ("-std=c11", "-O1", "-g", "-fsanitize=fuzzer", *SANITIZERS, "-DWITH_LIBFUZZER")
    files = [*LOGIC, *SIMULATED, *SCENARIOS, *ciphers]
    command: list[str | Path] = [clang, *flags, *INCLUDED, *files, *LIBRARIES, "-o", program]
    subprocess.run(command, check=True)
    return program


def main() -> int:
    """Run with the arguments of the command line; 0 if no input did harm."""
    seconds, *options = sys.argv[1:]
    gcc = shutil.which("gcc") or "gcc"
    ciphers = compiled_ciphers(gcc)
    clang = next(filter(None, map(shutil.which, CLANGS)), None)
    with tempfile.TemporaryDirectory() as name:
        kept, corpus = Path(name, "input"), Path(name, "corpus")
        corpus.mkdir()
        command: list[str | Path]
        if clang is not None:
            program = _guided(clang, list(ciphers.values()), Path(name))
            command = [program, *LIMITS, f"-max_total_time={seconds}", *options, corpus]
        else:
            program = compiled_player(gcc, ciphers, "-O1", *SANITIZERS)
            command = [program, seconds, str(secrets.randbits(60))]
        environment = os.environ | {"PLANE_INPUT": str(kept)}
        done = subprocess.run(command, check=False, env=environment)
        if done.returncode and kept.exists():
            sys.stderr.write(kept.read_text("ascii"))
        return done.returncode


if __name__ == "__main__":
    sys.exit(main())

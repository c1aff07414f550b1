"""The C sources of the data plane under sanitizers, with an operating system that the tests make.

``plane_fuzz.c`` plays inputs: what peers, owner and time do to tunnels. After each step it checks
what must be so: nothing but what was sent comes out, in order, and nothing after an end; every
limit holds; each tunnel ends once, with a reason that has a cause, and closes; no memory and no
descriptor is left; and the threads rest when there is nothing to do.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.c_programs import DRIVERS, compiled
from tests.support.plane_programs import (
    DEBUG,
    INCLUDED,
    LIBRARIES,
    SANITIZERS,
    SOURCES,
    STRICT,
    compiled_ciphers,
    compiled_player,
)
from tunnel_gateway.dataplane._native import plane_build as build

THREADS = DRIVERS / "plane_threads.c"

INPUTS = "400"


@pytest.fixture(scope="module")
def compiler() -> str:
    found = shutil.which("gcc")
    if found is None:
        pytest.skip("NOT TESTED: the C of the data plane; install gcc and libgcrypt20-dev")
    return found


@pytest.fixture(scope="module")
def ciphers(compiler: str) -> dict[str, Path]:
    return compiled_ciphers(compiler)


@pytest.fixture(scope="module")
def player(compiler: str, ciphers: dict[str, Path]) -> Path:
    return compiled_player(compiler, ciphers, "-O1", *SANITIZERS)


def run(*command: str | Path, **environment: str) -> str:
    """Everything that the command says; an AssertionError with it if the command fails."""
    finished = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        env=os.environ | {"ASAN_OPTIONS": "detect_leaks=1"} | environment,
    )
    said = finished.stdout.decode(errors="replace")
    assert finished.returncode == 0, said
    return said


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_strict_compilers_are_content(compiler: str, source: Path) -> None:
    assert run(compiler, *STRICT, "-O2", *INCLUDED, "-fsyntax-only", source) == ""


def test_no_input_does_harm(player: Path, tmp_path: Path) -> None:
    seed, kept = str(random.getrandbits(60)), tmp_path / "input"
    try:
        played = run(player, "random", seed, INPUTS, PLANE_INPUT=str(kept))
    except AssertionError as error:
        raise AssertionError(f"{error}\n{kept.read_text('ascii')}") from None
    assert played == f"{INPUTS}\n"


def test_every_failing_call_is_survived(player: Path, tmp_path: Path) -> None:
    seed, kept = str(random.getrandbits(60)), tmp_path / "input"
    try:
        played = run(player, "failing", seed, "5", PLANE_INPUT=str(kept))
    except AssertionError as error:
        raise AssertionError(f"{error}\n{kept.read_text('ascii')}") from None
    assert int(played) > 50


@pytest.mark.parametrize("sanitizer", ["address,undefined", "thread"])
def test_threads_and_sockets(compiler: str, ciphers: dict[str, Path], sanitizer: str) -> None:
    """Every reason of an end, then many tunnels at once, with the real system.c."""
    flags = (f"-fsanitize={sanitizer}", "-fno-sanitize-recover=all")
    # What several threads could share; the parts for one processor each are pure.
    shared = [source for source in ciphers if "_" not in source]
    objects = [
        compiled(compiler, *STRICT, "-O1", *DEBUG, *flags, *INCLUDED, "-c", source, name="part.o")
        for source in (*SOURCES, THREADS, *(build.GOST / name for name in shared))
    ]
    others = [ciphers[name] for name in ciphers if name not in shared]
    linked: list[str | Path] = [*objects, *others, *LIBRARIES]
    program = compiled(compiler, *flags, *linked, name="plane_threads")
    try:
        assert run(program) == "done\n"
    except AssertionError as error:
        if "unexpected memory mapping" in str(error):
            pytest.skip("NOT TESTED: races; this kernel places memory where gcc's sanitizer cannot")
        raise


# Which type a record has, and whether it is genuine, decides what follows: everybody sees that.
PUBLIC_BRANCHES = """
{
   the type of a record
   Memcheck:Cond
   fun:frames_open
}
{
   whether it is genuine
   Memcheck:Cond
   fun:settle
}
"""


def test_keys_and_words_decide_no_branch_and_no_address(
    compiler: str, ciphers: dict[str, Path], tmp_path: Path
) -> None:
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        pytest.skip("NOT TESTED: that keys and words show in no branch; install valgrind")
    allowed = tmp_path / "public"
    allowed.write_text(PUBLIC_BRANCHES, "ascii")
    flags = ("-std=c11", *build.WARNINGS, "-O2", *DEBUG, *INCLUDED)
    files = [DRIVERS / "plane_secrets.c", build.HERE / "records.c", *ciphers.values()]
    program = compiled(compiler, *flags, *files, *LIBRARIES, name="plane_secrets")
    watched = (valgrind, "--quiet", "--error-exitcode=99", f"--suppressions={allowed}", program)
    assert run(*watched) == "done\n"
    told = subprocess.run([*watched, "leak"], capture_output=True, check=False)
    assert told.returncode == 99, "an address that depends on a key went unnoticed"

"""The C sources under the address and undefined behaviour sanitizers, and strict compilers."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from tunnel_gateway.gost import _native
from tunnel_gateway.gost._native import _gost, build

DRIVER = Path(__file__).parents[1] / "native" / "exercise.c"
SOURCES = [build.HERE / source for source in build.SOURCES]
STRICT = ("-std=c11", "-pedantic", "-Wall", "-Wextra", "-Werror", "-Wconversion")
SANITIZED = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")


@pytest.fixture
def compiler() -> str:
    found = shutil.which("gcc")
    if found is None:
        pytest.skip("NOT TESTED: the C sources under sanitizers; install gcc and libgcrypt20-dev")
    return found


def run(*command: str | Path) -> str:
    """Everything that the command says; an AssertionError with it if the command fails."""
    environment = os.environ | {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0"}
    finished = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, env=environment
    )
    said = finished.stdout.decode(errors="replace")
    assert finished.returncode == 0, said
    return said


def test_no_overrun_leak_or_undefined_behaviour(compiler: str, tmp_path: Path) -> None:
    program = tmp_path / "exercise"
    include = f"-I{build.HERE}"
    flags = ("-std=c11", *build.WARNINGS, "-O1", "-g", *SANITIZED, include)
    assert run(compiler, *flags, DRIVER, *SOURCES, "-lgcrypt", "-o", program) == ""
    assert run(program) == ""


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_strict_compilers_are_content(compiler: str, source: Path, tmp_path: Path) -> None:
    assert run(compiler, *STRICT, "-O2", "-c", source, "-o", tmp_path / "object") == ""


def test_the_driver_calls_every_function() -> None:
    declared = set()
    for header in build.HEADERS:
        declared |= set(re.findall(r"\b(\w+)\(", (build.HERE / header).read_text("utf-8")))
    called = set(re.findall(r"\b(\w+)\(", DRIVER.read_text("utf-8")))
    inner = {"gost28147_expand", "gost28147_encrypt_4"}  # the other C sources call these
    assert declared - inner <= called


def test_an_old_libgcrypt_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_gost, "lib", SimpleNamespace(gost_curve_initialize=lambda: 0))
    with pytest.raises(ImportError, match=r"libgcrypt 1\.10"):
        importlib.reload(_native)
    monkeypatch.undo()
    importlib.reload(_native)

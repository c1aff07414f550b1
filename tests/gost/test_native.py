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

from tests.support.c_programs import DRIVERS, compiled
from tunnel_gateway.gost import _native
from tunnel_gateway.gost._native import _gost, build
from tunnel_gateway.gost.cipher import kernel_names

DRIVER = DRIVERS / "exercise.c"
KERNEL_DRIVER = DRIVERS / "kernels.c"
STREAM_DRIVER = DRIVERS / "streams.c"
SOURCES = [build.HERE / source for source in build.SOURCES]
KERNEL_SOURCES = {
    source
    for source in SOURCES
    if source.name in ("mgm.c", "frames.c", "stream.c", "gost28147.c")
    or source.name.startswith("kernel")
}
STRICT = ("-std=c11", "-pedantic", "-Wall", "-Wextra", "-Werror", "-Wconversion")
# Without an optimiser the sanitizers see every access, and gcc takes a third of the time. The
# kernels are an exception: they would run for a minute, and one of them cannot be compiled so.
KERNEL = ("-O1",)
# Line numbers are enough for a report; variables for a debugger would cost half of the time.
DEBUG = ("-g1", "-fno-var-tracking")
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
SANITIZED = ("-std=c11", *build.WARNINGS, "-O0", *DEBUG, *SANITIZERS, f"-I{build.HERE}")


@pytest.fixture(scope="module")
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


@pytest.fixture(scope="module")
def objects(compiler: str) -> dict[Path, Path]:
    """Every source, compiled with sanitizers once for all drivers."""
    return {source: sanitized(compiler, source) for source in SOURCES}


def sanitized(compiler: str, source: Path) -> Path:
    optimised = KERNEL if source.name.startswith("kernel") else ()
    flags = (*SANITIZED, *optimised, "-c")
    return compiled(compiler, *flags, source, name=f"{source.stem}.o")


def test_no_overrun_leak_or_undefined_behaviour(compiler: str, objects: dict[Path, Path]) -> None:
    linked: tuple[str | Path, ...] = (*objects.values(), "-lgcrypt")
    program = compiled(compiler, *SANITIZED, DRIVER, *linked, name="exercise")
    assert run(program) == ""


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_strict_compilers_are_content(compiler: str, source: Path) -> None:
    # The warnings that only an optimiser can give are errors when the extension is built.
    assert run(compiler, *STRICT, "-O2", "-fsyntax-only", source) == ""


def test_the_drivers_call_every_function() -> None:
    functions = build.ffibuilder._parser._declarations
    declared = {name.removeprefix("function ") for name in functions if "function " in name}
    assert {"frames_open", "gost_stream_decrypt"} <= declared
    called: set[str] = set()
    for driver in (DRIVER, KERNEL_DRIVER, STREAM_DRIVER):
        called |= set(re.findall(r"\b(\w+)\(", driver.read_text("utf-8")))
    assert declared <= called


on_each_kernel_driver = pytest.mark.parametrize(
    "driver", [KERNEL_DRIVER, STREAM_DRIVER], ids=lambda driver: driver.stem
)


@on_each_kernel_driver
def test_the_kernels_agree_under_sanitizers(
    compiler: str, objects: dict[Path, Path], driver: Path
) -> None:
    linked = [target for source, target in objects.items() if source in KERNEL_SOURCES]
    program = compiled(compiler, *SANITIZED, *KERNEL, driver, *linked, name=driver.stem)
    assert tuple(run(program).split()) == kernel_names()


@on_each_kernel_driver
def test_the_kernels_of_another_processor_agree(driver: Path) -> None:
    compiler, emulator = shutil.which("aarch64-linux-gnu-gcc"), shutil.which("qemu-aarch64")
    if compiler is None or emulator is None:
        pytest.skip(
            "NOT TESTED: the NEON kernel; install gcc-aarch64-linux-gnu,"
            " libc6-dev-arm64-cross and qemu-user"
        )
    flags = (*STRICT, "-O2", "-static", f"-I{build.HERE}")
    sources = sorted(KERNEL_SOURCES)
    program = compiled(compiler, *flags, driver, *sources, name=driver.stem)
    assert run(emulator, program).split() == ["neon", "portable"]


def test_an_old_libgcrypt_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_gost, "lib", SimpleNamespace(gost_curve_initialize=lambda: 0))
    with pytest.raises(ImportError, match=r"libgcrypt 1\.10"):
        importlib.reload(_native)
    monkeypatch.undo()
    importlib.reload(_native)

"""Programs of the data plane's C for tests and for the fuzzer; see tests/native/plane_fuzz.c."""

from __future__ import annotations

from pathlib import Path

from tests.support.c_programs import DRIVERS, compiled
from tunnel_gateway.dataplane._native import plane_build as build

SOURCES = [build.HERE / source for source in build.SOURCES]
# Everything but the calls of the operating system, and what stands for that.
LOGIC = [source for source in SOURCES if source.name != "system.c"]
SIMULATED = sorted(DRIVERS.glob("simulated_*.c"))
PARTS = ("fuzz", "owner", "peers", "scenario", "stp_peers")
SCENARIOS = [DRIVERS / f"plane_{part}.c" for part in PARTS]
INCLUDED = (f"-I{build.HERE}", f"-I{build.GOST}", f"-I{DRIVERS}")
STRICT = ("-std=c11", "-pedantic", *build.WARNINGS, "-Wconversion")
# Line numbers are enough for a report; variables for a debugger would cost half of the time.
DEBUG = ("-g1", "-fno-var-tracking")
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
LIBRARIES = ("-lgcrypt", "-lpthread")


def compiled_ciphers(compiler: str) -> dict[str, Path]:
    """Objects of what the records need: other tests put their sources under sanitizers."""
    flags = ("-std=c11", *build.WARNINGS, "-O2", f"-I{build.GOST}", "-c")
    return {
        source: compiled(compiler, *flags, build.GOST / source, name=f"{source}.o")
        for source in build.GOST_SOURCES
    }


def compiled_player(compiler: str, ciphers: dict[str, Path], *flags: str) -> Path:
    """The program that plays inputs to the data plane."""
    all_flags = (*STRICT, *DEBUG, *flags, *INCLUDED)
    objects = [
        compiled(compiler, *all_flags, "-c", source, name=f"{source.stem}.o")
        for source in (*LOGIC, *SIMULATED, *SCENARIOS)
    ]
    linked: list[str | Path] = [*objects, *ciphers.values(), *LIBRARIES]
    return compiled(compiler, *flags, *linked, name="plane_fuzz")

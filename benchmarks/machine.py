"""The machine of a run: its name is the processor, never the host."""

from __future__ import annotations

import os
import platform
import re
import ssl
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from tunnel_gateway.gost.cipher import kernel_names


@dataclass(frozen=True, slots=True)
class Machine:
    """A processor, its machine, and the versions of the measured programs."""

    processor: str
    cores: int
    memory_gib: int
    linux: str
    python: str
    uvloop: str
    openssl: str
    stunnel: str
    kernel: str  # of the gateway's cipher

    @property
    def slug(self) -> str:
        """The processor's name for a file: ``amd-epyc``."""
        return re.sub(r"[^a-z0-9]+", "-", self.processor.lower()).strip("-") or "unknown"


def this_machine() -> Machine:
    """Look at the machine."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return Machine(
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)),
        memory_gib=round(memory / 2**30),
        linux=platform.release(),
        python=platform.python_version(),
        uvloop=version("uvloop"),
        openssl=ssl.OPENSSL_VERSION.split()[1],
        stunnel=_stunnel_version(),
        kernel=kernel_names()[0],
    )


def _processor() -> str:
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1].strip() if found else platform.machine()


def _stunnel_version() -> str:
    try:
        told = subprocess.run(("stunnel", "-version"), capture_output=True, check=False)
    except FileNotFoundError:
        return "none"
    found = re.search(rb"stunnel ([\d.]+)", told.stdout + told.stderr)
    return found[1].decode() if found else "unknown"

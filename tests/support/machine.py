"""A machine of its own with a real systemd, for a gateway that was installed by `make install`.

It is a handful of namespaces, not an emulation: the processes are ours and the network is that of
outside, but its first process is systemd, and its files are an overlay over this system's.
"""

from __future__ import annotations

import fcntl
import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.c_programs import kept
from tests.support.processes import PROJECT, wait_until

SYSTEMD = Path("/lib/systemd/systemd")
INSTALL_SECONDS = 600.0
PREFIX = Path("opt/tunnel-gateway")
CONFIG = Path("etc/tunnel-gateway")
UNITS = Path("usr/local/lib/systemd/system")


def install(tree: Path, *arguments: str, project: Path = PROJECT, path: str | None = None) -> str:
    """Run scripts/install of ``project`` with ``tree`` as DESTDIR; return what it says.

    What a workplace sets for its Python, such as PYTHONDONTWRITEBYTECODE, is kept from it. ``path``
    is where it finds programs, instead of this process's PATH. The compiler is one that does
    nothing twice.
    """
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        (project / "scripts" / "install", *arguments),
        env=ours
        | {"DESTDIR": str(tree), "CC": shlex.join(kept("gcc"))}
        | ({"PATH": path} if path else {}),
        capture_output=True,
        text=True,
        timeout=INSTALL_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def installed_once(base: Path) -> Path:
    """Return a tree with an installation, made by the first worker of a run that needs it."""
    tree = base / "installed"
    with (base / "installed.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (base / "installed.done").exists():
            install(tree)
            (base / "installed.done").touch()
    return tree


class Machine:
    """A running machine with ``tree`` over its root. Skips the test where there can be none."""

    def __init__(self, folder: Path, tree: Path) -> None:
        if os.getuid() != 0 or not SYSTEMD.exists() or not shutil.which("unshare"):
            pytest.skip("NO REAL SYSTEMD IS TRIED: this needs root, systemd and unshare")
        folder.mkdir()
        self._log = folder.with_name(f"{folder.name}.log")
        namespaces = ("--mount", "--pid", "--fork", "--cgroup", "--uts", "--ipc", "--kill-child")
        script = Path(__file__).with_suffix(".sh")
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                ("unshare", *namespaces, str(script), str(folder), str(tree)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._pid = 0
        try:
            wait_until(self._is_up, "a machine")
        except AssertionError:
            self.close()
            pytest.skip(f"NO REAL SYSTEMD IS TRIED: it does not start here: {self._said()}")
        if self._process.poll() is not None:
            pytest.skip(f"NO REAL SYSTEMD IS TRIED: no namespaces here: {self._said()}")

    def _is_up(self) -> bool:
        if self._process.poll() is not None:
            return True
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        self._pid = int(children.read_text().split()[0]) if children.read_text() else 0
        # Until the script has become systemd it is still at work in the files of outside.
        if not self._pid or Path(f"/proc/{self._pid}/comm").read_text() != "systemd\n":
            return False
        return self.run("systemctl", "is-active", "machine.target", check=False) == "active"

    def _said(self) -> str:
        return self._log.read_text(errors="replace")[-500:]

    @property
    def root(self) -> Path:
        """Its files, as they are seen from outside."""
        return Path(f"/proc/{self._pid}/root")

    def run(self, *command: str, check: bool = True) -> str:
        """Run a command there; return what it says, without the last line end."""
        enter = ("nsenter", "-t", str(self._pid), "-m", "-p", "-C", "-i", "-u")
        done = subprocess.run(
            (*enter, *command), capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr + self.journal()
        return done.stdout.strip()

    def systemctl(self, *arguments: str) -> str:
        """Run systemctl there."""
        return self.run("systemctl", *arguments)

    def show(self, unit: str, name: str) -> str:
        """Return a property of a unit."""
        return self.systemctl("show", "--value", f"--property={name}", unit)

    def journal(self, *fields: str) -> str:
        """Return the messages of the journal that have these fields: ``TUNNEL_EVENT=listening``."""
        return self.run("journalctl", "--no-pager", "--output=cat", *fields, check=False)

    def close(self) -> None:
        """End it with all that runs there."""
        self._process.kill()  # and by --kill-child its first process
        self._process.wait()

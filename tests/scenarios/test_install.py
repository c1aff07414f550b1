"""make install: once, again over it, and away, under a root of its own."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.support.machine import CONFIG, PREFIX, UNITS, install
from tests.support.processes import PROJECT

LINK = Path("usr/local/bin/tunnel-gateway")


def files(tree: Path) -> set[str]:
    return {str(path.relative_to(tree)) for path in tree.rglob("*") if not path.is_dir()}


def path_without_systemd(folder: Path) -> str:
    """Return a PATH with every program of this one but systemd's, as in a container."""
    folder.mkdir()
    for place in os.environ["PATH"].split(os.pathsep):
        for program in Path(place).glob("*"):
            link = folder / program.name
            systemds = program.name == "systemctl" or program.name.startswith("systemd-")
            if not systemds and not link.is_symlink():
                link.symlink_to(program)
    return str(folder)


def test_what_is_installed(installed: Path) -> None:
    assert (installed / LINK).readlink() == Path("/opt/tunnel-gateway/bin/tunnel-gateway")
    program = (installed / PREFIX / "bin" / "tunnel-gateway").read_bytes()
    assert program.startswith(b"#!/opt/tunnel-gateway/bin/python\n")
    packages = {path.name for path in (installed / PREFIX).glob("lib/python*/site-packages/*")}
    assert "tunnel_gateway" in packages
    assert not packages & {"pip", "setuptools", "pytest", "mypy"}
    config = installed / CONFIG / "config.properties"
    assert config.read_bytes() == (PROJECT / "config" / "config.properties").read_bytes()
    assert config.stat().st_mode & 0o777 == 0o640
    example = (config.parent / "rest.properties.example").read_bytes()
    assert example == (PROJECT / "config" / "rest.properties").read_bytes()
    for path in (installed / PREFIX).rglob("*"):  # nowhere is the place where it was built
        if path.is_file() and not path.is_symlink():
            assert str(installed).encode() not in path.read_bytes(), path
            assert path.stat().st_mode & 0o022 == 0, path


SMALL_PROGRAM = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "tunnel-gateway"
version = "1"

[project.scripts]
tunnel-gateway = "tunnel_gateway:self_test"

[tool.setuptools]
packages = ["tunnel_gateway"]
"""


def small_project(folder: Path) -> Path:
    """Return a copy of this project, but of a program without dependencies that is built at once.

    The whole program is installed once, for `installed`; that takes long.
    """
    for name in ("scripts", "systemd", "config", "docs"):
        shutil.copytree(PROJECT / name, folder / name)
    for name in ("README.md", "LICENSE"):
        shutil.copy(PROJECT / name, folder)
    (folder / "pyproject.toml").write_text(SMALL_PROGRAM)
    (folder / "setup.py").write_text("from setuptools import setup\n\nsetup()\n")
    (folder / "tunnel_gateway").mkdir()
    (folder / "tunnel_gateway" / "__init__.py").write_text(
        "def self_test() -> int:\n    return 0\n"
    )
    lock = (PROJECT / "requirements-run.lock").read_text()
    builder = re.search(r"^setuptools==.*(\n +.*)+", lock, re.MULTILINE)
    assert builder
    (folder / "requirements-run.lock").write_text(f"{builder[0]}\n")
    return folder


def outside_the_program(tree: Path) -> set[str]:
    return {name for name in files(tree) if not name.startswith(f"{PREFIX}/")}


def test_again_and_away(installed: Path, tmp_path: Path) -> None:
    project, tree = small_project(tmp_path / "project"), tmp_path / "tree"
    config, program = tree / CONFIG / "config.properties", tree / PREFIX
    config.parent.mkdir(parents=True)
    config.write_text("tunnel.enabled=no\n")
    (tree / CONFIG / "config.properties.example").write_text("an old one")
    (program / "lib").mkdir(parents=True)
    (program / "lib" / "left_by_an_old_version.py").touch()
    (program / ".installed-by-tunnel-gateway").touch()
    # Nor is systemctl needed.
    said = install(tree, project=project, path=path_without_systemd(tmp_path / "bin"))
    assert "installed in /opt/tunnel-gateway" in said
    assert outside_the_program(tree) == outside_the_program(installed)
    assert [path.name for path in program.parent.iterdir()] == [program.name]
    assert f"{PREFIX}/bin/tunnel-gateway" in files(tree)
    assert not (program / "lib" / "left_by_an_old_version.py").exists()
    assert config.read_text() == "tunnel.enabled=no\n"
    example = (tree / CONFIG / "config.properties.example").read_bytes()
    assert example == (PROJECT / "config" / "config.properties").read_bytes()

    said = install(tree, "--remove", project=project)
    assert "/etc/tunnel-gateway" in said
    kept = {"config.properties", "config.properties.example", "rest.properties.example"}
    assert files(tree) == {str(CONFIG / name) for name in kept}
    install(tree, "--remove", project=project)  # what is not there is no fault


def refusal(**variables: str) -> str:
    done = subprocess.run(
        (PROJECT / "scripts" / "install"),
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    return done.stderr


@pytest.mark.parametrize("prefix", ["opt", "/", "/opt/../etc", "/opt/a b", "/opt/$(id)"])
def test_a_prefix_that_cannot_be_meant(prefix: str, tmp_path: Path) -> None:
    assert "absolute path" in refusal(DESTDIR=str(tmp_path), PREFIX=prefix)
    assert not list(tmp_path.iterdir())


def test_what_somebody_else_put_there_stays(tmp_path: Path) -> None:
    other = tmp_path / PREFIX / "other"
    other.parent.mkdir(parents=True)
    other.touch()
    assert "this script did not make it" in refusal(DESTDIR=str(tmp_path))
    assert files(tmp_path) == {f"{PREFIX}/other"}


def test_units_for_any_systemd(installed: Path) -> None:
    ours = (PROJECT / "systemd" / "tunnel-gateway.service").read_text()
    assert "Type=notify-reload\n" in ours
    assert "RestartSteps=" in ours
    version = subprocess.run(("systemctl", "--version"), capture_output=True, text=True, check=True)
    written = (installed / UNITS / "tunnel-gateway.service").read_text()
    if int(version.stdout.split()[1]) >= 254:
        assert written == ours
    else:
        assert "RestartSteps=" not in written
        assert 'kill -HUP $$MAINPID"\n' in written or "notify-reload\n" in written


STOPS_SLOWLY = """\
#!/bin/sh
trap 'sleep 4; echo drained; exit 0' TERM
trap 'echo reloaded' HUP
echo started by $(id -un) with "$*"
while :; do sleep 0.1; done
"""


def containers_command() -> str:
    """Return what docs/operations.md lets a container run, after the folders are made."""
    text = (PROJECT / "docs" / "operations.md").read_text()
    block = text.split("**In a container**")[1].split("```sh\n")[1].split("```")[0]
    assert block.startswith("systemd-tmpfiles --create\nexec ")
    return (
        block.partition("\n")[2]
        .replace("id=tunnel-gateway ", "id=nobody ", 1)
        .replace("id=tunnel-gateway ", "id=nogroup ")
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, as in a container")
def test_a_container_that_is_stopped_waits_for_its_tunnels(tmp_path: Path) -> None:
    program = Path(tempfile.mkdtemp(prefix="container")) / "tunnel-gateway"  # nobody gets there
    program.parent.chmod(0o755)
    program.write_text(STOPS_SLOWLY)
    program.chmod(0o755)
    unshare = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
    container = subprocess.Popen(
        (*unshare, "bash", "-c", containers_command()),
        env=os.environ | {"PATH": f"{program.parent}:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        text=True,
    )
    with container:
        assert container.stdout is not None
        started = container.stdout.readline()
        assert started.startswith("started by nobody with serve --config /etc/tunnel-gateway/")
        children = Path(f"/proc/{container.pid}/task/{container.pid}/children").read_text()
        (first,) = map(int, children.split())
        os.kill(first, signal.SIGHUP)
        # A shell that has two signals at once may pass the first over.
        assert container.stdout.readline() == "reloaded\n"
        os.kill(first, signal.SIGTERM)
        assert container.communicate(timeout=60)[0] == "drained\n"
    assert container.returncode == 0
    shutil.rmtree(program.parent)


@pytest.mark.parametrize("arguments", [(), ("--remove",)])
def test_one_that_was_stopped_between_two_renames(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    program = tmp_path / PREFIX
    old = program.with_name("tunnel-gateway.old")
    old.mkdir(parents=True)
    (old / ".installed-by-tunnel-gateway").touch()
    done = subprocess.run(
        (PROJECT / "scripts" / "install", *arguments),
        env=os.environ | {"DESTDIR": str(tmp_path), "PYTHON": "/bin/false"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == (0 if arguments else 1)  # there is no Python to install it with
    assert program.exists() is not bool(arguments)
    assert not old.exists()

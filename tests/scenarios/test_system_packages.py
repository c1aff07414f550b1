"""scripts/system-packages: what it names and installs, and that no server is started by it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import PROJECT

# Programs that do nothing but tell what was asked of them. What Debian would do at the end of an
# installation is to ask the policy whether it may start the server.
PROGRAMS = {
    "apt-get": """\
#!/bin/sh
case $* in
    *--simulate*) printf 'Inst nginx (1)\\nInst nginx-common (1)\\nConf nginx (1)\\n' ;;
    *install*) {fails}; /usr/sbin/policy-rc.d nginx start; echo "policy $? for $*" >>{said}
        ln -s {python} {programs}/python3 ;;
esac
""",
    "systemctl": "#!/bin/sh\necho systemctl $* >>{said}\n",
}
TOOLS = (
    "bash",
    "sh",
    "id",
    "sed",
    "sort",
    "paste",
    "fold",
    "rm",
    "mv",
    "chmod",
    "env",
    "cat",
    "ln",
    "mktemp",
    "dirname",
)


class Bare:
    """A machine without any of the packages, but with a Debian that would install them."""

    def __init__(self, folder: Path, policy: str | None, *, fails: bool) -> None:
        self.folder = folder
        self.said = folder / "said"
        programs = folder / "bin"
        programs.mkdir()
        for name in TOOLS:
            program = shutil.which(name)
            assert program
            (programs / name).symlink_to(program)
        for name, text in PROGRAMS.items():
            filled = text.format(
                said=self.said,
                fails="exit 1" if fails else ":",
                python=sys.executable,
                programs=programs,
            )
            (programs / name).write_text(filled)
            (programs / name).chmod(0o755)
        self._policy = folder / "policy"
        if policy is not None:
            self._policy.write_text(policy)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the script as root of namespaces of its own, whose /usr/sbin is empty.

        What is there afterwards is in ``folder``/sbin.
        """
        script = f"""
            mount -t tmpfs tmpfs /usr/sbin
            if [ -e {self._policy} ]; then cp {self._policy} /usr/sbin/policy-rc.d; fi
            PATH={self.folder}/bin scripts/system-packages {" ".join(arguments)}
            code=$?
            cp -r /usr/sbin {self.folder}/sbin
            exit $code
        """
        return subprocess.run(
            ("unshare", "--mount", "--map-root-user", "sh", "-c", script),
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=False,
        )

    def policies(self) -> dict[str, str]:
        """What is left of /usr/sbin."""
        return {path.name: path.read_text() for path in (self.folder / "sbin").iterdir()}


@pytest.fixture(autouse=True, scope="module")
def _namespaces() -> None:
    done = subprocess.run(
        ("unshare", "--mount", "--map-root-user", "true"), capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("NOT TESTED: scripts/system-packages; this user may have no namespaces")


@pytest.mark.parametrize("policy", [None, "#!/bin/sh\nexit 104\n"])
@pytest.mark.parametrize("fails", [False, True])
def test_no_server_is_started(policy: str | None, fails: bool, tmp_path: Path) -> None:
    bare = Bare(tmp_path, policy, fails=fails)
    done = bare.run("--for-tests")
    assert "with the packages that they need:\nnginx nginx-common\n" in done.stdout
    assert "on a machine that serves users" in done.stdout
    assert bare.policies() == ({} if policy is None else {"policy-rc.d": policy})
    if fails:
        assert done.returncode == 1
        assert not bare.said.exists()
        return
    asked, *disabled = bare.said.read_text().splitlines()
    assert asked.startswith("policy 101 for -qq install -y --no-install-recommends gcc ")
    servers = ("haproxy", "nginx", "redis-server", "prometheus")
    assert disabled == [f"systemctl --quiet disable {name}" for name in servers]


def test_what_a_service_needs(tmp_path: Path) -> None:
    done = Bare(tmp_path, None, fails=False).run("--for-service")
    named = "missing packages of Debian: gcc python3 "
    assert done.stdout.startswith(named), done.stderr
    assert " systemd-standalone-sysusers systemd-standalone-tmpfiles\n" in done.stdout
    assert "nginx" not in done.stdout.splitlines()[0]
    assert "tests" not in done.stdout


def test_what_a_bundle_carries() -> None:
    names = subprocess.run(
        (PROJECT / "scripts" / "system-packages", "--names"),
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert names[:2] == ["gcc", "python3"]  # though they are here
    assert not {"nginx", "openssl"} & set(names)


def test_where_there_is_no_debian(tmp_path: Path) -> None:
    bare = Bare(tmp_path, None, fails=False)
    (tmp_path / "bin" / "apt-get").unlink()
    done = bare.run("--for-tests")
    assert done.returncode == 1
    assert "missing, with their names on Debian: gcc python3 " in done.stderr
    assert not bare.said.exists()

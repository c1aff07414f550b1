"""``tunnel-gateway agent trust``: it prints real paths, and changes nothing of the system."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tunnel_gateway.agent.api.local_certificate import LocalCertificate
from tunnel_gateway.cli import agent_trust


def test_it_names_file_and_fingerprint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    certificate = LocalCertificate(tmp_path / "state")
    assert agent_trust.show(certificate) == 0
    out = capsys.readouterr().out
    assert f'"{certificate.authority}"' in out
    assert certificate.fingerprint() in out
    for system in ("Chromium", "Firefox", "Debian", "macOS", "Windows"):
        assert system in out
    assert agent_trust.show(certificate) == 0
    assert capsys.readouterr().out == out


@pytest.mark.skipif(shutil.which("certutil") is None, reason="certutil (libnss3-tools) is missing")
def test_its_command_for_chromium_works(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = tmp_path / ".pki" / "nssdb"
    store.mkdir(parents=True)
    subprocess.run(("certutil", "-d", f"sql:{store}", "-N", "--empty-password"), check=True)
    agent_trust.show(LocalCertificate(tmp_path / "state"))
    lines = capsys.readouterr().out.splitlines()
    (line,) = [line for line in lines if "sql:$HOME/.pki/nssdb -A" in line]
    subprocess.run(
        ("sh", "-c", line), env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}, check=True
    )
    listed = subprocess.run(
        ("certutil", "-d", f"sql:{store}", "-L"), capture_output=True, text=True, check=True
    )
    assert "tunnel-gateway-agent" in listed.stdout

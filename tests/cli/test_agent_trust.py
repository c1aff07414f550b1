"""``tunnel-gateway agent trust``: it prints real paths, and changes nothing of the system."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tunnel_gateway.agent.api.local_certificate import LocalCertificate
from tunnel_gateway.cli import agent_trust
from tunnel_gateway.user_language import Language


@pytest.mark.parametrize("language", Language)
def test_it_names_file_and_fingerprint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], language: Language
) -> None:
    certificate = LocalCertificate(tmp_path / "state")
    assert agent_trust.show(certificate, language) == 0
    out = capsys.readouterr().out
    assert f'"{certificate.authority}"' in out
    assert certificate.fingerprint() in out
    for system in ("Chromium", "Firefox", "Debian", "macOS", "Windows"):
        assert system in out
    assert bool(re.search("[а-яё]", out)) == (language is Language.RUSSIAN)
    assert agent_trust.show(certificate, language) == 0
    assert capsys.readouterr().out == out


def test_it_speaks_the_language_of_the_desktop(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "uz_UZ.UTF-8")
    monkeypatch.delenv("LANGUAGE", raising=False)
    agent_trust.show(LocalCertificate(tmp_path / "state"))
    assert "shu mashinada yaratilgan" in capsys.readouterr().out


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

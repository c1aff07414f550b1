"""``tunnel-gateway pki apikey``: keys that an agent takes which knows the signer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunnel_gateway.agent.api.apikey import ApiKeys
from tunnel_gateway.agent.calls import Caller
from tunnel_gateway.cli.main import main
from tunnel_gateway.errors import CallRefusedError
from tunnel_gateway.pki.files.keyfiles import load_certificates


@pytest.mark.parametrize("domain", ["example.uz", "localhost", "127.0.0.1"])
def test_a_key_for_a_domain(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], domain: str
) -> None:
    assert main(["pki", "init", str(tmp_path / "dev"), "--curve", "B"]) == 0
    capsys.readouterr()
    assert main(["pki", "apikey", str(tmp_path / "dev"), domain]) == 0
    key = capsys.readouterr().out.strip()
    assert len(key) == 128
    issuer = load_certificates(tmp_path / "dev" / "ca" / "api-keys.pem")[0].public_key
    caller = Caller(f"http://{domain}", domain)
    ApiKeys([issuer]).install(caller, [domain, key])
    with pytest.raises(CallRefusedError):
        ApiKeys().install(caller, [domain, key])


@pytest.mark.usefixtures("few_rounds")
def test_a_signer_under_a_password(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    password = tmp_path / "password"
    password.touch(mode=0o600)
    password.write_text("sir")
    arguments = ["--password-file", str(password)]
    assert main(["pki", "init", str(tmp_path / "dev"), *arguments]) == 0
    assert main(["pki", "apikey", str(tmp_path / "dev"), "example.uz"]) == 1
    assert main(["pki", "apikey", str(tmp_path / "dev"), "example.uz", *arguments]) == 0
    capsys.readouterr()


def test_an_authority_without_a_signer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pki", "apikey", str(tmp_path), "example.uz"]) == 1
    assert "make a new authority" in capsys.readouterr().err


def test_what_is_no_domain(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["pki", "apikey", str(tmp_path), "https://example.uz"])
    assert "not a domain name" in capsys.readouterr().err

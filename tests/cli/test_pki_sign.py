"""``tunnel-gateway pki sign-cms``, in this process."""

from __future__ import annotations

import io
from base64 import b64decode
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.support.credentials import Credentials
from tests.support.processes import PROJECT
from tunnel_gateway.cli import pki_sign
from tunnel_gateway.cli.main import main
from tunnel_gateway.cms.signed_data import SignedData, parse_signed_data
from tunnel_gateway.gost.digest import digest


@pytest.fixture
def key(credentials: Credentials) -> tuple[str, ...]:
    return "--key", str(credentials.citizen.key), "--cert", str(credentials.citizen.chain)


def sign(*arguments: str | Path) -> int:
    return main(["pki", "sign-cms", *map(str, arguments)])


def read(capsys: pytest.CaptureFixture[str]) -> SignedData:
    (line,) = capsys.readouterr().out.splitlines()
    return parse_signed_data(b64decode(line, validate=True))


def test_verify_cms_accepts_it(
    key: tuple[str, ...],
    credentials: Credentials,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    document, message = tmp_path / "d", tmp_path / "m"
    document.write_bytes(b"shartnoma")
    assert sign(document, *key, "--detached") == 0
    message.write_text(capsys.readouterr().out, encoding="ascii")
    trust = "--truststore", str(credentials.truststore)
    assert main(["pki", "verify-cms", *trust, "--content", str(document), str(message)]) == 0
    assert capsys.readouterr().out.endswith("by the signer's word\nholds\n")


def test_a_challenge_from_standard_input(
    key: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"x-1"), isatty=bool))
    assert sign(*key, "--at", "2026-03-01T12:00:00+05:00") == 0
    signed = read(capsys)
    assert signed.content == b"x-1"
    (signer,) = signed.signers
    assert signer.message_digest == digest(b"x-1")
    assert str(signer.signing_time) == "2026-03-01 07:00:00+00:00"


def test_a_document_that_is_too_large(
    key: tuple[str, ...],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pki_sign, "MAX_DOCUMENT_SIZE", 3)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(bytes(4)), isatty=bool))
    assert sign(*key) == 1
    assert "standard input: more than 3 bytes" in capsys.readouterr().err
    (tmp_path / "d").write_bytes(bytes(4))
    assert sign(tmp_path / "d", *key) == 1
    assert "over 3 bytes" in capsys.readouterr().err


def test_a_key_that_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sign("--key", tmp_path / "nokey.pfx", __file__) == 1
    assert "nokey.pfx: No such file" in capsys.readouterr().err


def test_the_documents_show_its_call() -> None:
    page = (PROJECT / "docs/for-backends.md").read_text(encoding="utf-8")
    assert "pki sign-cms --key certs/dev/users/citizen/user.pfx" in page

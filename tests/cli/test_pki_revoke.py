"""``tunnel-gateway pki revoke``, in this process."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunnel_gateway.cli.main import main
from tunnel_gateway.pki.files.keyfiles import load_certificates
from tunnel_gateway.pki.status.crl import RevocationList
from tunnel_gateway.pki.status.revoked_info import RevokedInfo


@pytest.fixture
def made(tmp_path: Path) -> Path:
    assert main(["pki", "init", str(tmp_path / "dev")]) == 0
    return tmp_path / "dev"


def test_lists_grow_and_are_signed(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pki", "revoke", str(made)]) == 0
    assert "centre.crl: 0 revoked" in capsys.readouterr().out
    chains = [made / "users" / name / "chain.pem" for name in ("citizen", "officer")]
    for number, chain in enumerate(chains, 1):
        assert main(["pki", "revoke", str(made), str(chain)]) == 0
        assert f"centre.crl: {number} revoked" in capsys.readouterr().out
    found = RevocationList((made / "crl/centre.crl").read_bytes())
    (centre,) = load_certificates(made / "ca/centre.pem")
    found.proven_by(centre)
    for chain in chains:
        assert found.revoked(load_certificates(chain)[0].serial)
    assert main(["pki", "revoke", str(made), str(made / "ca/centre.pem")]) == 0
    root = RevocationList((made / "crl/root.crl").read_bytes())
    assert root.revoked(centre.serial)


def test_what_cannot_be_revoked(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pki", "revoke", str(tmp_path)]) != 0
    (made / "crl").mkdir()
    (made / "crl/root.crl").write_text("not a list")
    assert main(["pki", "revoke", str(made)]) != 0
    assert "move it away" in capsys.readouterr().err


def info(made: Path, name: str) -> RevokedInfo | None:
    read = RevocationList((made / "crl/centre.crl").read_bytes())
    return read.revoked(load_certificates(made / f"users/{name}/chain.pem")[0].serial)


def revoke(made: Path, name: str, *options: str) -> int:
    return main(["pki", "revoke", str(made), str(made / f"users/{name}/chain.pem"), *options])


def test_reasons(made: Path) -> None:
    assert revoke(made, "citizen", "--reason", "keyCompromise") == 0
    assert revoke(made, "officer") == 0
    first, second = info(made, "citizen"), info(made, "officer")
    assert first is not None
    assert second is not None
    assert (first.reason, second.reason) == ("keyCompromise", None)
    # A revocation is for good: a second one changes nothing.
    for options in (("--hold",), ("--reason", "superseded"), ()):
        assert revoke(made, "citizen", *options) == 0
        assert info(made, "citizen") == first


def test_a_suspension(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert revoke(made, "citizen", "--hold") == 0
    assert revoke(made, "officer", "--hold") == 0
    held = info(made, "citizen")
    assert held is not None
    assert held.reason == "certificateHold"
    assert revoke(made, "citizen", "--release") == 0
    assert info(made, "citizen") is None
    assert info(made, "officer") is not None
    assert revoke(made, "officer", "--reason", "keyCompromise") == 0
    kept = info(made, "officer")
    assert kept is not None
    assert kept.reason == "keyCompromise"
    capsys.readouterr()
    for name, fault in (("citizen", "not revoked"), ("officer", "revoked for good on")):
        assert revoke(made, name, "--release") == 1
        said = capsys.readouterr().err
        assert f"users/{name}/chain.pem: {fault}" in said
        assert "--release ends only a suspension" in said
    assert info(made, "officer") == kept


def test_what_it_does_not_take(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for options in (("--reason", "certificateHold"), ("--reason", "x"), ("--hold", "--release")):
        with pytest.raises(SystemExit) as caught:
            revoke(made, "citizen", *options)
        assert caught.value.code == 2
    capsys.readouterr()
    own = [str(made), str(made / "ca/api-keys.pem")]  # which signs itself
    assert main(["pki", "revoke", *own]) == 1
    assert "not issued by the authority" in capsys.readouterr().err
    assert not (made / "crl").exists()

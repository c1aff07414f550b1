"""``tunnel-gateway pki revoke``, in this process."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunnel_gateway.cli.main import main
from tunnel_gateway.pki.files.keyfiles import load_certificates
from tunnel_gateway.pki.status.crl import RevocationList


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

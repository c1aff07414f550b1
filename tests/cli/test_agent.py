"""``tunnel-gateway agent``: its arguments. tests/scenarios/test_agent_*.py run it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunnel_gateway.cli.main import main


def test_mistakes_of_the_settings_come_with_their_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "agent.properties"
    path.write_text("\nagent.yoq=1\n")
    arguments = ["agent", "--settings", str(path), "--state", str(tmp_path / "state")]
    assert main(arguments) == 1
    assert f"{path}:2: agent.yoq: unknown key" in capsys.readouterr().err
    assert not (tmp_path / "state").exists()


def test_no_way_to_ask_for_passwords(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["agent", "--state", str(tmp_path / "state")]) == 1
    assert "--password-file" in capsys.readouterr().err


@pytest.mark.parametrize("port", ["-1", "65536", "x", "٣"])
def test_ports(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["agent", "--ws-port", port])
    assert "is not a port" in capsys.readouterr().err


def test_where_its_state_lies(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert main(["agent", "trust"]) == 0
    assert str(tmp_path / "tunnel-gateway" / "local-ca.pem") in capsys.readouterr().out

"""``tunnel-gateway mobile``: which commands it has."""

from __future__ import annotations

import pytest

from tunnel_gateway.cli.main import main


def test_its_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["mobile", "--help"])
    assert caught.value.code == 0
    printed = capsys.readouterr().out
    assert "\n    code " in printed
    assert "\n    phone " in printed


def test_without_a_command_it_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["mobile"])
    assert caught.value.code == 2
    assert "usage: tunnel-gateway mobile" in capsys.readouterr().err

"""``tunnel-gateway doctor``: which side it looks at, in which language, with which exit code."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.doctor.test_agent_ports import free_pair
from tests.support.credentials import Credentials
from tests.support.log_lines import read_records
from tests.support.processes import COMMAND, Api, Program, ReservedPort, write_config
from tests.support.programs import Programs
from tunnel_gateway.cli import doctor
from tunnel_gateway.cli.main import main
from tunnel_gateway.daemon.findings import Finding

Doctor = Callable[..., tuple[int, list[dict[str, Any]]]]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of a user, in a session without anything of the machine's own."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "SUDO_USER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(doctor, "DEFAULT_CONFIG", folder / "none.properties")
    Programs(tmp_path / "programs", monkeypatch)
    return folder


@pytest.fixture
def examine(home: Path, capsys: pytest.CaptureFixture[str]) -> Doctor:
    """Run the command; returns its code and its findings."""

    def run(*arguments: object) -> tuple[int, list[dict[str, Any]]]:
        pair = free_pair()
        ports = ("--ws-port", pair.ws, "--wss-port", pair.wss)
        code = main(["doctor", *map(str, arguments), *map(str, ports), "--json"])
        return code, read_records(capsys.readouterr().out)

    return run


@pytest.fixture
def config(credentials: Credentials, api: Api, closed_port: ReservedPort, tmp_path: Path) -> Path:
    path = tmp_path / "config.properties"
    settings = {"limit": 10, "revocation": "off"}
    write_config(path, credentials, closed_port.number, {"0": api.port}, settings)
    path.chmod(0o600)
    return path


def areas(findings: list[dict[str, Any]]) -> set[str]:
    return {finding["area"] for finding in findings}


def test_a_user_without_anything(examine: Doctor) -> None:
    code, findings = examine()
    assert code == 3
    assert {"clock", "ports", "settings", "keys", "permission"} <= areas(findings)
    assert "service" not in areas(findings)
    assert set(findings[0]) == {"area", "subject", "status", "text"}


def test_a_gateway_alone(examine: Doctor, config: Path) -> None:
    for side in ([], ["gateway"]):
        _, findings = examine(*side, "--config", config)
        assert {"service", "clock", "addresses", "configuration", "domain"} <= areas(findings)
        assert "permission" not in areas(findings)
        assert "fault" not in {finding["status"] for finding in findings}


def test_both_sides(examine: Doctor, config: Path, home: Path) -> None:
    (home / ".local/share/tunnel-gateway").mkdir(parents=True)
    _, findings = examine("--config", config)
    assert {"service", "configuration", "permission"} <= areas(findings)
    _, findings = examine("agent", "--config", config)
    assert "service" not in areas(findings)


def test_faults(examine: Doctor, tmp_path: Path) -> None:
    code, findings = examine("gateway", "--config", tmp_path / "none")
    assert code == 1
    faults = [finding["area"] for finding in findings if finding["status"] == "fault"]
    assert faults == ["configuration"]
    code, _ = examine("agent", "--settings", tmp_path / "none")
    assert code == 1


@pytest.mark.parametrize(
    ("language", "text"),
    [("uz", "port bo‘sh"), ("ru", "порт свободен"), ("en", "the port is free")],
)
def test_languages(
    examine: Doctor, monkeypatch: pytest.MonkeyPatch, language: str, text: str
) -> None:
    _, findings = examine("agent", "--language", language)
    assert text in {finding["text"] for finding in findings}
    assert "ports" in areas(findings)
    monkeypatch.setenv("LC_ALL", f"{language}_UZ.UTF-8")
    monkeypatch.delenv("LANGUAGE", raising=False)
    _, findings = examine("agent")
    assert text in {finding["text"] for finding in findings}


def test_rows_for_people(home: Path) -> None:
    pair = free_pair()
    plain = Program(
        "doctor",
        *(*COMMAND, "doctor", "agent", "--language", "ru"),
        *("--ws-port", str(pair.ws), "--wss-port", str(pair.wss)),
        preloaded=False,
    )
    assert plain.exit_code() == 3
    shown = "\n".join(plain.output)
    assert f"хорошо   порты         {pair.ws}: порт свободен\n" in shown
    assert "\x1b" not in shown
    looks = sum(line.startswith("смотрите ") for line in plain.output)
    assert plain.output[-1] == f"ошибок: 0; посмотреть: {looks}"


def test_all_is_well(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def good(_: object) -> AsyncIterator[Finding]:
        yield Finding("clock", "now", "ok", "good")

    monkeypatch.setattr(doctor, "_look", good)
    assert main(["doctor", "--language", "uz"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "hammasi joyida"


def test_a_user_without_a_home(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def no_home() -> Path:
        raise RuntimeError

    monkeypatch.setattr(Path, "home", no_home)
    assert main(["doctor", "agent"]) == 1
    assert "set HOME" in capsys.readouterr().err


def test_json_is_one_object_for_each_line(examine: Doctor) -> None:
    _, findings = examine("agent")
    assert json.dumps(findings)

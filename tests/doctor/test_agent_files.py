"""Settings, trust anchors, the password dialog, owners and the certificate for https pages."""

from __future__ import annotations

import os
import pwd
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.credentials import Credentials
from tests.support.programs import Programs
from tunnel_gateway.agent.api.local_certificate import LocalCertificate
from tunnel_gateway.agent.settings import AgentSettings, load_settings
from tunnel_gateway.doctor import texts
from tunnel_gateway.doctor.agent_files import (
    check_anchor,
    check_certificate,
    check_dialog,
    check_owner,
    check_settings,
    load_anchors,
    usual_settings,
)

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


def written(folder: Path, *lines: str) -> Path:
    path = folder / "agent.properties"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def settings(folder: Path, *lines: str) -> AgentSettings:
    return load_settings(written(folder, *lines), None)


def test_where_settings_usually_are(tmp_path: Path) -> None:
    for base, environment in (
        (tmp_path / ".config", {}),
        (tmp_path / "xdg", {"XDG_CONFIG_HOME": str(tmp_path / "xdg")}),
    ):
        assert usual_settings(environment, tmp_path) is None
        (base / "tunnel-gateway").mkdir(parents=True)
        path = written(base / "tunnel-gateway")
        assert usual_settings(environment, tmp_path) == path


def test_good_settings(tmp_path: Path) -> None:
    path = written(tmp_path, "agent.tunnel.example.uz=1.2.3.4:8843")
    found, (seen,) = check_settings(path, None)
    assert found is not None
    assert seen.row is texts.SETTINGS_GOOD
    assert seen.facts["gateways"] == "example.uz=1.2.3.4:8843"


def test_faults_in_settings(tmp_path: Path) -> None:
    path = written(tmp_path, "agent.tunnel.example.uz=1.2.3.4", "agent.kye.timeout=1")
    found, seen = check_settings(path, None)
    assert found is None
    assert [each.row for each in seen] == [texts.SETTINGS_WRONG] * 2
    assert [each.subject for each in seen] == [f"{path}:1", f"{path}:2"]
    assert "agent.key.timeout" in seen[1].facts["fault"]


def test_settings_that_are_not_there(tmp_path: Path) -> None:
    found, (seen,) = check_settings(tmp_path / "none", None)
    assert found is None
    assert seen.row is texts.SETTINGS_WRONG
    assert "No such file" in seen.facts["fault"]


def test_no_gateway(tmp_path: Path) -> None:
    for file in (None, written(tmp_path)):
        found, (seen,) = check_settings(file, None)
        assert found is not None
        assert seen.row is texts.NO_GATEWAYS


def test_gateways_of_run_conf(tmp_path: Path) -> None:
    run_conf = tmp_path / "run.conf"
    run_conf.write_text("arguments=-tunnel.6578616d706c652e757a=1.2.3.4:8843\n")
    _, (seen,) = check_settings(None, run_conf)
    assert seen.row is texts.SETTINGS_GOOD
    assert seen.subject == str(run_conf)


def test_trust_anchors(tmp_path: Path, credentials: Credentials) -> None:
    found = settings(tmp_path, f"agent.truststore.file={credentials.truststore}")
    (anchor,), seen = load_anchors(found)
    assert seen == []
    good = check_anchor(anchor, NOW)
    assert good.row is texts.ANCHOR_GOOD
    assert good.facts["until"] == f"{anchor.not_after:%Y-%m-%d}"
    assert check_anchor(anchor, anchor.not_after - DAY).row is texts.ANCHOR_ENDS
    assert check_anchor(anchor, anchor.not_after + DAY).row is texts.ANCHOR_ENDED


def test_no_truststore(tmp_path: Path) -> None:
    assert load_anchors(settings(tmp_path)) == ([], [])
    anchors, (seen,) = load_anchors(settings(tmp_path, "agent.tunnel.example.uz=1.2.3.4:8843"))
    assert anchors == []
    assert seen.row is texts.NO_TRUSTSTORE


def test_a_truststore_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "trust.pem").write_text("nothing")
    _, (seen,) = load_anchors(settings(tmp_path, "agent.truststore.file=trust.pem"))
    assert seen.row is texts.TRUSTSTORE_WRONG
    assert not seen.facts["fault"].startswith(str(tmp_path))


def test_the_dialog(programs: Programs) -> None:
    assert check_dialog({}, on_terminal=True).row is texts.DIALOG_ON_TERMINAL
    programs.add("pinentry", "")
    assert check_dialog({"DISPLAY": ":0"}, on_terminal=False).row is texts.DIALOG_GOOD
    assert check_dialog({}, on_terminal=True).row is texts.DIALOG_GOOD
    assert check_dialog({}, on_terminal=False).row is texts.DIALOG_NO_SCREEN


def test_an_own_folder(tmp_path: Path) -> None:
    assert list(check_owner(tmp_path, {})) == []
    assert list(check_owner(tmp_path / "none", {})) == []


def test_a_folder_of_another_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 65534)
    (seen,) = check_owner(Path("/usr"), {})
    assert seen.row is texts.FOLDER_OF_OTHER
    owner = pwd.getpwuid(Path("/usr").stat().st_uid).pw_name
    assert (seen.facts["user"], seen.facts["me"]) == (owner, "nobody")


def test_by_sudo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 0)
    (seen,) = check_owner(tmp_path, {"SUDO_USER": "alisher"})
    assert seen.row is texts.BY_SUDO
    assert list(check_owner(tmp_path, {"SUDO_USER": "root"})) == []


def test_the_certificate_for_https_pages(tmp_path: Path) -> None:
    local = LocalCertificate(tmp_path / "state")
    assert check_certificate(local, NOW).row is texts.CERTIFICATE_ABSENT
    local.ensure(NOW)
    assert check_certificate(local, NOW).row is texts.CERTIFICATE_GOOD
    for moment in (NOW + 400 * DAY, NOW - 10 * DAY):
        assert check_certificate(local, moment).row is texts.CERTIFICATE_ENDED
    local.authority.write_text("nothing")
    assert check_certificate(local, NOW).row is texts.CERTIFICATE_ABSENT

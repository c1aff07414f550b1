"""The user's side from the first question to the last, with real files and a real gateway."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.doctor.test_agent_ports import free_pair
from tests.support.credentials import FIRST_DOMAIN, Credentials
from tests.support.house import house
from tests.support.keys import write_pfx
from tests.support.loopback import LOOPBACK
from tests.support.programs import Programs
from tunnel_gateway.doctor.observation import Observation
from tunnel_gateway.doctor.user_side import UserSide, examine_user


def user(home: Path, **changes: object) -> UserSide:
    side: dict[str, Any] = {
        "settings": None,
        "run_conf": None,
        "state": home / "state",
        "pairs": (free_pair(),),
        "environment": {},
        "home": home,
        "on_terminal": False,
    }
    return UserSide(**(side | changes))


async def look(side: UserSide) -> list[Observation]:
    return [seen async for seen in examine_user(side)]


async def test_a_new_machine(
    tmp_path: Path, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    seen = await look(user(tmp_path))
    areas = [each.row.area for each in seen]
    assert list(dict.fromkeys(areas)) == [
        "clock",
        "ports",
        "settings",
        "password",
        "keys",
        "certificate",
        "proxy",
        "permission",
    ]
    assert "fault" not in {each.row.status for each in seen}
    assert not (tmp_path / "state").exists()


async def test_a_machine_that_is_set_up(
    tmp_path: Path, credentials: Credentials, programs: Programs
) -> None:
    async with house(credentials, tmp_path) as home:
        lines = (
            f"agent.tunnel.{FIRST_DOMAIN}={LOOPBACK}:{home.listener.port}",
            f"agent.truststore.file={credentials.truststore}",
            f"agent.keys.dirs={write_pfx(tmp_path / 'keys', 'DS1').parent}",
        )
        folder = tmp_path / ".config/tunnel-gateway"
        folder.mkdir(parents=True)
        (folder / "agent.properties").write_text("\n".join(lines))
        seen = await look(user(tmp_path))
    statuses = {each.row.area: each.row.status for each in seen}
    for area in ("settings", "truststore", "gateway"):
        assert statuses[area] == "ok", area
    assert [each.facts["count"] for each in seen if each.row.area == "keys"][:1] == ["1"]


async def test_settings_with_a_fault(tmp_path: Path, programs: Programs) -> None:
    path = tmp_path / "agent.properties"
    path.write_text("agent.kye.timeout=1\n")
    seen = await look(user(tmp_path, settings=path))
    statuses = {each.row.area: each.row.status for each in seen}
    assert statuses["settings"] == "fault"
    assert "permission" in statuses

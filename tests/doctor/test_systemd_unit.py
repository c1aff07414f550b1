"""The gateway's unit as systemctl shows it."""

from __future__ import annotations

import pytest

from tests.support.programs import Programs
from tunnel_gateway.doctor import texts
from tunnel_gateway.doctor.systemd_unit import check_units

RUNS = {
    "Id": "tunnel-gateway.service",
    "LoadState": "loaded",
    "ActiveState": "active",
    "SubState": "running",
    "Result": "success",
    "NRestarts": "0",
    "UnitFileState": "enabled",
    "TriggeredBy": "",
}


def systemctl(programs: Programs, *units: dict[str, str]) -> None:
    blocks = ("\n".join(f"{key}={value}" for key, value in unit.items()) for unit in units)
    shown = "\n\n".join(blocks)
    programs.add("systemctl", f"/bin/cat <<'END'\n{shown}\nEND")


@pytest.mark.parametrize(
    ("changes", "rows"),
    [
        ({}, [texts.UNIT_RUNS]),
        ({"ActiveState": "reloading"}, [texts.UNIT_RUNS]),
        ({"NRestarts": "2"}, [texts.UNIT_RUNS]),
        ({"NRestarts": "3"}, [texts.UNIT_RESTARTED]),
        ({"ActiveState": "failed", "Result": "exit-code"}, [texts.UNIT_DOWN]),
        ({"ActiveState": "activating"}, [texts.UNIT_DOWN]),
        ({"UnitFileState": "disabled"}, [texts.UNIT_RUNS, texts.UNIT_NOT_ENABLED]),
        (
            {"UnitFileState": "disabled", "TriggeredBy": "tunnel-gateway.socket"},
            [texts.UNIT_RUNS],
        ),
        ({"LoadState": "not-found"}, [texts.UNIT_ABSENT]),
    ],
)
def test_one_unit(programs: Programs, changes: dict[str, str], rows: list[object]) -> None:
    systemctl(programs, RUNS | changes)
    assert [seen.row for seen in check_units()] == rows


def test_instances_that_run_beside_a_unit_that_does_not(programs: Programs) -> None:
    instances = [RUNS | {"Id": f"tunnel-gateway@{number}.service"} for number in (1, 2)]
    systemctl(programs, RUNS | {"ActiveState": "inactive"}, *instances)
    seen = list(check_units())
    assert [each.subject for each in seen] == [each["Id"] for each in instances]
    assert {each.row for each in seen} == {texts.UNIT_RUNS}


@pytest.mark.parametrize("script", ["exit 1", "echo rubbish", None])
def test_without_systemd(programs: Programs, script: str | None) -> None:
    if script is not None:
        programs.add("systemctl", script)
    (seen,) = check_units()
    assert seen.row is texts.UNIT_ABSENT

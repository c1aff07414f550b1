"""The gateway's unit of systemd: does it run, was it restarted, does it start at boot?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from tunnel_gateway.doctor import texts
from tunnel_gateway.doctor.commands import CommandError, output_of
from tunnel_gateway.doctor.observation import Observation

_UNIT: Final = "tunnel-gateway.service"
_INSTANCES: Final = "tunnel-gateway@*.service"
_PROPERTIES: Final = "Id,LoadState,ActiveState,SubState,Result,NRestarts,UnitFileState,TriggeredBy"
_FEW_RESTARTS: Final = 3
_STARTS_AT_BOOT: Final = frozenset({"enabled", "enabled-runtime", "static", "indirect", "alias"})


def check_units() -> Iterator[Observation]:
    """Yield an observation for each unit, or one that says there is no unit."""
    try:
        shown = output_of("systemctl", "show", "-p", _PROPERTIES, "--", _UNIT, _INSTANCES)
    except CommandError:
        shown = ""
    units = [dict(_pairs(block)) for block in shown.split("\n\n")]
    loaded = [unit for unit in units if unit.get("LoadState") == "loaded"]
    if not loaded:
        yield texts.UNIT_ABSENT.seen(_UNIT)
        return
    running = [unit for unit in loaded if unit.get("ActiveState") in ("active", "reloading")]
    for unit in running or loaded:
        yield from _of(unit, runs=unit in running)


def _of(unit: Mapping[str, str], *, runs: bool) -> Iterator[Observation]:
    name = unit.get("Id", _UNIT)
    state = f"{unit.get('ActiveState', '?')}/{unit.get('SubState', '?')}"
    restarts = unit.get("NRestarts", "0")
    if not runs:
        yield texts.UNIT_DOWN.seen(name, state=state, result=unit.get("Result", "?"), unit=name)
    else:
        often = restarts.isdecimal() and int(restarts) >= _FEW_RESTARTS
        row = texts.UNIT_RESTARTED if often else texts.UNIT_RUNS
        yield row.seen(name, state=state, restarts=restarts, unit=name)
    if unit.get("UnitFileState", "enabled") not in _STARTS_AT_BOOT and not unit.get("TriggeredBy"):
        yield texts.UNIT_NOT_ENABLED.seen(name, unit=name)


def _pairs(block: str) -> Iterator[tuple[str, str]]:
    for line in block.splitlines():
        name, equals, value = line.partition("=")
        if equals:
            yield name, value

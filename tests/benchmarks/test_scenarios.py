"""The one table is sound, and a plan takes everything in turns."""

from __future__ import annotations

from benchmarks.places import NATIVE
from benchmarks.run import plan
from benchmarks.scenarios import ALL, SCENARIO_OF, SCENARIOS, SPREAD
from benchmarks.systems import SYSTEM_OF, SYSTEMS


def test_names_are_given_once() -> None:
    assert len(SCENARIO_OF) == len(SCENARIOS)
    assert len({one.what for one in SCENARIOS}) == len(SCENARIOS)
    assert len(SYSTEM_OF) == len(SYSTEMS)
    assert tuple(SYSTEM_OF) == ALL


def test_every_scenario_can_be_done() -> None:
    for scenario in SCENARIOS:
        assert scenario.figures
        assert len(set(scenario.figures)) == len(scenario.figures)
        assert set(scenario.systems) <= set(SYSTEM_OF)
        assert scenario.rounds > 0
        if scenario.size is not None and not scenario.size.is_usual:
            assert set(scenario.systems) <= {"gateway", NATIVE}
    assert {f"spread-{count}" for count in SPREAD} <= set(SCENARIO_OF)


def test_the_systems_take_turns() -> None:
    both = [SCENARIO_OF["bulk-down"], SCENARIO_OF["echo-64"]]
    steps = plan(both, 2)
    assert [(step.round, step.scenario.name, step.system) for step in steps[: len(ALL)]] == [
        *((0, "bulk-down", system) for system in ALL),
    ]
    second = len(both) * len(ALL)
    assert [step.system for step in steps[second : second + len(ALL)]] == [*reversed(ALL)]
    assert len(steps) == 2 * 2 * len(ALL)


def test_a_scenario_bounds_its_rounds() -> None:
    idle = SCENARIO_OF["idle"]
    assert len(plan([idle], 100)) == idle.rounds * len(idle.systems)

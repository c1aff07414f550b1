"""The process of the load: measures one scenario on one running system."""

from __future__ import annotations

import uvloop

from benchmarks.client import Client
from benchmarks.measures import Figures, Scale
from benchmarks.places import Target
from benchmarks.scenarios import SCENARIO_OF


def measure(scenario_name: str, target: Target, scale: Scale) -> Figures:
    """Measure; what is raised reaches the process that asked."""
    scenario = SCENARIO_OF[scenario_name]
    with Client(target) as client:
        return uvloop.run(scenario.measure(client, scale))

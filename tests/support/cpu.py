"""What each test costs in processor time, with the programs that it started: ``pytest --cpu``.

The wall time of a test says how busy the machine is. A program counts where its end is awaited: one
that several tests share counts in the last of them.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Generator

import pytest

from tests.support.preloaded import Forked

_TESTS_SHOWN = 25


def used() -> float:
    """Return the seconds of this process and of its programs that have ended."""
    times = os.times()
    own = times.user + times.system + times.children_user + times.children_system
    return own + Forked.cpu_seconds


class Costs:
    """The costs of a run, in its workers and where all of them are shown."""

    def __init__(self) -> None:
        self._costs: dict[str, float] = defaultdict(float)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        item.stash[_BEGUN] = used()
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if report.when == "teardown":
            report.user_properties.append(("cpu", used() - item.stash[_BEGUN]))
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "teardown":
            (cost,) = (value for name, value in report.user_properties if name == "cpu")
            assert isinstance(cost, float)
            self._costs[report.nodeid] += cost

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        folders: dict[str, float] = defaultdict(float)
        files: dict[str, float] = defaultdict(float)
        for test, seconds in self._costs.items():
            file = test.partition("::")[0]
            files[file] += seconds
            folders["/".join(file.split("/")[:2])] += seconds
        terminalreporter.section(f"{sum(files.values()):.0f} seconds of processor time")
        for costs, count in ((folders, None), (files, None), (self._costs, _TESTS_SHOWN)):
            for name, seconds in sorted(costs.items(), key=lambda pair: -pair[1])[:count]:
                terminalreporter.line(f"{seconds:8.1f}  {name}")


_BEGUN = pytest.StashKey[float]()

"""From samples to what people read."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks import publish
from benchmarks.charts import Chart, bars, lines
from benchmarks.figures import Figure
from benchmarks.machine import Machine, this_machine
from benchmarks.programs import ROOT, BenchmarkError
from benchmarks.progress import bar
from benchmarks.report import markdown_table, rows, text_table
from benchmarks.run import Results
from benchmarks.scenarios import SCENARIOS

MACHINE = Machine("ACME Chip (R) 9000", 2, 4, "6.1", "3.11", "0.22", "3.0", "5.68", "avx2")
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def results() -> Results:
    """Every figure of every scenario, twice; the gateway's is always twice the relay's."""
    made = Results()
    for scenario in SCENARIOS:
        for system in scenario.systems:
            value = 20.0 if system == "gateway" else 10.0
            for sample in (value, value * 1.5):
                made.add(scenario.name, system, dict.fromkeys(scenario.figures, sample))
    return made


def test_a_row_has_every_system_and_the_ratios() -> None:
    results = Results()
    for system, value in (("relay", 100.0), ("gateway", 50.0), ("stunnel-gost", 4.0)):
        results.add("bulk-down", system, {"MB/s": value})
    heading, row = rows(results)
    assert len(heading) == len(row)
    assert row[1:] == ["MB/s", "100", "50.0", "", "", "4.00", "", "0.50×", "12.5×"]


def test_a_row_without_the_gateway_has_no_ratio() -> None:
    results = Results()
    results.add("bulk-down", "relay", {"MB/s": 1.0})
    _, row = rows(results)
    assert row[-2:] == ["", ""]


def test_tables_are_aligned(results: Results) -> None:
    table = list(rows(results))
    heading, rule, *body = text_table(table).splitlines()
    assert set(rule) == {"-", " "}
    assert len(body) == len(table) - 1 == sum(len(one.figures) for one in SCENARIOS)
    assert len(heading) <= len(rule)
    lines = markdown_table(table).splitlines()
    assert {line.count("|") for line in lines} == {len(table[0]) + 1}


def rectangles(svg: str) -> list[float]:
    found = ET.fromstring(svg).iter(f"{SVG}rect")  # noqa: S314 (our own)
    return [float(one.attrib["width"]) for one in found]


def test_bars_are_as_long_as_their_figures() -> None:
    chart = Chart("a <b> & 'c'", ["x", "y"])
    figure = Figure(50.0, 40.0, 100.0)
    svg = bars(chart, {"one": [figure, Figure(100.0, 100.0, 100.0)], "two": [None, figure]})
    assert ET.fromstring(svg).attrib["aria-label"] == chart.title  # noqa: S314 (our own)
    *_, first, second, third = rectangles(svg)
    assert second == pytest.approx(2 * first)
    assert third == first
    assert "prefers-color-scheme: dark" in svg


def test_lines_have_a_point_for_each_figure() -> None:
    series = [{1.0: Figure(1, 1, 1), 1000.0: Figure(10, 9, 11)}, {}, {10.0: Figure(47, 47, 47)}]
    root = ET.fromstring(lines(Chart("t", ["a", "b", "c"]), series))  # noqa: S314
    dots = [(float(one.attrib["cx"]), float(one.attrib["cy"])) for one in root.iter(f"{SVG}circle")]
    assert len(dots) == 3
    (left, low), (right, higher), (between, highest) = dots
    assert left < between < right
    assert low > higher > highest  # downwards in SVG
    assert between == pytest.approx(left + (right - left) / 3, abs=0.1)


def test_published_results_are_all_there(results: Results, tmp_path: Path) -> None:
    document = tmp_path / publish.DOCUMENT
    document.parent.mkdir()
    document.write_text(f"before\n{publish.BEGIN}\nold\n{publish.END}\nafter\n", encoding="utf-8")
    for _ in range(2):  # the second time over the first
        publish.publish(results, MACHINE, 5, tmp_path)
    text = document.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "old" not in text
    assert "ACME Chip (R) 9000, 2 cores" in text
    for row in markdown_table(list(rows(results))).splitlines():
        assert text.count(row) >= 1
    shown = sorted(path.name for path in (tmp_path / publish.CHARTS).iterdir())
    assert shown == sorted(f"{name}.svg" for name, _ in publish.draw(results))
    assert len(shown) == 7
    assert all(f"(charts/{name})" in text for name in shown)
    stored = tmp_path / "benchmarks/results/acme-chip-r-9000.json"
    assert '"samples"' in stored.read_text(encoding="utf-8")


def test_a_document_without_the_marks_is_left_alone(results: Results, tmp_path: Path) -> None:
    document = tmp_path / publish.DOCUMENT
    document.parent.mkdir()
    document.write_text("no marks", encoding="utf-8")
    with pytest.raises(BenchmarkError, match="lacks the marks"):
        publish.publish(results, MACHINE, 5, tmp_path)
    assert [*tmp_path.rglob("*.*")] == [document]


def test_our_document_has_the_marks() -> None:
    document = (ROOT / publish.DOCUMENT).read_text(encoding="utf-8")
    assert "\nnew\n" in publish.replace_marked(document, "new")


def test_this_machine_has_a_name() -> None:
    machine = this_machine()
    assert machine.cores > 0
    assert machine.slug.replace("-", "").isalnum()


def test_the_bar() -> None:
    assert bar(0, 4, 0.0) == "[........................]   0%    starting"
    assert bar(1, 4, 10.0) == "[######..................]  25%   30 s left"

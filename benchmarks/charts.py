"""Charts as SVG, written by hand: bars and lines, readable on light and on dark pages."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from benchmarks.figures import Figure, short

# Of middling brightness, so that each can be seen on white and on black alike.
_COLOURS = ("#8b949e", "#2f81f7", "#a371f7", "#d15a84", "#d4882a", "#3aa655")
_STYLE = """\
text { font: 13px sans-serif; fill: #1f2328 }
.title { font-size: 15px; font-weight: bold }
.quiet { fill: #59636e }
.rule { stroke: #d1d9e0 }
.spread { stroke: #1f2328 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .quiet { fill: #9198a1 } .rule { stroke: #3d444d }
  .spread { stroke: #e6edf3 }
}"""
_WIDTH = 760
_TOP = 64  # title and legend
_LABEL = 190
_BAR = 16
_VALUE = 120  # beside a bar
_LINES_HEIGHT = 260
_LEFT = 56  # the scale of a line chart


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart: ``title`` with the unit and which way is better, and the names of the series."""

    title: str
    series: Sequence[str]


def bars(chart: Chart, groups: Mapping[str, Sequence[Figure | None]]) -> str:
    """Draw a group of horizontal bars for each label, one for each series that has a figure.

    The scale is linear and starts at zero; a thin line shows the spread.
    """
    largest = max(one.high for group in groups.values() for one in group if one) or 1.0
    scale = (_WIDTH - _LABEL - _VALUE) / largest
    parts: list[str] = []
    y = _TOP
    for label, group in groups.items():
        present = [(number, one) for number, one in enumerate(group) if one is not None]
        middle = y + len(present) * _BAR / 2 + 4
        parts.append(_text(_LABEL - 10, middle, label, anchor="end"))
        for number, one in present:
            parts.append(_bar(y, one, scale, _COLOURS[number]))
            y += _BAR
        y += 14
    return _document(chart, y, parts)


def _bar(y: float, one: Figure, scale: float, colour: str) -> str:
    middle = y + _BAR / 2 - 1
    low, high, end = (_LABEL + value * scale for value in (one.low, one.high, one.median))
    return (
        f'<rect x="{_LABEL}" y="{y}" width="{max(end - _LABEL, 1):.1f}" height="{_BAR - 2}"'
        f' fill="{colour}"/>'
        f'<line class="spread" x1="{low:.1f}" x2="{high:.1f}" y1="{middle}" y2="{middle}"/>'
        + _text(max(end, high) + 6, y + 12, short(one.median))
    )


def lines(chart: Chart, series: Sequence[Mapping[float, Figure]]) -> str:
    """Draw a line for each series of figures over positive numbers; both scales are logarithmic."""
    points = [(x, one.median) for line in series for x, one in line.items()]
    across = _Scale([x for x, _ in points], _LEFT + 30, _WIDTH - 60)
    up = _Scale([y for _, y in points], _TOP + _LINES_HEIGHT, _TOP + 8)
    parts: list[str] = []
    for y in up.decades():
        parts.append(_rule(_LEFT, up(y), _WIDTH - 60, up(y)))
        parts.append(_text(_LEFT - 8, up(y) + 4, f"{y:g}", anchor="end", kind="quiet"))
    below = _TOP + _LINES_HEIGHT + 20
    parts += [
        _text(across(x), below, f"{x:,.0f}", "middle", "quiet")
        for x in sorted({x for x, _ in points})
    ]
    for colour, line in zip(_COLOURS, series, strict=False):
        places = [(across(x), up(one.median), one) for x, one in sorted(line.items())]
        parts.append(_line([(x, y) for x, y, _ in places], colour))
        parts += [_text(x, y - 8, short(one.median), "middle") for x, y, one in places]
    return _document(chart, _TOP + _LINES_HEIGHT + 34, parts)


class _Scale:
    """A logarithmic scale from ``values``, widened to whole decades, to pixels."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        self._first = math.floor(math.log10(min(values)))
        self._last = max(math.ceil(math.log10(max(values))), self._first + 1)
        self._start, self._end = start, end

    def __call__(self, value: float) -> float:
        share = (math.log10(value) - self._first) / (self._last - self._first)
        return self._start + share * (self._end - self._start)

    def decades(self) -> Iterator[float]:
        for power in range(self._first, self._last + 1):
            yield 10.0**power


def _line(points: Sequence[tuple[float, float]], colour: str) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>' for x, y in points)
    return (
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
        f'<g fill="{colour}">{dots}</g>'
    )


def _rule(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="rule" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, words: str, anchor: str = "start", kind: str = "") -> str:
    extra = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{extra}>{escape(words)}</text>'


def _document(chart: Chart, height: float, parts: Sequence[str]) -> str:
    legend = []
    x = 10.0
    for colour, name in zip(_COLOURS, chart.series, strict=False):
        legend.append(f'<rect x="{x:.0f}" y="36" width="12" height="12" fill="{colour}"/>')
        legend.append(_text(x + 17, 47, name, kind="quiet"))
        x += 40 + 6.6 * len(name)
    body = "\n".join((_text(10, 22, chart.title, kind="title"), *legend, *parts))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:.0f}"'
        f' role="img" aria-label="{escape(chart.title, quote=True)}">\n'
        f"<style>\n{_STYLE}\n</style>\n{body}\n</svg>\n"
    )

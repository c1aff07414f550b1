"""So many lines and no more."""

from __future__ import annotations

from tunnel_gateway.observability.few_lines import LINES, SECONDS, FewLines


def test_a_flood_is_counted_and_not_written() -> None:
    now = 1000.0
    lines = FewLines(lambda: now)
    assert [lines.admit() for _ in range(LINES)] == [{}] * LINES
    assert [lines.admit() for _ in range(500)] == [None] * 500
    now += SECONDS
    assert lines.admit() == {"untold": 500}
    assert lines.admit() == {}


def test_few_lines_are_all_written() -> None:
    now = 0.0
    lines = FewLines(lambda: now)
    for _ in range(5):
        now += SECONDS
        assert [lines.admit() for _ in range(LINES)] == [{}] * LINES

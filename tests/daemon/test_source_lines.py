"""Lines by source: turns, and nothing kept of a source that waits for nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tunnel_gateway.daemon.source_lines import SourceLines


def test_sources_take_turns() -> None:
    lines: SourceLines[str] = SourceLines()
    for number, source in enumerate("aaabac"):
        lines.add(source, f"{source}{number}")
    taken = [lines.take() for _ in range(6)]
    assert taken == ["a0", "b3", "c5", "a1", "a2", "a4"]
    assert lines.take() is None


@given(st.lists(st.sampled_from("abc-")))
def test_each_source_keeps_its_order_and_nothing_is_lost(steps: list[str]) -> None:
    lines: SourceLines[tuple[str, int]] = SourceLines()
    added: list[tuple[str, int]] = []
    taken: list[tuple[str, int]] = []
    for number, source in enumerate(steps):
        if source != "-":
            lines.add(source, (source, number))
            added.append((source, number))
        elif (one := lines.take()) is not None:
            taken.append(one)
        assert len(lines) == len(added) - len(taken)
    while (one := lines.take()) is not None:
        taken.append(one)
    for source in "abc":
        assert [one for one in taken if one[0] == source] == [
            one for one in added if one[0] == source
        ]


def test_all_that_wait_are_removed_at_once() -> None:
    lines: SourceLines[int] = SourceLines()
    for number in range(3):
        lines.add(str(number % 2), number)
    assert sorted(lines.clear()) == [0, 1, 2]
    assert len(lines) == 0
    assert lines.take() is None

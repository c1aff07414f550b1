from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.figures import Figure, percentile, short


def test_the_middle_and_the_ends_of_the_samples() -> None:
    assert Figure.of([3.0, 1.0, 2.0]) == Figure(2.0, 1.0, 3.0)
    assert Figure.of([1.0, 2.0]).median == 1.5
    assert str(Figure.of([35.24, 33.0, 36.1])) == "35.2 (33.0..36.1)"
    assert str(Figure.of([7.0])) == "7.00"


@pytest.mark.parametrize(
    ("percent", "value"), [(0, 15), (5, 15), (30, 20), (40, 20), (50, 35), (100, 50)]
)
def test_percentile_by_nearest_rank(percent: float, value: float) -> None:
    # The example that textbooks give for this method.
    assert percentile([50, 15, 35, 20, 40], percent) == value


@given(st.lists(st.floats(0, 1e9), min_size=1), st.floats(0, 100))
def test_a_percentile_is_a_sample_that_so_many_do_not_exceed(
    samples: list[float], percent: float
) -> None:
    found = percentile(samples, percent)
    assert found in samples
    assert sum(one <= found for one in samples) >= len(samples) * percent / 100 * (1 - 1e-9)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1419.4, "1,419"),
        (99.96, "100"),
        (99.94, "99.9"),
        (35.24, "35.2"),
        (9.996, "10.0"),
        (0.479, "0.48"),
        (0, "0.00"),
    ],
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert short(value) == text

"""Which text in a subject is a number."""

from __future__ import annotations

import pytest

from tunnel_gateway.subject_numbers import DIGITS, believed, is_number


@pytest.mark.parametrize("kind", DIGITS)
def test_only_ascii_digits_of_the_right_length(kind: str) -> None:
    right = "1" * DIGITS[kind]
    assert is_number(kind, right)
    assert believed(kind, right) == right
    for wrong in (
        right[1:],
        right + "1",
        right[1:] + " ",
        right[1:] + "\u0661",
        "\u00b2" * len(right),
    ):
        assert not is_number(kind, wrong)
        assert believed(kind, wrong) is None
    assert believed(kind, None) is None

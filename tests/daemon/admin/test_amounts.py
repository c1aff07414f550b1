from __future__ import annotations

import pytest

from tunnel_gateway.daemon.admin.amounts import amount, duration, limit_row, percent


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (59.9, "59s"),
        (60, "1m00s"),
        (3599, "59m59s"),
        (3600, "1h00m"),
        (86399, "23h59m"),
        (86400, "1d00h"),
        (40 * 86400 + 5 * 3600, "40d05h"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0B"),
        (999, "999B"),
        (1000, "1.0kB"),
        (9949, "9.9kB"),
        (24_000, "24kB"),
        (999_600, "1.0MB"),
        (10**12, "1.0TB"),
        (10**16, "10000TB"),
    ],
)
def test_amounts(count: float, text: str) -> None:
    assert amount(count) == text


@pytest.mark.parametrize(
    ("part", "text"), [(None, "-"), (0.0, "0%"), (0.004, "0%"), (0.426, "43%"), (1.0, "100%")]
)
def test_parts(part: float | None, text: str) -> None:
    assert percent(part) == text


def test_a_limit() -> None:
    assert limit_row("tunnel.limit", 7, 10000) == ("tunnel.limit", 7, 10000)
    assert limit_row("tunnel.memory.limit", 5_000_000, 2**31)[1:] == ("5.0MB", "2.1GB")

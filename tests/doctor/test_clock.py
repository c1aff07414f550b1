"""The clock: behind the machine's own files, kept by nobody, or off from a peer's."""

from __future__ import annotations

import ctypes
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tunnel_gateway.doctor import texts
from tunnel_gateway.doctor.clock import check_clock, compare_with_peer, kernel_is_synchronised

NOW = datetime.now(UTC)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "local-server.pem"
    path.touch()
    return path


@pytest.mark.parametrize("known", [True, None])
def test_nothing_contradicts_it(file: Path, known: bool | None) -> None:
    (seen,) = check_clock(datetime.now(UTC), [file, file / "none"], lambda: known)
    assert seen.row is texts.CLOCK_GOOD


def test_a_file_from_the_future(file: Path) -> None:
    later = (NOW + timedelta(days=3)).timestamp()
    os.utime(file, (later, later))
    (seen,) = check_clock(NOW, [file], lambda: True)
    assert seen.row is texts.CLOCK_BEHIND
    assert seen.facts["file"] == str(file)
    assert f"{NOW + timedelta(days=3):%Y-%m-%d}" in seen.facts["newest"]


def test_a_clock_from_before_the_installation() -> None:
    (seen,) = check_clock(datetime(2001, 1, 1, tzinfo=UTC), [], lambda: True)
    assert seen.row is texts.CLOCK_BEHIND


def test_nothing_keeps_it_right() -> None:
    (seen,) = check_clock(NOW, [], lambda: False)
    assert seen.row is texts.CLOCK_NOT_KEPT


def test_a_file_with_an_odd_time(file: Path) -> None:
    os.utime(file, (0, 1e11))
    (seen,) = check_clock(NOW, [file], lambda: True)
    assert seen.row in (texts.CLOCK_GOOD, texts.CLOCK_BEHIND)


@pytest.mark.parametrize(
    ("seconds", "row"),
    [(0, texts.CLOCK_AGREES), (-60, texts.CLOCK_AGREES), (61, texts.CLOCK_OFF)],
)
def test_a_peer(seconds: int, row: object) -> None:
    seen = compare_with_peer("peer", NOW, NOW + timedelta(seconds=seconds))
    assert seen.row is row
    assert seen.facts["seconds"] == str(abs(seconds))


def test_the_kernel_says_it_or_does_not() -> None:
    assert kernel_is_synchronised() in (True, False, None)


def test_other_systems_do_not_say_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert kernel_is_synchronised() is None


def test_a_kernel_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing:
        @staticmethod
        def ntp_adjtime(_: object) -> int:
            return -1

    monkeypatch.setattr(ctypes, "CDLL", lambda _: Refusing)
    assert kernel_is_synchronised() is None

"""``tunnel-gateway speed``: its form, not its figures."""

from __future__ import annotations

import argparse
import json
import re

import pytest

from tunnel_gateway.cli import speed
from tunnel_gateway.gost.cipher import kernel_names


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "SECONDS_EACH", 0.001)


def call(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    speed.add_parser(parser.add_subparsers(required=True))
    args = parser.parse_args(["speed", *arguments])
    code: int = args.run(args)
    return code


def test_every_kernel_and_operation_has_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert call() == 0
    said = capsys.readouterr().out
    for name in kernel_names():
        assert said.count(f"\n{name} ") == 3
    for name in ("new key", "agree", "sign", "verify"):
        assert f"\n{name} " in said
    assert re.search(r"\ndigest +\d+ MB/s, an HMAC of 64 B in \d+\.\d µs\n", said)
    assert "Gbit/s" in said.splitlines()[-1]


def test_json_has_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--json") == 0
    measured = json.loads(capsys.readouterr().out)
    assert [one["kernel"] for one in measured["records"][::3]] == list(kernel_names())
    assert all(one["seal"] > 0 and one["open"] > 0 for one in measured["records"])
    assert measured["digest"]["long"] > 0
    assert measured["digest"]["hmac"] > 0
    assert measured["handshakes"] == pytest.approx(1e6 / sum(measured["operations"].values()))


def test_what_follows_from_the_figures() -> None:
    records = [
        speed.RecordSpeed("best", 64, 1.0, 1.0),
        speed.RecordSpeed("best", 16384, 1000.0, 500.0),
        speed.RecordSpeed("other", 16384, 1.0, 1.0),
    ]
    operations = {"new key": 10.0, "agree": 20.0, "sign": 30.0, "verify": 40.0}
    measured = speed.Speed(records, speed.DigestSpeed(1.0, 1.0), operations)
    assert measured.gigabits == pytest.approx(8 / 1.5)  # one gigabyte sealed, one opened
    assert measured.handshakes == pytest.approx(10_000)

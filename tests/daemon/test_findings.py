"""The keys of a finding in `check --json`, which other programs read."""

from __future__ import annotations

from dataclasses import asdict

from tunnel_gateway.daemon.findings import Finding


def test_the_keys_of_a_finding() -> None:
    assert asdict(Finding("listen", "0.0.0.0, port 1", "ok", "can be had")) == {
        "area": "listen",
        "subject": "0.0.0.0, port 1",
        "status": "ok",
        "text": "can be had",
    }

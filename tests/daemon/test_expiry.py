"""When and how often the gateway warns about a certificate."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.credentials import DAY, FIRST_DOMAIN, NOW, Credentials
from tests.support.log_lines import read_records
from tests.support.processes import write_config
from tunnel_gateway.config.configuration import load_configuration
from tunnel_gateway.daemon.expiry import ExpiryWatch, age_status, days_left, until
from tunnel_gateway.gateway.material import Material, certificates_in_use

LIFE = 100 * DAY


@pytest.fixture
def material(credentials: Credentials, tmp_path: Path) -> Material:
    """One domain whose certificate ends LIFE from now; all others of its path live longer."""
    credentials.domain(FIRST_DOMAIN, folder=tmp_path / "servers", not_after=NOW + LIFE)
    path = tmp_path / "config.properties"
    write_config(path, credentials, 1, {"raw": 1}, {"servers.dir": tmp_path / "servers"})
    return Material.load(load_configuration(path).tunnel)


def test_whole_days(material: Material) -> None:
    leaf = material.domains[FIRST_DOMAIN].leaf
    end, second = leaf.not_after, timedelta(seconds=1)
    assert days_left(leaf, end - 2 * DAY) == 2
    assert days_left(leaf, end - 2 * DAY + second) == 1
    assert days_left(leaf, end) == 0
    assert days_left(leaf, end + second) == -1


def test_each_limit_is_said_once(material: Material, log: io.StringIO) -> None:
    watch = ExpiryWatch(lambda: certificates_in_use(material))
    end = material.domains[FIRST_DOMAIN].leaf.not_after
    for days in (31, 30, 29.5, 29, 8, 6.5, 6.4, 1.5, 0.5, 0.4, -0.5, -3):
        watch.look(end - days * DAY)
    lines = read_records(log.getvalue())
    assert [(one["event"], one["level"], one["days"]) for one in lines] == [
        ("certificate_expires", "warning", 29),
        ("certificate_expires", "warning", 6),
        ("certificate_expires", "error", 0),
        ("certificate_expired", "error", -1),
    ]
    assert {one["used_for"] for one in lines} == {f"domain {FIRST_DOMAIN}"}
    assert all(one["until"].startswith(end.date().isoformat()) for one in lines)


@pytest.mark.parametrize(
    ("days", "status", "text"),
    [(31, "ok", "31 days left"), (29, "warning", "29 days left"), (-1, "fault", "expired")],
)
def test_as_check_says_it(days: int, status: str, text: str, material: Material) -> None:
    leaf, anchor = material.domains[FIRST_DOMAIN].leaf, material.trust_anchors[0]
    now = leaf.not_after - days * DAY
    assert age_status([anchor, leaf], now) == status
    assert until(leaf, now) == f"until {leaf.not_after:%Y-%m-%d}, {text}"

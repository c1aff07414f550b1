"""deploy/prometheus and deploy/grafana ask for what the gateway has, and alerts fire when due."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.processes import PROJECT
from tests.support.promql import dashboard_queries, faults, names
from tunnel_gateway.observability.metric_table import METRICS

PROMETHEUS = PROJECT / "deploy" / "prometheus"
DASHBOARD = PROJECT / "deploy" / "grafana" / "tunnel-gateway.json"
ALERTS = (PROMETHEUS / "alerts.yml").read_text(encoding="utf-8")
TESTS = (PROMETHEUS / "alerts_test.yml").read_text(encoding="utf-8")

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is missing: apt-get install prometheus"
)


def promtool(*arguments: str) -> str:
    done = subprocess.run(
        ("promtool", *arguments), cwd=PROMETHEUS, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def alerts() -> list[str]:
    return re.findall(r"^ +- alert: (\w+)$", ALERTS, re.MULTILINE)


@needs_promtool
def test_the_files_are_correct() -> None:
    assert f"{len(alerts())} rules found" in promtool("check", "rules", "alerts.yml")
    assert "SUCCESS" in promtool("check", "config", "prometheus.yml")


@needs_promtool
def test_alerts_fire_when_due_and_not_otherwise() -> None:
    promtool("test", "rules", "alerts_test.yml")


def test_every_alert_is_tried_both_ways() -> None:
    blocks = TESTS.split("  - name: ")[1:]
    quiet = {block.split()[0] for block in blocks if "exp_alerts: []" in block}
    fires = {block.split()[0] for block in blocks if "exp_annotations:" in block}
    assert len(set(alerts())) == len(alerts())
    assert quiet == fires == set(alerts())
    for block in blocks:
        name, kind = block.split()[:2]
        assert f"alertname: {name}\n" in block
        assert kind == ("quiet" if "exp_alerts: []" in block else "fires")


def test_alerts_ask_for_real_names() -> None:
    code = "\n".join(line for line in ALERTS.splitlines() if not line.lstrip().startswith("#"))
    expressions = re.findall(r"expr: (?:\|\n)?(.*?)\n +(?:for|labels):", code, re.DOTALL)
    assert len(expressions) == len(alerts())
    for one in expressions:
        assert names(one) or 'up{job="tunnel-gateway"}' in one
        assert list(faults(one)) == [], one


def test_the_manual_explains_every_alert() -> None:
    manual = (PROJECT / "docs" / "operations.md").read_text(encoding="utf-8")
    for name in alerts():
        assert f"`{name}`" in manual


def test_the_dashboard_asks_for_real_names() -> None:
    queries = dashboard_queries(DASHBOARD)
    assert len(queries) > 30
    for one in queries:
        assert names(one), one
        assert list(faults(one)) == [], one


def test_every_metric_is_on_the_dashboard_or_in_an_alert() -> None:
    used = set().union(*map(names, [*dashboard_queries(DASHBOARD), ALERTS]))
    used = {name.removesuffix("_bucket") for name in used}
    unused = {one.name for one in METRICS} - used
    assert unused == {
        "tunnel_gateway_probes_total",
        "tunnel_gateway_reloads_total",
        "tunnel_gateway_trust_anchors",
        "tunnel_gateway_revocation_lists",
    }


@needs_promtool
def test_the_queries_of_the_dashboard_are_promql(tmp_path: Path) -> None:
    """As rules, which promtool reads, with Grafana's variables filled in."""
    groups = []
    for number, query in enumerate(dashboard_queries(DASHBOARD)):
        if query.startswith("label_values("):
            continue
        filled = query.replace("$__rate_interval", "5m").replace("$instance", ".+")
        groups.append({"record": f"query:{number}", "expr": filled})
    path = tmp_path / "rules.json"
    path.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": groups}]}))
    assert f"{len(groups)} rules found" in promtool("check", "rules", str(path))


def test_panels_do_not_overlap() -> None:
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    assert len({one["id"] for one in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for one in panels:
        place = one["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert max(x for x, _ in cells) < 24
        assert not cells & taken, one["title"]
        taken |= cells


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("tunnel_gateway_tunnel_open", "tunnel_gateway_tunnel_open"),
        ("rate(tunnel_gateway_handshake_seconds[5m])", "tunnel_gateway_handshake_seconds"),
        ('tunnel_gateway_ready{domain="x"}', "tunnel_gateway_ready: domain"),
        ("sum by (user) (tunnel_gateway_ready)", "by user"),
    ],
)
def test_a_wrong_query_is_seen(query: str, fault: str) -> None:
    assert list(faults(query)) == [fault]

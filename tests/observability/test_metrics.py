"""Counting and showing; tests/scenarios/test_prometheus.py checks the meaning of the numbers."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.admin import samples
from tunnel_gateway.limit_keys import Limit
from tunnel_gateway.observability.metric_table import METRICS, OTHER, REASONS
from tunnel_gateway.observability.metrics import Metrics, reason_label


def shown(metrics: Metrics, name: str, **labels: str) -> float:
    return samples(metrics.text().decode())[name, frozenset(labels.items())]


def test_reasons_begin_at_zero_and_are_counted() -> None:
    metrics = Metrics()
    for reason in REASONS:
        for protocol in ("own", "stp"):
            labels = {"reason": reason, "protocol": protocol}
            assert shown(metrics, "tunnel_gateway_tunnels_closed_total", **labels) == 0
            assert shown(metrics, "tunnel_gateway_refusals_total", **labels) == 0
        labels = {"reason": reason, "protocol": "unknown"}
        assert shown(metrics, "tunnel_gateway_refusals_total", **labels) == 0
    for limit in Limit:
        assert shown(metrics, "tunnel_gateway_limits_reached_total", limit=limit.value) == 0
    metrics.closed("completed", "stp")
    metrics.refused("overloaded", "unknown")
    metrics.refused("overloaded", "unknown")
    completed = {"reason": "completed", "protocol": "stp"}
    overloaded = {"reason": "overloaded", "protocol": "unknown"}
    assert shown(metrics, "tunnel_gateway_tunnels_closed_total", **completed) == 1
    assert shown(metrics, "tunnel_gateway_refusals_total", **overloaded) == 2


def test_what_nobody_knows_is_one_label() -> None:
    metrics = Metrics()
    before = len(samples(metrics.text().decode()))
    for number in range(1000):
        metrics.refused(f"made up {number}", "own")
    assert shown(metrics, "tunnel_gateway_refusals_total", reason=OTHER, protocol="own") == 1000
    assert len(samples(metrics.text().decode())) == before
    assert reason_label("completed") == "completed"


def test_states_are_asked_for_at_every_look() -> None:
    metrics = Metrics()
    value = 1.0
    metrics.watch(lambda: [("tunnel_gateway_ready", (), value)])
    metrics.watch(lambda: [("tunnel_gateway_limit", ("tunnel.limit",), 7)])
    metrics.watch(lambda: [("tunnel_gateway_limit", ("tunnel.handshake.limit",), 8)])
    assert shown(metrics, "tunnel_gateway_ready") == 1
    value = 0.0
    assert shown(metrics, "tunnel_gateway_ready") == 0
    assert shown(metrics, "tunnel_gateway_limit", limit="tunnel.handshake.limit") == 8


def test_a_name_that_is_not_in_the_table_is_a_mistake() -> None:
    metrics = Metrics()
    metrics.watch(lambda: [("tunnel_gateway_new", (), 1)])
    with pytest.raises(KeyError):
        metrics.text()


def test_the_text_is_what_prometheus_reads() -> None:
    metrics = Metrics()
    metrics.opened.labels('a"b\n', "0", "own").inc()
    metrics.handshakes.observe(0.02)
    kinds = {metric.name: metric.kind for metric in METRICS}
    families = list(text_string_to_metric_families(metrics.text().decode()))
    assert {family.name for family in families} <= {name.removesuffix("_total") for name in kinds}
    (opened,) = [family for family in families if family.name == "tunnel_gateway_tunnels_opened"]
    assert opened.samples[0].labels == {"domain": 'a"b\n', "dst_id": "0", "protocol": "own"}

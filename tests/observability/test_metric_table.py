"""The promise: these names, types and labels. Changing one breaks somebody's alerts."""

from __future__ import annotations

import ast
from pathlib import Path

from tunnel_gateway.end_reasons import GATEWAY_ENDS
from tunnel_gateway.observability.metric_table import METRICS, REASONS, as_markdown

PROJECT = Path(__file__).parents[2]

# fmt: off
PROMISED = {
    "tunnel_gateway_tunnels_open": ("gauge", "domain dst_id"),
    "tunnel_gateway_connections": ("gauge", "stage"),
    "tunnel_gateway_tunnels_opened_total": ("counter", "domain dst_id protocol"),
    "tunnel_gateway_tunnels_closed_total": ("counter", "reason protocol"),
    "tunnel_gateway_refusals_total": ("counter", "reason protocol"),
    "tunnel_gateway_limits_reached_total": ("counter", "limit"),
    "tunnel_gateway_probes_total": ("counter", ""),
    "tunnel_gateway_bytes_total": ("counter", "domain dst_id direction"),
    "tunnel_gateway_handshake_seconds": ("histogram", ""),
    "tunnel_gateway_connect_seconds": ("histogram", "dst_id"),
    "tunnel_gateway_connect_failures_total": ("counter", "dst_id"),
    "tunnel_gateway_destination_up": ("gauge", "dst_id"),
    "tunnel_gateway_destination_address_up": ("gauge", "dst_id address"),
    "tunnel_gateway_destination_tunnels": ("gauge", "dst_id"),
    "tunnel_gateway_destination_tunnels_limit": ("gauge", "dst_id"),
    "tunnel_gateway_limit_used": ("gauge", "limit"),
    "tunnel_gateway_limit": ("gauge", "limit"),
    "tunnel_gateway_worker_tunnels": ("gauge", "worker"),
    "tunnel_gateway_worker_busy_seconds_total": ("counter", "worker"),
    "tunnel_gateway_worker_bytes_total": ("counter", "worker direction"),
    "tunnel_gateway_worker_wakeups_total": ("counter", "worker"),
    "tunnel_gateway_worker_turns_total": ("counter", "worker"),
    "tunnel_gateway_public_key_queue": ("gauge", ""),
    "tunnel_gateway_loop_lag_seconds": ("histogram", ""),
    "tunnel_gateway_background_failures_total": ("counter", "loop"),
    "tunnel_gateway_certificate_expiry_timestamp_seconds": ("gauge", "domain"),
    "tunnel_gateway_trust_anchors": ("gauge", ""),
    "tunnel_gateway_trust_anchor_expiry_timestamp_seconds": ("gauge", ""),
    "tunnel_gateway_revocation_lists": ("gauge", ""),
    "tunnel_gateway_revocation_list_issue_timestamp_seconds": ("gauge", ""),
    "tunnel_gateway_revocation_list_expiry_timestamp_seconds": ("gauge", ""),
    "tunnel_gateway_reloads_total": ("counter", "result"),
    "tunnel_gateway_last_reload_timestamp_seconds": ("gauge", ""),
    "tunnel_gateway_last_reload_ok": ("gauge", ""),
    "tunnel_gateway_audit_ok": ("gauge", ""),
    "tunnel_gateway_audit_waiting": ("gauge", ""),
    "tunnel_gateway_audit_lost_total": ("counter", ""),
    "tunnel_gateway_log_lines_lost_total": ("counter", ""),
    "tunnel_gateway_ready": ("gauge", ""),
    "tunnel_gateway_draining": ("gauge", ""),
    "tunnel_gateway_clock_timestamp_seconds": ("gauge", ""),
    "tunnel_gateway_rest_calls_total": ("counter", "path status"),
    "tunnel_gateway_rest_call_seconds": ("histogram", "path"),
    "tunnel_gateway_rest_received_bytes_total": ("counter", "path"),
    "tunnel_gateway_rest_sent_bytes_total": ("counter", "path"),
    "tunnel_gateway_rest_connections": ("gauge", ""),
    "tunnel_gateway_rest_calls_in_progress": ("gauge", ""),
    "tunnel_gateway_rest_body_memory_bytes": ("gauge", ""),
    "tunnel_gateway_rest_challenges_total": ("counter", "result"),
    "tunnel_gateway_rest_challenges_used": ("gauge", ""),
    "tunnel_gateway_rest_challenges_redis_up": ("gauge", ""),
    "tunnel_gateway_rest_mobile_documents_total": ("counter", "result"),
    "tunnel_gateway_rest_mobile_documents": ("gauge", ""),
    "tunnel_gateway_rest_mobile_redis_up": ("gauge", ""),
    "tunnel_gateway_build_info": ("gauge", "version"),
    "process_start_time_seconds": ("gauge", ""),
    "process_cpu_seconds_total": ("counter", ""),
    "process_resident_memory_bytes": ("gauge", ""),
    "process_open_fds": ("gauge", ""),
    "process_max_fds": ("gauge", ""),
}
# fmt: on

# Labels with any number of values, which strangers and users choose.
GROWING = {"client", "user", "pinfl", "serial", "issuer", "tunnel_id", "source", "certificate"}


def test_names_types_and_labels_stay() -> None:
    assert {metric.name: (metric.kind, " ".join(metric.labels)) for metric in METRICS} == PROMISED


def test_the_names_are_as_prometheus_wants_them() -> None:
    for metric in METRICS:
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        assert bool(metric.buckets) == (metric.kind == "histogram")
        assert list(metric.buckets) == sorted(metric.buckets)
        assert not metric.meaning.endswith(".")


def test_every_name_stands_whole_where_it_is_used() -> None:
    """A search for the name of a metric finds the line that gives its value."""
    used = {
        text
        for path in (PROJECT / "tunnel_gateway").rglob("*.py")
        if path.name != "metric_table.py"
        for text in texts(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert {metric.name for metric in METRICS} <= used


def test_no_label_grows_with_strangers() -> None:
    assert not GROWING & {label for metric in METRICS for label in metric.labels}


def test_the_manual_has_the_table() -> None:
    manual = (PROJECT / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert as_markdown() in manual


def texts(node: ast.AST) -> set[str]:
    constants = {child.value for child in ast.walk(node) if isinstance(child, ast.Constant)}
    return {text for text in constants if isinstance(text, str)}


def test_every_reason_is_in_the_metrics() -> None:
    """Every end is made from the enumeration or from the code of an error."""
    assert {reason.value for reason in GATEWAY_ENDS} <= set(REASONS)
    assert {type(reason) for reason in REASONS} == {str}
    for path in sorted((PROJECT / "tunnel_gateway").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "RelayEnd":
                assert not texts(node.args[0]), f"{path}:{node.lineno}"

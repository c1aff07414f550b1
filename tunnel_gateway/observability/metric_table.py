"""Every metric of the gateway: its name, type, labels, unit and meaning.

Names, types and labels are a promise to everyone who has alerts on them. A stranger cannot add a
value to any label: domains, dst_ids and limits come from the configuration, reasons and stages from
the code. A reason that is not in `REASONS` counts as `OTHER`. docs/metrics.md has the table as
`as_markdown` prints it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from tunnel_gateway.end_reasons import GATEWAY_ENDS
from tunnel_gateway.errors import (
    AlertReceivedError,
    CertificateError,
    PeerError,
    RefusalError,
    TruncatedError,
    TunnelGatewayError,
)

# A sample: the metric's name, the values of its labels in the table's order, and the number.
Sample = tuple[str, tuple[str, ...], float]

OTHER: Final = "other"


def _codes(kind: type[TunnelGatewayError]) -> Iterator[str]:
    yield kind.code
    for child in kind.__subclasses__():
        yield from _codes(child)


# The errors that end tunnels. Errors of files and of the agent end no tunnel.
_ERRORS: Final = (CertificateError, PeerError, RefusalError, AlertReceivedError, TruncatedError)
_ERROR_CODES: Final = (code for kind in _ERRORS for code in _codes(kind))
REASONS: Final = (
    *dict.fromkeys((*map(str, GATEWAY_ENDS), *_ERROR_CODES, TunnelGatewayError.code)),
    OTHER,
)


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. ``name`` is as Prometheus shows it; ``unit`` is "" for a plain number.

    ``buckets`` are the upper bounds of a histogram. The meaning is Markdown.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    unit: str
    meaning: str
    buckets: tuple[float, ...] = ()


_TUNNEL: Final = ("domain", "dst_id")
_WORKER: Final = ("worker",)
_MOMENT: Final = "Unix time"
# The bounds of the buckets, in seconds.
_HANDSHAKE: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_CONNECT: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_LAG: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
_CALL: Final = (
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    30.0,
)

# fmt: off
METRICS: Final[tuple[Metric, ...]] = (
    Metric("tunnel_gateway_tunnels_open", "gauge", _TUNNEL, "",
        "tunnels whose WebSocket is open"),
    Metric("tunnel_gateway_connections", "gauge", ("stage",), "",
        "connections by how far they have come: `handshake`, `connecting` (the user is known),"
        " `opening` (the gateway waits for the page's request), `open`"),
    Metric("tunnel_gateway_tunnels_opened_total", "counter", (*_TUNNEL, "protocol"), "",
        "tunnels whose WebSocket was opened; `protocol` is `own` for our own protocol and `stp` for"
        " [STP](stp.md)"),
    Metric("tunnel_gateway_tunnels_closed_total", "counter", ("reason", "protocol"), "",
        "tunnels that have ended after their WebSocket was open: one for each `tunnel_closed` of"
        " the log, with its reason"),
    Metric("tunnel_gateway_refusals_total", "counter", ("reason", "protocol"), "",
        "connections that ended before their WebSocket was open: one for each `tunnel_refused` of"
        " the log, with its reason; those at the level debug count too; `protocol` is `unknown` for"
        " a connection that was refused before its first bytes"),
    Metric("tunnel_gateway_limits_reached_total", "counter", ("limit",), "",
        "tunnels and connections that a limit has ended or refused, and REST calls that"
        " `tunnel.memory.limit` has refused; `limit` is the configuration key that sets it"),
    Metric("tunnel_gateway_probes_total", "counter", (), "",
        "connections that closed without sending a byte: health checks"),
    Metric("tunnel_gateway_bytes_total", "counter", (*_TUNNEL, "direction"), "bytes",
        "bytes that went through tunnels, running tunnels included: `up` from the users, after the"
        " request's head; `down` from the application"),
    Metric("tunnel_gateway_handshake_seconds", "histogram", (), "seconds",
        "time from accept to a proven user, for handshakes that succeeded; it includes the time of"
        " the users' machines and of the network",
        _HANDSHAKE),
    Metric("tunnel_gateway_connect_seconds", "histogram", ("dst_id",), "seconds",
        "how long it took to connect to the destination, when it succeeded",
        _CONNECT),
    Metric("tunnel_gateway_connect_failures_total", "counter", ("dst_id",), "",
        "failed attempts to connect to the destination"),
    Metric("tunnel_gateway_destination_up", "gauge", ("dst_id",), "",
        "1 if the destination accepted a connection at the last probe, else 0; probes need"
        " `tunnel.admin.listen` or `metrics.server.enabled`"),
    Metric("tunnel_gateway_destination_address_up", "gauge", ("dst_id", "address"), "",
        "0 while an address of the destination fails and is left out, else 1"),
    Metric("tunnel_gateway_destination_tunnels", "gauge", ("dst_id",), "",
        "tunnels that go to the destination, open or about to open"),
    Metric("tunnel_gateway_destination_tunnels_limit", "gauge", ("dst_id",), "",
        "`tunnel.destination.N.limit`; absent if there is no such limit"),
    Metric("tunnel_gateway_limit_used", "gauge", ("limit",), "",
        "how much of a limit of the whole gateway is in use: tunnels, handshakes, bytes of memory;"
        " `limit` is the configuration key that sets it"),
    Metric("tunnel_gateway_limit", "gauge", ("limit",), "",
        "the limit itself, in the same unit; absent if there is no limit"),
    Metric("tunnel_gateway_worker_tunnels", "gauge", _WORKER, "",
        "tunnels whose bytes this thread carries; `tunnel.workers` is how many such threads there"
        " are"),
    Metric("tunnel_gateway_worker_busy_seconds_total", "counter", _WORKER, "seconds",
        "time in which the thread worked, or waited for a core with work to do: near one second in"
        " each second the thread is full"),
    Metric("tunnel_gateway_worker_bytes_total", "counter", (*_WORKER, "direction"), "bytes",
        "bytes that the thread carried: `up` from the users, after the request's head; `down` to"
        " them"),
    Metric("tunnel_gateway_worker_wakeups_total", "counter", _WORKER, "",
        "times that the thread looked for something to do, and found it"),
    Metric("tunnel_gateway_worker_turns_total", "counter", _WORKER, "",
        "turns that the thread gave to tunnels; many turns for each wake-up mean that tunnels share"
        " the thread"),
    Metric("tunnel_gateway_public_key_queue", "gauge", (), "",
        "handshake steps that wait for their turn with public-key work"),
    Metric("tunnel_gateway_loop_lag_seconds", "histogram", (), "seconds",
        "how late a timer of the event loop ran; measured twice a second",
        _LAG),
    Metric("tunnel_gateway_background_failures_total", "counter", ("loop",), "",
        "failures of the gateway's background work: one for each `background_failed` of the log;"
        " the work goes on"),
    Metric("tunnel_gateway_certificate_expiry_timestamp_seconds", "gauge", ("domain",), _MOMENT,
        "when the first certificate of the domain's chain expires"),
    Metric("tunnel_gateway_trust_anchors", "gauge", (), "",
        "trust anchors in use"),
    Metric("tunnel_gateway_trust_anchor_expiry_timestamp_seconds", "gauge", (), _MOMENT,
        "when the first trust anchor expires"),
    Metric("tunnel_gateway_revocation_lists", "gauge", (), "",
        "revocation lists that the gateway has"),
    Metric("tunnel_gateway_revocation_list_issue_timestamp_seconds", "gauge", (), _MOMENT,
        "when the oldest list was issued; absent if there are no lists"),
    Metric("tunnel_gateway_revocation_list_expiry_timestamp_seconds", "gauge", (), _MOMENT,
        "when the first list expires; absent if there are no lists"),
    Metric("tunnel_gateway_reloads_total", "counter", ("result",), "",
        "reloads: `ok` or `refused`"),
    Metric("tunnel_gateway_last_reload_timestamp_seconds", "gauge", (), _MOMENT,
        "when the files in use were loaded: at the last reload that was not refused, or at the"
        " start"),
    Metric("tunnel_gateway_last_reload_ok", "gauge", (), "",
        "0 if the last reload was refused and the files on disk are not those in use, else 1"),
    Metric("tunnel_gateway_audit_ok", "gauge", (), "",
        "0 while the audit file cannot be written, else 1"),
    Metric("tunnel_gateway_audit_waiting", "gauge", (), "",
        "records that wait in memory for the audit file"),
    Metric("tunnel_gateway_audit_lost_total", "counter", (), "",
        "records that were not written to the audit file and will not be"),
    Metric("tunnel_gateway_log_lines_lost_total", "counter", (), "",
        "lines of the log that were not written: the reader is too slow, or gone"),
    Metric("tunnel_gateway_ready", "gauge", (), "",
        "1 if `/readyz` says that the gateway is ready, else 0"),
    Metric("tunnel_gateway_draining", "gauge", (), "",
        "1 from the moment that a stop begins, else 0"),
    Metric("tunnel_gateway_clock_timestamp_seconds", "gauge", (), _MOMENT,
        "the clock of the machine, by which certificates are checked; compare it with the clock of"
        " Prometheus"),
    Metric("tunnel_gateway_rest_calls_total", "counter", ("path", "status"), "",
        "calls of the REST service, by their path and by the `status` of their answer; the path is"
        " `other` if there is no such method"),
    Metric("tunnel_gateway_rest_call_seconds", "histogram", ("path",), "seconds",
        "time from the head of a call to its answer; it includes the time in which the client"
        " sends the body",
        _CALL),
    Metric("tunnel_gateway_rest_received_bytes_total", "counter", ("path",), "bytes",
        "bytes of the documents in the bodies of calls, without the Base64"),
    Metric("tunnel_gateway_rest_sent_bytes_total", "counter", ("path",), "bytes",
        "bytes of answers, without their headers"),
    Metric("tunnel_gateway_rest_connections", "gauge", (), "",
        "connections to the REST service, also those without a call"),
    Metric("tunnel_gateway_rest_calls_in_progress", "gauge", (), "",
        "calls that are read or answered now"),
    Metric("tunnel_gateway_rest_body_memory_bytes", "gauge", (), "bytes",
        "memory that the bodies of these calls take, at most; `body.memory` is the limit"),
    Metric("tunnel_gateway_rest_challenges_total", "counter", ("result",), "",
        "challenges: `given`, `taken` by a sign-in, and `refused`, because they were used before,"
        " had ended or were not ours"),
    Metric("tunnel_gateway_rest_challenges_used", "gauge", (), "",
        "used challenges that are remembered until their life has ended; absent if the challenges"
        " are in Redis"),
    Metric("tunnel_gateway_rest_challenges_redis_up", "gauge", (), "",
        "1 if the Redis of the challenges answers, else 0; absent if they are not in Redis"),
    Metric("tunnel_gateway_rest_mobile_documents", "gauge", (), "",
        "documents that wait for a phone or for the application; absent without `mobile.siteId`, or"
        " if they are in Redis"),
    Metric("tunnel_gateway_rest_mobile_redis_up", "gauge", (), "",
        "1 if the Redis of the documents for phones answers, else 0; absent if they are not in"
        " Redis"),
    Metric("tunnel_gateway_rest_mobile_documents_total", "counter", ("result",), "",
        "documents for phones: `begun`, `signed` by an upload, `signed_in` by a user, and"
        " `upload_refused`: uploads that were wrong, too late, or not the first"),
    Metric("tunnel_gateway_build_info", "gauge", ("version",), "",
        "always 1"),
    Metric("process_start_time_seconds", "gauge", (), _MOMENT,
        "when the process started"),
    Metric("process_cpu_seconds_total", "counter", (), "seconds",
        "processor time of all threads of the process"),
    Metric("process_resident_memory_bytes", "gauge", (), "bytes",
        "memory of the process that is in RAM"),
    Metric("process_open_fds", "gauge", (), "",
        "open file descriptors of the process; a tunnel has two"),
    Metric("process_max_fds", "gauge", (), "",
        "how many file descriptors the process may have"),
)
# fmt: on


def as_markdown() -> str:
    """Return the table as it is in docs/metrics.md."""
    lines = ["| metric | type | labels | unit | meaning |", "|---|---|---|---|---|"]
    for metric in METRICS:
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        cells = (f"`{metric.name}`", metric.kind, labels, metric.unit, metric.meaning)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"

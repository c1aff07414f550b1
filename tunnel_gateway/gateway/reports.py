"""The reports on connections: counts, one log line at the end, and records of the audit.

A tunnel has two audit records, ``opened`` and ``closed``. A verified user who does not get a tunnel
has the record ``refused``. There are no records of strangers: the handshake has proven nobody, and
a crowd of strangers must not fill the disk.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tunnel_gateway.daemon.audit.audit_trail import Audit
from tunnel_gateway.daemon.audit.writer import timestamp
from tunnel_gateway.errors import TruncatedError, TunnelGatewayError
from tunnel_gateway.gateway.session_facts import SessionFacts, end_fields
from tunnel_gateway.gateway.tally import Connecting, Tally
from tunnel_gateway.observability.few_lines import FewLines
from tunnel_gateway.observability.logs import get_logger
from tunnel_gateway.observability.metrics import Metrics
from tunnel_gateway.transport.streams.relay import RelayEnd

log = get_logger(__name__)


class Reports:
    """The one face of log, ``audit`` and ``metrics`` for sessions."""

    def __init__(self, audit: Audit, metrics: Metrics) -> None:
        self._audit = audit
        self._metrics = metrics
        self._tally = Tally(metrics)
        self._untold = 0
        # E-IMZO comes again and again, and one line a minute says what to do.
        self._stp_off = FewLines(lines=1)

    def proven(self, facts: SessionFacts) -> None:
        """Note that the user of a connection is proven."""
        self._tally.proven(facts)

    def connecting(self, dst_id: str) -> Connecting:
        """Measure a connect to a destination. A connect that is cancelled does not count."""
        return self._tally.connecting(dst_id)

    def opened(self, facts: SessionFacts) -> None:
        """Note that a WebSocket is open."""
        if self._audit.enabled:
            self._audit.record("opened", facts.audit_fields())
        self._tally.opened(facts)

    def ended(self, facts: SessionFacts, end: RelayEnd, seconds: float, *, silent: bool) -> None:
        """Report the end of a connection that lasted ``seconds``.

        ``silent``: its peer never sent a byte.
        """
        self._record_end(facts, end, seconds)
        fields = facts.log_fields() | end_fields(end, seconds)
        if isinstance(end.error, TunnelGatewayError) and end.error.limit:
            fields["limit"] = end.error.limit.value
            self._metrics.limits_reached.labels(end.error.limit.value).inc()
        if facts.relay is not None:
            self._tally.closed(facts, end.reason)
            log.info("tunnel_closed", **fields, **facts.byte_fields())
        elif silent and isinstance(end.error, TruncatedError | OSError):
            self._metrics.probes.inc()
            log.debug("probe", **fields)  # a balancer's health check connects and hangs up
        else:
            self._metrics.refused(end.reason, facts.protocol)
            quiet = facts.stp_off and self._stp_off.admit() is None
            self._refused(fields, told=facts.told and not quiet)

    def _refused(self, fields: dict[str, object], *, told: bool) -> None:
        if not told:
            self._untold += 1
            log.debug("tunnel_refused", **fields)
            return
        if self._untold:
            fields["untold"], self._untold = self._untold, 0
        log.warning("tunnel_refused", **fields)

    def _record_end(self, facts: SessionFacts, end: RelayEnd, seconds: float) -> None:
        if facts.leaf is None or not self._audit.enabled:
            return
        accepted = timestamp(datetime.now(UTC) - timedelta(seconds=seconds))
        self._audit.record(
            "refused" if facts.relay is None else "closed",
            {
                **facts.audit_fields(),
                "accepted": accepted,
                **end_fields(end, seconds),
                **facts.byte_fields(),
            },
        )

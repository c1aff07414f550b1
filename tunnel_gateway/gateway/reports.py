"""What is told of a connection: counts, one line of the log at its end, and the audit."""

from __future__ import annotations

from tunnel_gateway.errors import NotPermittedError, TruncatedError, TunnelGatewayError
from tunnel_gateway.gateway.account import Account
from tunnel_gateway.gateway.audit_trail import Audit
from tunnel_gateway.gateway.tally import Tally
from tunnel_gateway.observability.logs import get_logger
from tunnel_gateway.transport.streams.relay import RelayEnd

log = get_logger(__name__)


class Reports:
    """Told by every session of what becomes of its connection."""

    def __init__(self, audit: Audit, tally: Tally) -> None:
        self.audit = audit
        self.tally = tally
        self._untold = 0

    def opened(self, account: Account) -> None:
        """Note that a WebSocket is open."""
        self.audit.opened(account)
        self.tally.opened(account)

    def ended(self, account: Account, end: RelayEnd, seconds: float, *, silent: bool) -> None:
        """Write what there is to say of a connection that lasted ``seconds``.

        ``silent``: its peer never sent a byte.
        """
        self.audit.ended(account, end, seconds)
        facts = account.facts() | {"reason": end.reason, "seconds": round(seconds, 3)}
        if end.error is not None:
            facts["detail"] = str(end.error)
        if isinstance(end.error, NotPermittedError) and end.error.rule:
            facts["rule"] = end.error.rule
        if isinstance(end.error, TunnelGatewayError) and end.error.limit:
            facts["limit"] = end.error.limit.value
            self.tally.metrics.limits_reached.labels(end.error.limit.value).inc()
        if account.relay is not None:
            facts |= {"bytes_up": account.bytes_up, "bytes_down": account.bytes_down}
            self.tally.closed(account, end.reason)
            log.info("tunnel_closed", **facts)
        elif silent and isinstance(end.error, TruncatedError | OSError):
            self.tally.metrics.probes.inc()
            log.debug("probe", **facts)  # a balancer's health check connects and hangs up
        else:
            self.tally.metrics.refused(end.reason)
            self._refused(facts, told=account.told)

    def _refused(self, facts: dict[str, object], *, told: bool) -> None:
        if not told:
            self._untold += 1
            log.debug("tunnel_refused", **facts)
            return
        if self._untold:
            facts["untold"], self._untold = self._untold, 0
        log.warning("tunnel_refused", **facts)

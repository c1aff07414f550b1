"""What is told of a connection: counts while it lasts, and one line of the log at its end."""

from __future__ import annotations

from tunnel_gateway.errors import NotPermittedError, TruncatedError
from tunnel_gateway.gateway.account import Account
from tunnel_gateway.gateway.tally import Tally
from tunnel_gateway.observability.logs import get_logger
from tunnel_gateway.transport.relay import RelayEnd

log = get_logger(__name__)


class Reports:
    """Told by every session of what becomes of its connection."""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally

    def opened(self, account: Account) -> None:
        """Note that a WebSocket is open."""
        self.tally.opened(account)

    def ended(self, account: Account, end: RelayEnd, seconds: float, *, silent: bool) -> None:
        """Write the one line of a connection that lasted ``seconds``.

        ``silent``: its peer never sent a byte.
        """
        facts = account.facts() | {"reason": end.reason, "seconds": round(seconds, 3)}
        if end.error is not None:
            facts["detail"] = str(end.error)
        if isinstance(end.error, NotPermittedError) and end.error.rule:
            facts["rule"] = end.error.rule
        if account.relay is not None:
            facts |= {"bytes_up": account.bytes_up, "bytes_down": account.bytes_down}
            self.tally.closed(account, end.reason)
            log.info("tunnel_closed", **facts)
        elif silent and isinstance(end.error, TruncatedError | OSError):
            self.tally.metrics.probes.inc()
            log.debug("probe", **facts)  # a balancer's health check connects and hangs up
        else:
            self.tally.metrics.refused(end.reason)
            log.warning("tunnel_refused", **facts)

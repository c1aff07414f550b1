"""One connection from its accept to its end."""

from __future__ import annotations

import asyncio

from tunnel_gateway.end_reasons import EndReason
from tunnel_gateway.errors import TunnelGatewayError
from tunnel_gateway.gateway.entrance import Entrance, Opened
from tunnel_gateway.gateway.resources import Resources
from tunnel_gateway.gateway.session_facts import Stage
from tunnel_gateway.kept_errors import let_go
from tunnel_gateway.limits.places import Held
from tunnel_gateway.observability.logs import get_logger
from tunnel_gateway.pki.trust.validation import VerifiedPeer
from tunnel_gateway.transport.streams.relay import RelayEnd
from tunnel_gateway.transport.streams.stream import SocketStream

log = get_logger(__name__)


class Session:
    """One connection of a client. ``run`` serves it to its end and reports it.

    An open tunnel may last for hours while the data plane carries its bytes: all that is kept of
    it here is this object with the facts, and a task that waits.
    """

    __slots__ = ("_ended", "_entrance", "_places", "_resources", "_stop_error", "_task", "facts")

    def __init__(self, resources: Resources, stream: SocketStream) -> None:
        self._resources = resources
        self._places = Held()
        # None once the tunnel is open.
        self._entrance: Entrance | None = Entrance(resources, stream, self._places)
        self.facts = self._entrance.facts
        self._task: asyncio.Task[object] | None = None
        self._stop_error: TunnelGatewayError | None = None
        self._ended = False

    async def run(self) -> None:
        """Serve the connection to its end, and report the end. Errors do not leave this method."""
        self._task = asyncio.current_task()
        # The places are held until the sockets are closed: the limit counts descriptors.
        with self._places:
            try:
                end = await self._enter()
                if isinstance(end, Opened):
                    carrying = end.relay.run(end.page, end.application)
                    del end  # the inboxes, and with them all that led in
                    end = await carrying
            finally:
                self._resources.revocation.unwatch(self)
            self._report(end)
            await self._wait_closed()

    def stop(self, error: TunnelGatewayError) -> None:
        """End the session now, wherever it is, and tell the client why."""
        if self.facts.relay is not None:
            self.facts.relay.stop(error)
        elif self._stop_error is None and not self._ended:
            self._stop_error = error
            if self._task is not None:  # a session that has not run yet ends when it runs
                self._task.cancel()

    @property
    def open(self) -> bool:
        """Tell whether the tunnel carries a WebSocket connection now."""
        return self.facts.stage is Stage.OPEN

    # --- the way in ------------------------------------------------------------------------

    def _watch(self, user: VerifiedPeer) -> None:
        self._resources.revocation.watch(self, user)

    async def _enter(self) -> Opened | RelayEnd:
        """Return the open tunnel, or the end of a connection that did not get so far."""
        assert self._entrance is not None  # noqa: S101 (a session runs once)
        try:
            if self._stop_error is not None:
                return self._break_off(self._stop_error)
            opened = await self._entrance.lead_in(self._watch)
            if isinstance(opened, Opened):
                self.facts.opened(opened.relay)
                self._resources.reports.opened(self.facts)
                self._entrance = None
        except TunnelGatewayError as error:
            let_go(error)
            return self._break_off(error)
        except OSError as error:
            let_go(error)
            return RelayEnd(EndReason.PEER_LOST, error)
        except asyncio.CancelledError:
            if self._stop_error is None:
                raise
            return self._break_off(self._stop_error)
        except Exception:
            log.exception("internal_error", **self.facts.log_fields())
            return self._break_off(TunnelGatewayError("internal error"))
        else:
            return opened
        finally:
            if self._entrance is not None:
                self._entrance.close()

    # --- the end of it ---------------------------------------------------------------------

    async def _wait_closed(self) -> None:
        if self._entrance is not None:
            await self._entrance.wait_closed()
        elif self.facts.relay is not None:
            await self.facts.relay.wait_closed()

    def _break_off(self, error: TunnelGatewayError) -> RelayEnd:
        if self._entrance is not None:
            self._entrance.break_off(error)
        return RelayEnd(error.code, error)

    def _report(self, end: RelayEnd) -> None:
        self._ended = True
        silent = False
        if self._entrance is not None:
            silent = self._entrance.silent
            self.facts.domain = self.facts.domain or self._entrance.asked_domain
        seconds = asyncio.get_running_loop().time() - self.facts.started
        self._resources.reports.ended(self.facts, end, seconds, silent=silent)

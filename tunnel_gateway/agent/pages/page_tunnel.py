"""One tunnel of a page: its address waits for the page, and then bytes go both ways."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from tunnel_gateway.agent.calls import Caller
from tunnel_gateway.agent.handshake import StpTunnel, Tunnel
from tunnel_gateway.agent.pages.address import PageAddress
from tunnel_gateway.agent.pages.oneshot import DEFAULT_SECONDS
from tunnel_gateway.agent.pages.page_stream import PAGE_SIDE, PageStream
from tunnel_gateway.dataplane.joining import join
from tunnel_gateway.end_reasons import EndReason
from tunnel_gateway.errors import PageLostError, TunnelGatewayError
from tunnel_gateway.observability.logs import get_logger
from tunnel_gateway.transport.streams.inbox import Inbox
from tunnel_gateway.transport.streams.relay import RelayEnd, Relaying, RelayLimits

if TYPE_CHECKING:
    from tunnel_gateway.dataplane.plane import DataPlane

log = get_logger(__name__)

# The gateway decides how long a tunnel may be idle. These limits are for a gateway that does not
# end the tunnel.
LIMITS: Final = RelayLimits(idle=24 * 3600.0, half_close=60.0)


# The gateway is told this when the page breaks off.
PAGE_LOST: Final = PageLostError("the page's connection broke off")


class PageTunnel:
    """An open tunnel for the page that asked for it. ``run`` serves it and logs its end.

    ``plane`` carries its bytes; without one Python does. Raises OSError if there is no free local
    port.
    """

    def __init__(
        self,
        caller: Caller,
        tunnel: Tunnel | StpTunnel,
        plane: DataPlane | None,
        *,
        time_limit: float = DEFAULT_SECONDS,
    ) -> None:
        self._plane = plane
        self._channel = tunnel.channel
        self._time_limit = time_limit
        self._relay: Relaying | None = None
        self._stop_error: TunnelGatewayError | None = None
        self._task: asyncio.Task[None] | None = None
        self._address = PageAddress(caller.origin)
        self._facts: dict[str, object] = {
            "origin": caller.origin,
            "tunnel_id": tunnel.opened.tunnel_id.hex(),
        }
        self.address = str(self._address)
        self.port = self._address.port
        self._inbox = Inbox(tunnel.channel)
        tunnel.channel.open(self._inbox)

    @property
    def waiting(self) -> bool:
        """Tell whether the tunnel still waits for its page."""
        return self._relay is None

    def stop(self, error: TunnelGatewayError) -> None:
        """End the tunnel now, and tell the gateway and the page why."""
        if self._relay is not None:
            self._relay.stop(error)
        elif self._stop_error is None:
            self._stop_error = error
            if self._task is not None:
                self._task.cancel()

    async def run(self) -> None:
        """Serve the tunnel to its end."""
        self._task = asyncio.current_task()
        try:
            if self._stop_error is not None:
                raise self._stop_error
            local = await self._address.accept(self._inbox, self._time_limit)
        except (OSError, TunnelGatewayError) as error:
            self._end_unused(error)
        except asyncio.CancelledError:
            self._address.close()
            if self._stop_error is None:
                raise
            self._end_unused(self._stop_error)
        else:
            await self._serve(local)
        await self._channel.wait_closed()

    async def _serve(self, local: PageStream) -> None:
        relay = join(
            self._plane,
            self._channel,
            local,
            LIMITS,
            socket_lost=EndReason.PAGE_LOST,
            on_socket_lost=PAGE_LOST,
            farewell=local.farewell,
            page=PAGE_SIDE,
        )
        self._relay = relay
        end = await relay.run(self._inbox, local.inbox)
        self._log(end, bytes_up=relay.bytes_from_socket, bytes_down=relay.bytes_from_channel)
        await relay.wait_closed()

    def _end_unused(self, error: Exception) -> None:
        self._address.close()
        if isinstance(error, TunnelGatewayError):
            self._channel.abort(error)
            self._log(RelayEnd(error.code, error))
        else:
            self._channel.abort(PageLostError("no page has connected"))
            self._log(RelayEnd(EndReason.PEER_LOST, error))

    def _log(self, end: RelayEnd, **facts: object) -> None:
        facts |= {"reason": end.reason}
        if end.error is not None:
            facts["detail"] = str(end.error)
        if self._address.refused:
            facts["strangers"] = self._address.refused
        log.info("tunnel_closed", **self._facts, **facts)

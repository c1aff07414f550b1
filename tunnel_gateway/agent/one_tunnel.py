"""One tunnel without a page, for `connect`: from its making to its end."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from tunnel_gateway.agent.handshake import StpTunnel, Tunnel, open_stp_tunnel, open_tunnel
from tunnel_gateway.agent.pages.oneshot import DEFAULT_SECONDS, OneShotAddress
from tunnel_gateway.agent.pages.page_stream import PAGE_SIDE
from tunnel_gateway.agent.pages.page_tunnel import LIMITS
from tunnel_gateway.config.values import Address
from tunnel_gateway.dataplane.joining import join, start_plane
from tunnel_gateway.end_reasons import EndReason
from tunnel_gateway.errors import PageLostError, TunnelGatewayError
from tunnel_gateway.protocol.client import ClientSettings
from tunnel_gateway.protocol.stp.stp_client import StpClientSettings
from tunnel_gateway.transport.streams.inbox import Inbox
from tunnel_gateway.transport.streams.relay import RelayEnd

_LOCAL_LOST: Final = PageLostError("the connection to the local address broke off")


async def serve_one_tunnel(
    gateway: Address,
    settings: ClientSettings | StpClientSettings,
    *,
    announce: Callable[[str, bytes], None],
    time_limit: float = DEFAULT_SECONDS,
) -> RelayEnd:
    """Make a tunnel, ``announce`` its one-shot address and id, and serve it to its end.

    The ``settings`` tell the protocol. The address waits ``time_limit`` seconds for its
    connection. Raises the errors of ``open_tunnel`` and of ``OneShotAddress.accept``.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="public-key") as workers:
        tunnel = await _open(gateway, settings, workers)
        inbox = Inbox(tunnel.channel)
        tunnel.channel.open(inbox)
        address = OneShotAddress()
        announce(str(address), tunnel.opened.tunnel_id)
        try:
            local = await address.accept(inbox, time_limit)
        except TunnelGatewayError as error:
            tunnel.channel.abort(error)
            await tunnel.channel.wait_closed()
            raise
        plane = start_plane(1, _LOCAL_LOST)
        relay = join(
            plane,
            tunnel.channel,
            local,
            LIMITS,
            socket_lost=EndReason.LOCAL_LOST,
            on_socket_lost=_LOCAL_LOST,
            farewell=local.farewell,
            page=PAGE_SIDE,
        )
        try:
            end = await relay.run(inbox, local.inbox)
            await relay.wait_closed()
        finally:
            if plane is not None:
                plane.close()
        return end


async def _open(
    gateway: Address, settings: ClientSettings | StpClientSettings, workers: ThreadPoolExecutor
) -> Tunnel | StpTunnel:
    if isinstance(settings, StpClientSettings):
        return await open_stp_tunnel(gateway, settings, workers)
    return await open_tunnel(gateway, settings, workers)

"""The way of a connection in: from its accept to the open tunnel, or to its refusal."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final

from tunnel_gateway.config.destinations import Destination
from tunnel_gateway.dataplane.joining import join
from tunnel_gateway.end_reasons import EndReason
from tunnel_gateway.errors import (
    DestinationUnreachableError,
    LimitReachedError,
    TimedOutError,
    TunnelGatewayError,
    UnsupportedVersionError,
)
from tunnel_gateway.gateway.balancers import UNEXPECTED_HEADER, ClientAddress, read_client_address
from tunnel_gateway.gateway.destination_pool import find_destination
from tunnel_gateway.gateway.opening import accepted, pass_refusal, pass_request
from tunnel_gateway.gateway.policy import check_permitted
from tunnel_gateway.gateway.request import left_out
from tunnel_gateway.gateway.resources import Resources
from tunnel_gateway.gateway.session_facts import SessionFacts, Stage
from tunnel_gateway.limits.places import Held
from tunnel_gateway.limits.sources import source_of
from tunnel_gateway.observability.logs import get_logger
from tunnel_gateway.observability.masking import know_centres
from tunnel_gateway.pki.trust.validation import VerifiedPeer
from tunnel_gateway.protocol.connection import Surroundings
from tunnel_gateway.protocol.events import ClientAuthenticated
from tunnel_gateway.protocol.server import ServerConnection
from tunnel_gateway.protocol.stp.stp_connection import StpSurroundings
from tunnel_gateway.protocol.stp.stp_messages import begins_stp
from tunnel_gateway.protocol.stp.stp_server import StpServerConnection
from tunnel_gateway.transport.streams.channel import AnyChannel, Channel
from tunnel_gateway.transport.streams.inbox import Inbox
from tunnel_gateway.transport.streams.relay import RelayEnd, Relaying, RelayLimits
from tunnel_gateway.transport.streams.stp_channel import StpChannel
from tunnel_gateway.transport.streams.stream import SocketStream

log = get_logger(__name__)

# The event loop brings the bytes of a new connection that wait in the kernel within these turns.
_TURNS_TO_READ: Final = 3
# An agent is told this when the application breaks off.
DESTINATION_LOST: Final = DestinationUnreachableError("the destination broke off")


@dataclass(slots=True)
class Opened:
    """An open tunnel: ``relay`` joins its two sides, whose first bytes wait in the inboxes."""

    relay: Relaying
    page: Inbox
    application: Inbox


class Entrance:
    """Leads one connection in. It is no longer needed once the tunnel is open.

    The places that the connection takes go into ``places``, and what it proves into ``facts``.
    """

    def __init__(self, resources: Resources, stream: SocketStream, places: Held) -> None:
        self._resources = resources
        self._stream = stream
        self._places = places
        started = asyncio.get_running_loop().time()
        self._client = ClientAddress.of(stream.peer)
        self.facts = SessionFacts(str(self._client), started)
        self._connection: ServerConnection | StpServerConnection = ServerConnection(
            resources.settings,
            Surroundings(
                entropy=os.urandom,
                validation_time=datetime.now(UTC),
                deadline=started + resources.config.handshake_timeout,
                other_protocols=UNEXPECTED_HEADER,
            ),
        )
        self._steps = resources.workers.steps()
        self._channel: AnyChannel = Channel(stream, self._connection, self._steps)
        self._socket: SocketStream | None = None
        self._handshake_place = Held()

    async def lead_in(self, watch: Callable[[VerifiedPeer], None]) -> Opened | RelayEnd:
        """Return the open tunnel, or how the application has refused it.

        ``watch`` is called with the user, who may be revoked later.
        Raises the error that ends the connection; ``break_off`` tells it to the client.
        """
        check_rate = await self._admit()
        client = await self._authenticate(watch)
        destination = find_destination(self._resources.config.destinations, client.dst_id)
        # The rules before the places: a user who may not go there takes no place of the others.
        check_permitted(destination, client.peer, client.server_name)
        await self._resources.admission.certificate(client.peer, self._places)
        await check_rate()
        self._resources.destinations.tunnel(destination, self._places)
        # Connect before the client is told that the tunnel is open: no page gets an address that
        # leads nowhere.
        await self._connect(destination)
        page = Inbox(self._channel)
        self._channel.open(page)
        page.check()  # the client may have left while the gateway connected
        self._connection.accept()
        self._channel.flush()
        self.facts.stage = Stage.OPENING
        return await self._open(page, client, destination)

    async def _admit(self) -> Callable[[], Awaitable[None]]:
        """Take the places that a stranger needs; raises LimitReachedError.

        Returns a function that raises LimitReachedError if the source is over the rate that all
        gateways count together. That answer is awaited later, so the handshake does not wait.
        """
        admission = self._resources.admission
        try:
            # Before the address is known: waiting for a balancer's header holds a place too.
            admission.tunnel(self._places)
            await self._learn_address()
            source = source_of(self._client.host)
            check_rate = await admission.source(source, self._places)
            self._places.add(self._handshake_place.release)
            admission.handshake(source, self._handshake_place)
            self._steps.source = source
            self._handshake_place.add(partial(admission.charge, source, self._steps))
        except LimitReachedError:
            # A refused connection gives its places back before the socket has closed. Otherwise
            # strangers who are refused could hold all places. Above some rate it gets no alert.
            self._places.release()
            self.facts.told = admission.tells(source_of(self._client.host))
            if self.facts.told:
                await self._look_at_first_bytes()
            raise
        return check_rate

    async def _authenticate(self, watch: Callable[[VerifiedPeer], None]) -> ClientAuthenticated:
        with self._handshake_place:
            await self._choose_protocol()
            client = await self._channel.handshake()
        if not isinstance(client, ClientAuthenticated):
            raise TunnelGatewayError("the handshake gave no client")
        self.facts.authenticated(client)
        know_centres(issuer.subject for issuer in client.peer.path[1:])
        self._resources.reports.proven(self.facts)
        await self._resources.revocation.check(client.peer)
        watch(client.peer)
        return client

    async def _choose_protocol(self) -> None:
        """Look at the first bytes: a client of E-IMZO itself gets a connection of its protocol.

        Raises UnsupportedVersionError where it is not served.
        """
        inbox, config = self._stream.inbox, self._resources.config
        loop = asyncio.get_running_loop()
        deadline = self.facts.started + config.handshake_timeout
        with suppress(TimedOutError), inbox.within(deadline - loop.time(), "no first bytes"):
            first = await inbox.receive()
            inbox.unread(first)
            while first and (begins := begins_stp(first)) is None:
                first = await inbox.receive_exactly(len(first) + 1)
                inbox.unread(first)
            if first:
                self.facts.protocol = "stp" if begins else "own"
        if not self.facts.stp:
            return  # also if too few bytes came: the handshake says so
        self._speak_stp()
        if not config.stp.enabled:
            self.facts.stp_off = True
            raise UnsupportedVersionError(
                "the client speaks STP, the protocol of E-IMZO: set tunnel.stp to serve it"
            )

    async def _look_at_first_bytes(self) -> None:
        """Let a client that no place is left for be told in its own protocol.

        Only the bytes that are here already count: nobody waits for those of a refused client.
        """
        inbox = self._stream.inbox
        for _ in range(_TURNS_TO_READ):
            if not inbox.silent:
                break
            await asyncio.sleep(0)
        waiting = inbox.take()
        inbox.unread(waiting)
        if waiting and begins_stp(waiting):
            self.facts.protocol = "stp"
            self._speak_stp()

    def _speak_stp(self) -> None:
        self._connection = StpServerConnection(
            self._resources.stp_settings,
            StpSurroundings(
                entropy=os.urandom,
                validation_time=datetime.now(UTC),
                clock=asyncio.get_running_loop().time,
                step_seconds=self._resources.config.handshake_timeout,
                begun=self.facts.started,
            ),
        )
        self._channel = StpChannel(self._stream, self._connection, self._steps)

    async def _learn_address(self) -> None:
        """Take the client's address from the balancer's header, if the peer is a balancer."""
        deadline = self.facts.started + self._resources.config.handshake_timeout
        balancers = self._resources.config.proxy_from or ()
        self._client = await read_client_address(self._stream, balancers, deadline)
        self.facts.client = str(self._client)

    async def _connect(self, destination: Destination) -> SocketStream:
        time_limit = self._resources.config.connect_timeout
        with self._resources.reports.connecting(destination.id):
            self._socket = await self._resources.destinations.connect(destination, time_limit)
        if destination.proxy:
            tunnel = self.facts.domain, self.facts.tunnel_id
            header = self._client.header(destination.proxy, self._stream.local, *tunnel)
            self._socket.write(header)
        return self._socket

    async def _open(
        self, page: Inbox, client: ClientAuthenticated, destination: Destination
    ) -> Opened | RelayEnd:
        assert self._socket is not None  # noqa: S101 (lead_in has connected)
        config = self._resources.config
        for header, detail in left_out(client.peer.leaf):
            fields = self.facts.log_fields()
            log.warning("identity_header_left_out", **fields, header=header, detail=detail)
        socket = await pass_request(
            page,
            client,
            self._socket,
            lambda: self._connect(destination),
            host=destination.host_header or client.server_name,
            client_host=self._client.host,
            time_limit=config.upgrade_timeout,
            http_pages=config.http_pages,
            stp=self.facts.stp,
        )
        if not await accepted(socket.inbox, page, time_limit=config.upgrade_timeout):
            if await pass_refusal(socket.inbox, page, self._channel.write):
                self._channel.close()
            else:
                self._channel.abort(DestinationUnreachableError("its refusal was cut"))
            return RelayEnd(EndReason.UPGRADE_REFUSED)
        relay = join(
            self._resources.plane,
            self._channel,
            socket,
            RelayLimits(
                config.relay.idle_timeout,
                config.relay.half_close_timeout,
                config.relay.lifetime,
                config.relay.bandwidth,
            ),
            socket_lost=EndReason.DESTINATION_LOST,
            on_socket_lost=DESTINATION_LOST,
        )
        return Opened(relay, page, socket.inbox)

    # --- the end of it ---------------------------------------------------------------------

    @property
    def silent(self) -> bool:
        """Tell whether the peer never sent a byte."""
        return not self._stream.received

    @property
    def asked_domain(self) -> str | None:
        """The domain that the client has asked for, if it came so far."""
        return self._connection.server_name

    def break_off(self, error: TunnelGatewayError) -> None:
        """Tell the client why there is no tunnel, unless too many are refused."""
        if self.facts.told:
            self._channel.abort(error)
        else:
            self._stream.abort(error)

    def close(self) -> None:
        """End both sockets in order."""
        if self.facts.stp and self.facts.told:
            self._channel.close()  # the socket stays until the client has read the end
        else:
            self._stream.close()
        if self._socket is not None:
            self._socket.close()

    async def wait_closed(self) -> None:
        """Wait until both sockets are closed."""
        await self._stream.wait_closed()
        if self._socket is not None:
            await self._socket.wait_closed()

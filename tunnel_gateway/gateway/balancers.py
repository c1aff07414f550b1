"""Where a connection comes from: as a balancer tells the gateway, and the gateway a destination.

Every other part takes the client's address from here: the log, the limits, X-Forwarded-For.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal, Self

from tunnel_gateway.config.values import Network
from tunnel_gateway.errors import ProtocolViolationError, TimedOutError, TruncatedError
from tunnel_gateway.transport.streams.stream import Address, SocketStream, format_address
from tunnel_gateway.transport.wire.proxy_protocol import Header, HeaderReader, Tlv


@dataclass(frozen=True, slots=True)
class Source:
    """The client's address, and the one that it connected to if a balancer told of it.

    An IPv4 client is one whatever socket it came by. ``client`` is None when it was gone before
    it could be asked for.
    """

    client: tuple[str, int] | None
    reached: tuple[str, int] | None = None

    @classmethod
    def of(cls, address: Address | None) -> Self:
        """Return the source that the socket itself gives."""
        return cls(_plain(address))

    def __str__(self) -> str:
        return format_address(self.client)

    @property
    def host(self) -> str:
        """The host of the client's address alone."""
        return self.client[0] if self.client else "unknown"

    def header(
        self,
        version: Literal["v1", "v2"],
        local: Address | None,
        domain: str | None = None,
        tunnel_id: str | None = None,
    ) -> bytes:
        """Return the header that tells a destination of the connection.

        ``local`` is the gateway's address, of use unless a balancer told another. Version 2 says
        the tunnel's domain and identifier too.
        """
        reached = self.reached or _plain(local)
        if version == "v1":
            return Header(self.client, reached).serialize_v1()
        told = ((Tlv.AUTHORITY, domain), (Tlv.UNIQUE_ID, tunnel_id))
        tlvs = tuple((kind, text.encode("ascii")) for kind, text in told if text)
        return Header(self.client, reached, tlvs).serialize_v2()


async def find_source(
    stream: SocketStream, balancers: Sequence[Network], deadline: float
) -> Source:
    """Return where the connection comes from; a balancer's header is read off its start.

    From an address in ``balancers`` the header is a must: without it anyone who reaches the
    gateway past the balancer would pass for it. ``deadline`` is in seconds of the loop's clock.
    Raises ProtocolViolationError, TimedOutError, TruncatedError.
    """
    own = Source.of(stream.peer)
    if not balancers or own.client is None:
        return own
    address = ip_address(own.host)
    if not any(address in network for network in balancers):
        return own
    header = await _read_header(stream, deadline)
    return own if header.source is None else Source(header.source, header.destination)


async def _read_header(stream: SocketStream, deadline: float) -> Header:
    reader = HeaderReader()
    header = None
    try:
        async with asyncio.timeout_at(deadline) as limit:
            while header is None:
                if not (data := await stream.inbox.receive()):
                    raise TruncatedError("the connection ended before a whole PROXY header")
                header = reader.receive_data(data)
    except TimeoutError:
        if not limit.expired():
            raise  # the socket's own: a peer that does not acknowledge
        raise TimedOutError("the PROXY header was not complete in time") from None
    except ProtocolViolationError as error:
        raise ProtocolViolationError(
            f"{error}; every connection from an address of tunnel.proxy.from must begin with one:"
            " correct the balancer, or remove the address if it is none"
        ) from None
    stream.header_received(reader.rest)
    return header


def _plain(address: Address | None) -> tuple[str, int] | None:
    """Return the address without an IPv6 zone, and an IPv4 address as one."""
    if address is None:
        return None
    host = address[0].partition("%")[0]
    return host.removeprefix("::ffff:") if "." in host else host, address[1]

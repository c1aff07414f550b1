"""Where a connection comes from: as a balancer tells the gateway, and the gateway a destination.

Every other part takes the client's address from here: the log, the limits, X-Forwarded-For.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, Literal, Self

from tunnel_gateway.config.values import Network
from tunnel_gateway.errors import ProtocolViolationError, TruncatedError
from tunnel_gateway.transport.streams.stream import Address, SocketStream, format_address
from tunnel_gateway.transport.wire.proxy_protocol import (
    V1_SIGNATURE,
    V2_SIGNATURE,
    Header,
    HeaderReader,
    Tlv,
)

# The error for a header from an address that is not in tunnel.proxy.from.
UNEXPECTED_HEADER: Final = dict.fromkeys(
    (V1_SIGNATURE, V2_SIGNATURE),
    "a PROXY protocol header, and none is expected from its address: add it to tunnel.proxy.from"
    " if it is your balancer",
)


@dataclass(frozen=True, slots=True)
class ClientAddress:
    """The client's host and port, and the address that it connected to if a balancer told it.

    An IPv4 client has an IPv4 address on an IPv6 socket too. There is no ``address`` if the client
    had gone before the gateway could ask for it.
    """

    address: tuple[str, int] | None
    reached: tuple[str, int] | None = None

    @classmethod
    def of(cls, address: Address | None) -> Self:
        """Return the address that the socket itself has."""
        return cls(_plain(address))

    def __str__(self) -> str:
        return format_address(self.address)

    @property
    def host(self) -> str:
        """The client's host alone."""
        return self.address[0] if self.address else "unknown"

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
            return Header(self.address, reached).serialize_v1()
        told = ((Tlv.AUTHORITY, domain), (Tlv.UNIQUE_ID, tunnel_id))
        tlvs = tuple((kind, text.encode("ascii")) for kind, text in told if text)
        return Header(self.address, reached, tlvs).serialize_v2()


async def read_client_address(
    stream: SocketStream, balancers: Sequence[Network], deadline: float
) -> ClientAddress:
    """Return the client's address, from a balancer's header if ``balancers`` contains the peer.

    A balancer must send the header: without it, anyone who connects to the gateway past the
    balancer would pass for the balancer. ``deadline`` is in seconds of the loop's clock.
    Raises ProtocolViolationError, TimedOutError, TruncatedError.
    """
    own = ClientAddress.of(stream.peer)
    if not balancers or own.address is None:
        return own
    address = ip_address(own.host)
    if not any(address in network for network in balancers):
        return own
    header = await _read_header(stream, deadline)
    return own if header.source is None else ClientAddress(header.source, header.destination)


async def _read_header(stream: SocketStream, deadline: float) -> Header:
    reader = HeaderReader()
    header = None
    seconds = deadline - asyncio.get_running_loop().time()
    try:
        with stream.inbox.within(seconds, "the PROXY header was not complete in time"):
            while header is None:
                if not (data := await stream.inbox.receive()):
                    raise TruncatedError("the connection ended before a whole PROXY header")
                header = reader.receive_data(data)
    except ProtocolViolationError as error:
        raise ProtocolViolationError(
            f"{error}; every connection from an address of tunnel.proxy.from must begin with one:"
            " correct the balancer, or remove the address if it is not a balancer"
        ) from None
    stream.header_received(reader.rest)
    return header


def _plain(address: Address | None) -> tuple[str, int] | None:
    """Return the address without an IPv6 zone, and an IPv4 address in its own form."""
    if address is None:
        return None
    host = address[0].partition("%")[0]
    return host.removeprefix("::ffff:") if "." in host else host, address[1]

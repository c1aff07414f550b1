"""Making a tunnel, or only trying a gateway: connect and run the client's handshake."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from tunnel_gateway.config.values import Address
from tunnel_gateway.errors import (
    GatewayUnreachableError,
    PageLostError,
    TruncatedError,
    TunnelGatewayError,
)
from tunnel_gateway.pki.trust.validation import ChainValidator, VerifiedPeer
from tunnel_gateway.protocol.client import ClientConnection, ClientSettings, ProofConnection
from tunnel_gateway.protocol.connection import Surroundings
from tunnel_gateway.protocol.events import Opened, Proven, ServerProven
from tunnel_gateway.protocol.stp.stp_client import StpClientConnection, StpClientSettings
from tunnel_gateway.protocol.stp.stp_connection import StpSurroundings
from tunnel_gateway.transport.streams.channel import AnyChannel, Channel
from tunnel_gateway.transport.streams.connecting import connect_in_turn, connect_within, look_up
from tunnel_gateway.transport.streams.stp_channel import StpChannel
from tunnel_gateway.transport.streams.stream import SocketStream

# Longer than the gateway's default time limits for the handshake and for connecting together, so
# that the gateway's alert with the reason comes first.
TUNNEL_SECONDS: Final = 20.0
_ADVICE: Final = "does the gateway run there, and does the network let this machine reach it?"


@dataclass(frozen=True, slots=True)
class Tunnel:
    """An open tunnel: the gateway has proven who it is, and has let the user in."""

    channel: Channel
    opened: Opened


@dataclass(frozen=True, slots=True)
class StpTunnel:
    """The same by STP."""

    channel: StpChannel
    opened: Opened


async def open_tunnel(gateway: Address, settings: ClientSettings, workers: Executor) -> Tunnel:
    """Make a tunnel within TUNNEL_SECONDS; the connection may take half of that.

    Raises GatewayUnreachableError, or the error that ended the handshake: our own CertificateError
    or PeerError, or AlertReceivedError with the gateway's reason.
    """
    connection = ClientConnection(settings, _surroundings(TUNNEL_SECONDS))
    channel = Channel(await _connect(gateway, TUNNEL_SECONDS / 2), connection, workers)
    return Tunnel(channel, _opened(await _shake_hands(gateway, channel)))


async def open_stp_tunnel(
    gateway: Address, settings: StpClientSettings, workers: Executor
) -> StpTunnel:
    """Make a tunnel by STP: each step of the gateway has its own time limit.

    Raises as ``open_tunnel`` does.
    """
    stream = await _connect(gateway, TUNNEL_SECONDS / 2)
    clock = asyncio.get_running_loop().time
    surroundings = StpSurroundings(os.urandom, datetime.now(UTC), clock)
    channel = StpChannel(stream, StpClientConnection(settings, surroundings), workers)
    return StpTunnel(channel, _opened(await _shake_hands(gateway, channel)))


def _opened(proven: Proven) -> Opened:
    if not isinstance(proven, Opened):
        raise TunnelGatewayError("the handshake did not open the tunnel")
    return proven


async def try_gateway(
    gateway: Address, domain: str, validator: ChainValidator, workers: Executor, seconds: float
) -> VerifiedPeer:
    """Let a gateway prove the domain, within ``seconds``, and leave. No user's key is needed.

    Raises the errors of ``open_tunnel``.
    """
    connection = ProofConnection(domain, validator, _surroundings(seconds))
    channel = Channel(await _connect(gateway, seconds / 2), connection, workers)
    proven = await _shake_hands(gateway, channel)
    channel.abort(PageLostError("the gateway was only tried"))
    await channel.wait_closed()
    if not isinstance(proven, ServerProven):
        raise TunnelGatewayError("the handshake did not prove the gateway")
    return proven.peer


def _surroundings(seconds: float) -> Surroundings:
    deadline = asyncio.get_running_loop().time() + seconds
    return Surroundings(entropy=os.urandom, validation_time=datetime.now(UTC), deadline=deadline)


async def _shake_hands(gateway: Address, channel: AnyChannel) -> Proven:
    """Run the handshake until somebody is proven."""
    try:
        return await channel.handshake()
    except asyncio.CancelledError:
        channel.give_up()
        raise
    except (OSError, TunnelGatewayError) as error:
        await channel.wait_closed()  # until the gateway has our alert with the reason
        if isinstance(error, OSError | TruncatedError):
            reason = error.strerror if isinstance(error, OSError) else error
            raise GatewayUnreachableError(
                f"{gateway} ended the handshake: {reason}; does a gateway listen there?"
            ) from None
        raise


async def _connect(gateway: Address, seconds: float) -> SocketStream:
    """Connect to the first address of the gateway that answers; raises GatewayUnreachableError."""
    deadline = asyncio.get_running_loop().time() + seconds
    try:
        async with asyncio.timeout(seconds / 2):
            addresses = await look_up(gateway)
    except TimeoutError:
        raise GatewayUnreachableError(f"{gateway}: the DNS did not answer in time") from None
    except OSError as error:
        raise GatewayUnreachableError(
            f"{gateway}: {error.strerror}; is the name right, and is this machine online?"
        ) from None
    except UnicodeError:
        raise GatewayUnreachableError(
            f"{gateway}: not a host name; it has 1 to 63 letters, digits or hyphens between dots"
        ) from None
    result = await connect_in_turn(addresses, deadline, _attempt)
    if isinstance(result, SocketStream):
        return result
    if addresses == (gateway,):
        raise GatewayUnreachableError(f"{gateway}: {result[gateway]}; {_ADVICE}")
    texts = ", ".join(f"{address}: {fault}" for address, fault in result.items())
    raise GatewayUnreachableError(f"{gateway} ({texts}); {_ADVICE}")


async def _attempt(address: Address, seconds: float) -> SocketStream | str:
    try:
        return await connect_within(address, seconds)
    except OSError as error:
        return error.strerror or str(error)

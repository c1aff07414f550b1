"""The WebSocket APIs behind the gateway: found by dst_id, and connected to."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from tunnel_gateway.config_destinations import Destination
from tunnel_gateway.errors import DestinationUnreachableError, UnknownDestinationError
from tunnel_gateway.transport.stream import SocketStream


def find_destination(destinations: Mapping[str, Destination], dst_id: str) -> Destination:
    """Return the destination that a page asked for; raises UnknownDestinationError."""
    try:
        return destinations[dst_id]
    except KeyError:
        raise UnknownDestinationError(
            f"no destination {dst_id!r}: set tunnel.destination.{dst_id}.host and .port,"
            " or correct the page's dst_id"
        ) from None


async def connect(destination: Destination, time_limit: float) -> SocketStream:
    """Connect within ``time_limit`` seconds; raises DestinationUnreachableError."""
    place = f"{destination.host}:{destination.port}"
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(time_limit):
            _, stream = await loop.create_connection(
                SocketStream, destination.host, destination.port
            )
    except TimeoutError:
        raise DestinationUnreachableError(
            f"destination {destination.id} ({place}) did not answer in {time_limit:g} s"
        ) from None
    except OSError as error:
        raise DestinationUnreachableError(
            f"destination {destination.id} ({place}): {error.strerror or error}"
        ) from None
    except UnicodeError:  # asyncio encodes the host as IDNA
        raise DestinationUnreachableError(
            f"destination {destination.id} ({place}): not a host name;"
            f" correct tunnel.destination.{destination.id}.host"
        ) from None
    return stream

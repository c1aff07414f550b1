"""Connecting to a name that may have several addresses, some of which do not answer."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from tunnel_gateway.config.values import Address
from tunnel_gateway.transport.streams.stream import SocketStream

# At most so many addresses of a name: with more, each would get too little time.
MAX_ADDRESSES: Final = 16


async def look_up(name: Address) -> tuple[Address, ...]:
    """Return the addresses of a name as numbers.

    Raises OSError, and UnicodeError for text that IDNA cannot encode as a host name.
    """
    loop = asyncio.get_running_loop()
    answers = await loop.getaddrinfo(name.host, name.port, type=socket.SOCK_STREAM)
    hosts = dict.fromkeys(str(address[0]) for *_, address in answers)
    return tuple(Address(host, name.port) for host in hosts)[:MAX_ADDRESSES]


async def connect_within(address: Address, seconds: float) -> SocketStream:
    """Connect to an address; raises OSError, whose ``strerror`` is the system's or our own text."""
    loop = asyncio.get_running_loop()
    stream = SocketStream()
    try:
        async with asyncio.timeout(seconds):
            await loop.create_connection(lambda: stream, address.host, address.port)
    except TimeoutError:
        stream.not_made()
        raise TimeoutError(f"did not answer in {round(seconds, 2):g} s") from None
    except OSError as error:  # an event loop may write the address into the system's words
        stream.not_made()
        if not isinstance(error, socket.gaierror) and error.errno:
            error.strerror = os.strerror(error.errno)
        raise
    except BaseException:
        stream.not_made()
        raise
    return stream


async def connect_in_turn(
    addresses: Sequence[Address],
    deadline: float,
    attempt: Callable[[Address, float], Awaitable[SocketStream | str]],
) -> SocketStream | dict[Address, str]:
    """Return the first connection that ``attempt`` makes, or why each address gave none.

    ``attempt`` gets an address and its share, in seconds, of the time that is left until
    ``deadline`` (of the loop's clock), so that the last one is tried too.
    """
    faults: dict[Address, str] = {}
    loop = asyncio.get_running_loop()
    for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
        outcome = await attempt(address, max(0.0, deadline - loop.time()) / left)
        if isinstance(outcome, SocketStream):
            return outcome
        faults[address] = outcome
    return faults

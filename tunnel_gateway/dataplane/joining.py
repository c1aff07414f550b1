"""The relay for a tunnel: in the data plane where the system has one, and in Python elsewhere."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tunnel_gateway.end_reasons import EndReason
from tunnel_gateway.errors import TunnelGatewayError
from tunnel_gateway.transport.streams.channel import AnyChannel
from tunnel_gateway.transport.streams.relay import (
    Relay,
    RelayEnd,
    Relaying,
    RelayLimits,
    is_for_other_systems,
)
from tunnel_gateway.transport.streams.stream import SocketStream

if TYPE_CHECKING:
    from tunnel_gateway.dataplane.plane import DataPlane

# plane.c takes no more, and neither does the key tunnel.workers.
MAX_WORKERS: Final = 1024


@dataclass(frozen=True, slots=True)
class PageSide:
    """The last words to a page that stands on the plain side.

    ``close`` is the close frame that goes before an ordinary end of the data. ``last_words``
    makes the last bytes from the end, whether the page was told anything before, and whether a
    close frame may follow that.
    """

    close: bytes
    last_words: Callable[[RelayEnd, bool, bool], bytes]


def usable_cores() -> int:
    """Return on how many cores the system may run this process."""
    if is_for_other_systems():
        return os.cpu_count() or 1
    return len(os.sched_getaffinity(0))


def thread_count(workers: int | None) -> int:
    """Return how many threads carry tunnels: ``workers``, or one for each usable core."""
    return workers or min(usable_cores(), MAX_WORKERS)


def start_plane(workers: int | None, on_socket_lost: TunnelGatewayError) -> DataPlane | None:
    """Start a data plane with `thread_count` threads; None if the system cannot have one.

    ``on_socket_lost`` is what the peer of a tunnel is told when the plain side breaks off. Raises
    OSError if the threads cannot be started.
    """
    if is_for_other_systems():
        return None
    # Imported here: elsewhere the C code is not built.
    from tunnel_gateway.dataplane.plane import DataPlane  # noqa: PLC0415

    try:
        return DataPlane(thread_count(workers), on_socket_lost)
    except OSError as error:
        if error.errno != errno.EAGAIN:
            raise
        advice = "lower tunnel.workers, or raise TasksMax= or ulimit -u"
        raise OSError(error.errno, f"{error.strerror}; {advice}") from error


def join(
    plane: DataPlane | None,
    channel: AnyChannel,
    socket: SocketStream,
    limits: RelayLimits,
    *,
    socket_lost: EndReason,
    on_socket_lost: TunnelGatewayError,
    farewell: Callable[[RelayEnd], bytes] | None = None,
    page: PageSide | None = None,
) -> Relaying:
    """Return what joins ``channel`` and ``socket``; the arguments are those of ``Relay``.

    With a ``page`` the plain side is the page's socket.
    """
    relay = Relay(
        channel,
        socket,
        limits,
        socket_lost=socket_lost,
        on_socket_lost=on_socket_lost,
        farewell=farewell,
    )
    if plane is None:
        return relay
    from tunnel_gateway.dataplane.native_relay import NativeRelay  # noqa: PLC0415

    return NativeRelay(
        plane, channel, socket, relay=relay, limits=limits, socket_lost=socket_lost, page=page
    )

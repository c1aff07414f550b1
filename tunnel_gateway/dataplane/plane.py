"""The data plane: threads in C that carry the bytes of open tunnels, without Python's lock.

Both sockets of a tunnel go there with its keys and limits. Python hears of the tunnel again when
it has ended, and when its sockets are closed: the plane has a descriptor that is readable then.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from typing import Any, Final, Protocol

from tunnel_gateway.dataplane._native._plane import ffi, lib
from tunnel_gateway.dataplane.endings import STOPPED, Ending
from tunnel_gateway.errors import (
    BadRecordError,
    OverloadedError,
    ProtocolViolationError,
    ShuttingDownError,
    TimedOutError,
    TunnelGatewayError,
)
from tunnel_gateway.protocol.alerts import Alert
from tunnel_gateway.protocol.connection import OpenTunnel
from tunnel_gateway.protocol.stp.stp_connection import OpenStpTunnel
from tunnel_gateway.transport.streams.relay import RelayLimits

# So many news are taken in one call.
_ROOM: Final = 64
# Without memory for a command it is tried again.
_RETRY_SECONDS: Final = 1.0
_NANOSECONDS: Final = 1_000_000_000
_FOREVER: Final = 2**63 - 1


class Owner(Protocol):
    """Hears of a tunnel of the plane: first that it has ended, then that it is closed."""

    def tunnel_ended(self, ending: Ending) -> None:
        """The reason is known; the last bytes may still be on their way."""

    def tunnel_closed(self) -> None:
        """Both sockets are closed."""


@dataclass(frozen=True, slots=True)
class WorkerFigures:
    """The work of one thread: ``tunnels`` are those of now, the others count since its start.

    ``wakeups`` are returns from the wait for events, ``turns`` are those of tunnels, and ``busy``
    are the seconds in between.
    """

    tunnels: int
    wakeups: int
    turns: int
    bytes_up: int
    bytes_down: int
    busy: float


@dataclass(frozen=True, slots=True)
class Load:
    """A tunnel for the plane.

    ``client`` and ``socket`` are descriptors of the tunnel's socket and of the plain one. ``up``
    and ``down`` came before: bytes for the plain side, and bytes for the tunnel. With
    ``page_close`` the plain side belongs to a page: this close frame goes before the end of the
    data, and the tunnel awaits ``farewell`` after its end.
    """

    client: int
    socket: int
    tunnel: OpenTunnel | OpenStpTunnel
    limits: RelayLimits
    up: bytes
    down: bytes
    page_close: bytes | None = None


class DataPlane:
    """The ``workers`` threads, and the tunnels that they carry.

    ``on_socket_lost`` is told to the peer of a tunnel whose plain side breaks off. The news come
    to the running loop. Raises OSError if the threads cannot be started.
    """

    def __init__(self, workers: int, on_socket_lost: TunnelGatewayError) -> None:
        self._loop = asyncio.get_running_loop()
        bodies = [Alert.from_error(error).serialize() for error in _told(on_socket_lost)]
        plane = lib.plane_new(workers, [(ffi.from_buffer(body), len(body)) for body in bodies])
        if plane == ffi.NULL:
            reason = os.strerror(ffi.errno)
            text = f"{workers} threads for open tunnels cannot be started: {reason}"
            raise OSError(ffi.errno, text)
        self._plane = ffi.gc(plane, lib.plane_free)
        self._news = ffi.new("plane_news[]", _ROOM)
        self._last_id = 0
        self._tunnels: dict[int, CarriedTunnel] = {}
        self._news_fd = lib.plane_news_fd(plane)
        self._loop.add_reader(self._news_fd, self._take_news)

    def __len__(self) -> int:
        return len(self._tunnels)

    def figures(self) -> list[WorkerFigures]:
        """Return the figures of each thread; none after ``close``."""
        if self._plane is None:
            return []
        found = ffi.new("worker_figures *")
        figures = []
        for index in range(lib.plane_workers(self._plane)):
            lib.plane_figures(self._plane, index, found)
            busy = found.busy_ns / _NANOSECONDS
            counts = found.wakeups, found.turns, found.bytes_up, found.bytes_down
            figures.append(WorkerFigures(found.tunnels, *counts, busy))
        return figures

    def add(self, load: Load, owner: Owner) -> CarriedTunnel:
        """Carry a tunnel from now on, and tell ``owner`` of its end.

        The descriptors are the plane's then. Raises OverloadedError without memory and
        ShuttingDownError after ``close``: the descriptors stay the caller's.
        """
        if self._plane is None:
            raise ShuttingDownError("the data plane is closed")
        self._last_id += 1
        # The plane copies the bytes; until then they must stay where they are.
        spec, kept = _spec(self._last_id, load)
        pointer = lib.plane_add(self._plane, spec)
        _forget_keys(spec)
        del kept
        if pointer == ffi.NULL:
            raise OverloadedError("no memory is left for another tunnel")
        tunnel = self._tunnels[self._last_id] = CarriedTunnel(self, pointer, owner)
        return tunnel

    def close(self) -> None:
        """End the threads, and close the sockets that are still there. Owners hear of it."""
        if self._plane is None:
            return
        self._take_news()  # those that have ended by themselves end so
        plane, self._plane = self._plane, None
        self._loop.remove_reader(self._news_fd)
        left = tuple(self._tunnels.values())
        self._tunnels.clear()
        for tunnel in left:
            tunnel.note_counts()
        ffi.release(plane)
        for tunnel in left:
            tunnel.ended(STOPPED)
            tunnel.closed()

    # --- for its tunnels -------------------------------------------------------------------

    def stop(self, tunnel: CarriedTunnel, alert: bytes) -> None:
        """See CarriedTunnel.stop."""
        if self._plane is None or tunnel.pointer is None:
            return
        if not lib.plane_stop(self._plane, tunnel.pointer, (ffi.from_buffer(alert), len(alert))):
            self._loop.call_later(_RETRY_SECONDS, self.stop, tunnel, alert)

    def farewell(self, tunnel: CarriedTunnel, last: bytes) -> None:
        """See CarriedTunnel.farewell."""
        if self._plane is None or tunnel.pointer is None:
            return
        if not lib.plane_farewell(self._plane, tunnel.pointer, (ffi.from_buffer(last), len(last))):
            self._loop.call_later(_RETRY_SECONDS, self.farewell, tunnel, last)

    # --- the news --------------------------------------------------------------------------

    def _take_news(self) -> None:
        count = _ROOM
        while count == _ROOM and self._plane is not None:
            count = lib.plane_take_news(self._plane, self._news, _ROOM)
            for index in range(count):
                news = self._news[index]
                self._tell(news.id, closed=bool(news.closed))

    def _tell(self, number: int, *, closed: bool) -> None:
        tunnel = self._tunnels.get(number)
        if tunnel is None:  # an owner has closed the plane
            return
        tunnel.note_ending()
        if closed and self._tunnels.pop(number, None) is not None:
            tunnel.note_counts()
            pointer, tunnel.pointer = tunnel.pointer, None
            lib.tunnel_release(self._plane, pointer)
            tunnel.closed()


class CarriedTunnel:
    """One tunnel of the plane, for its owner.

    ``page_started`` tells after the end whether the page was told anything, ``page_may_close``
    whether a close frame may follow.
    """

    __slots__ = (
        "_counts",
        "_owner",
        "_plane",
        "_told",
        "page_may_close",
        "page_started",
        "pointer",
    )

    def __init__(self, plane: DataPlane, pointer: Any, owner: Owner) -> None:
        self._plane = plane
        self._owner: Owner | None = owner
        self._counts: tuple[int, int] | None = None
        self._told = False
        self.pointer = pointer  # None once the plane has forgotten the tunnel
        self.page_started = self.page_may_close = False

    @property
    def counts(self) -> tuple[int, int]:
        """The plain bytes so far: up to the plain side, and down to the tunnel."""
        return self._counts or self._read_counts()

    def stop(self, error: TunnelGatewayError) -> None:
        """End the tunnel now, and tell its peer why; nothing if it has ended."""
        self._plane.stop(self, Alert.from_error(error).serialize())

    def farewell(self, last: bytes) -> None:
        """Give the last bytes for the page, maybe none, after the end."""
        self._plane.farewell(self, last)

    # --- told by the plane -----------------------------------------------------------------

    def note_ending(self) -> None:
        """The tunnel has ended: tell the owner why, once."""
        if self._told:
            return
        found = ffi.new("tunnel_ending *")
        lib.tunnel_end(self.pointer, found)
        state = lib.tunnel_page_state(self.pointer)
        self.page_started, self.page_may_close = bool(state & 1), bool(state & 2)
        body = bytes(ffi.buffer(found.body, found.size))
        self.ended(Ending(found.reason, found.detail, found.number, body))

    def note_counts(self) -> None:
        """Keep the counts: the plane is about to forget the tunnel."""
        self._counts = self._read_counts()

    def ended(self, ending: Ending) -> None:
        """Tell the owner, once."""
        if not self._told and self._owner is not None:
            self._told = True
            self._owner.tunnel_ended(ending)

    def closed(self) -> None:
        """Tell the owner, and let it go."""
        self.pointer = None
        owner, self._owner = self._owner, None
        if owner is not None:
            owner.tunnel_closed()

    def _read_counts(self) -> tuple[int, int]:
        up, down = ffi.new("uint64_t *"), ffi.new("uint64_t *")
        lib.tunnel_counts(self.pointer, up, down)
        return up[0], down[0]


def _told(on_socket_lost: TunnelGatewayError) -> tuple[TunnelGatewayError, ...]:
    """Return the errors whose alerts the plane sends by itself, in the order of plane.h."""
    return (
        ProtocolViolationError(),
        BadRecordError(),
        TimedOutError(""),
        on_socket_lost,
        OverloadedError(""),
    )


def _spec(number: int, load: Load) -> tuple[Any, list[Any]]:
    """Return the struct of plane.h, and what must be kept until it has been read."""
    limits = load.limits
    spec = ffi.new("tunnel_spec *")
    spec.id = number
    spec.client, spec.socket = load.client, load.socket
    spec.idle_ns = _nanoseconds(limits.idle)
    spec.half_close_ns = _nanoseconds(limits.half_close)
    spec.lifetime_ns = _nanoseconds(limits.lifetime)
    spec.bandwidth = limits.bandwidth
    spec.page = load.page_close is not None
    kept = _fill(spec, up=load.up, down=load.down, page_close=load.page_close or b"")
    if isinstance(load.tunnel, OpenTunnel):
        kept += _fill_secrets(spec, load.tunnel)
    else:
        kept += _fill_stp(spec, load.tunnel)
    return spec, kept


def _fill_secrets(spec: Any, tunnel: OpenTunnel) -> list[Any]:
    spec.up_secret, spec.down_secret = tunnel.received.secret, tunnel.sent.secret
    spec.up_left, spec.down_left = tunnel.received.left, tunnel.sent.left
    spec.peer_closed = tunnel.peer_closed
    return _fill(spec, begun=tunnel.begun)


def _fill_stp(spec: Any, tunnel: OpenStpTunnel) -> list[Any]:
    received, sent = tunnel.received, tunnel.sent
    stp = spec.stp = ffi.new("plane_stp *")
    stp.up_place, stp.down_place = received.stream, sent.stream
    stp.up_frames, stp.down_frames = received.frames, sent.frames
    stp.up_payload, stp.up_padding = received.payload, received.padding
    stp.max_blocks = received.max_blocks
    stp.acknowledge = True
    stp.hold_ns = _nanoseconds(tunnel.hold)
    return [stp, *_fill(stp, up_header=received.header, up_block=received.block)]


def _fill(struct: Any, **fields: bytes) -> list[Any]:
    """Put bytes into fields of ``struct``; return what must be kept as long as it is read."""
    kept = [ffi.from_buffer("uint8_t[]", data) for data in fields.values()]
    for name, data in zip(fields, kept, strict=True):
        setattr(struct, name, (data, len(data)))
    return kept


def _forget_keys(spec: Any) -> None:
    if spec.stp != ffi.NULL:
        ffi.buffer(spec.stp)[:] = bytes(ffi.sizeof("plane_stp"))
    ffi.buffer(spec)[:] = bytes(ffi.sizeof("tunnel_spec"))


def _nanoseconds(seconds: float) -> int:
    return min(int(seconds * _NANOSECONDS), _FOREVER)

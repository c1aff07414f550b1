"""The common part of both roles of STP: bytes in and out, states, time limits, data, the end.

No socket, no clock, no randomness. ``receive_data`` takes bytes of the socket, ``events_received``
tells what they meant, ``data_to_send`` gives the bytes for the socket, and ``next_deadline`` says
when ``expire`` is due. The owner closes the socket when ``closed`` says so, and not before: until
then the other side may still have to read. All bytes that come in are given to ``receive_data``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import ClassVar

from tunnel_gateway.errors import (
    ProtocolViolationError,
    TimedOutError,
    TruncatedError,
    TunnelGatewayError,
)
from tunnel_gateway.gost.curves import PrivateKey, PublicKey
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.gost.frames import Buffer
from tunnel_gateway.gost.key_agreement import shared_x
from tunnel_gateway.kept_errors import let_go
from tunnel_gateway.protocol.constants import TUNNEL_ID_SIZE
from tunnel_gateway.protocol.events import DataReceived, Failed
from tunnel_gateway.protocol.stp.stp_ciphers import new_stream
from tunnel_gateway.protocol.stp.stp_constants import (
    IV_SIZE,
    MAX_HANDSHAKE_FRAMES,
    OWN_MODE,
    OWN_TABLE,
    STEP_SECONDS,
)
from tunnel_gateway.protocol.stp.stp_events import PeerClosed, StpEvent
from tunnel_gateway.protocol.stp.stp_frames import (
    FrameReader,
    FrameWriter,
    ReaderPlace,
    WriterPlace,
)
from tunnel_gateway.protocol.stp.stp_messages import Params
from tunnel_gateway.protocol.stp.stp_states import (
    EXPECTING,
    HANDSHAKE,
    OVER,
    SENDING,
    StpState,
    StpStep,
    next_stp_state,
)


@dataclass(frozen=True, slots=True)
class StpSurroundings:
    """Everything that the core gets from its caller: randomness, the date, seconds.

    ``entropy(n)`` returns n random bytes; a handshake asks for 32 (its IV) and 32 (its nonce), in
    this order. ``validation_time`` is the aware time at which certificates must be valid; ``clock``
    gives the caller's seconds, which deadlines are told in. ``begun`` is when the first step began,
    if that was before the connection was made.
    """

    entropy: Callable[[int], bytes]
    validation_time: datetime
    clock: Callable[[], float]
    step_seconds: float = STEP_SECONDS
    begun: float | None = None


@dataclass(frozen=True, slots=True)
class OpenStpTunnel:
    """An open STP tunnel for a new owner, who holds it ``hold`` seconds from its last bytes."""

    received: ReaderPlace
    sent: WriterPlace
    hold: float


class StpConnection(ABC):
    """One end of an STP tunnel. Use StpClientConnection or StpServerConnection."""

    max_blocks: ClassVar[int]  # what the other side may say in one frame
    hold_after_data: ClassVar[float]  # seconds from our last bytes to the close

    def __init__(self, state: StpState, surroundings: StpSurroundings) -> None:
        self._surroundings = surroundings
        self._received = bytearray()  # of a message that is not whole yet
        self._to_send: list[Buffer] = []
        self._events: list[StpEvent] = []
        self._reader: FrameReader | None = None
        self._writer: FrameWriter | None = None
        self._own: Params
        self._peer: Params
        self._tunnel_id = b""
        self._last_sent = 0.0
        self._deadline: float | None = None
        self.state = state
        self._enter(state, surroundings.begun)

    # --- bytes, and time -------------------------------------------------------------------

    def receive_data(self, data: Buffer) -> None:
        """Take bytes of the socket, split in any way. It only adds events and never raises."""
        try:
            with memoryview(data) as view:
                taken = 0 if self._reader else self._receive_clear(view)
                if self._reader and self.state not in OVER:
                    self._receive_frames(self._reader, view[taken:])
        except TunnelGatewayError as error:
            self._fail(error)

    def receive_eof(self) -> None:
        """Take the end of the socket's bytes: nothing more can be said to the peer."""
        if self.state is StpState.OPEN:
            self._events.append(PeerClosed())
        elif self.state not in OVER:
            error = TruncatedError(f"the connection ended while {self.state.value}")
            self._events.append(Failed(error))
        self._close()

    def events_received(self) -> list[StpEvent]:
        """Return what happened since the last call, in order."""
        events, self._events = self._events, []
        return events

    def data_to_send(self) -> bytes:
        """Return the bytes for the socket since the last call."""
        data = b"".join(self._to_send)
        self._to_send.clear()
        return data

    @property
    def next_deadline(self) -> float | None:
        """When ``expire`` is due, in the caller's seconds: the end of a step, or of the hold."""
        return self._deadline

    def expire(self, now: float) -> None:
        """End a step whose deadline has come, or the hold before the close."""
        if self._deadline is None or now < self._deadline:
            return
        if self.state is StpState.ENDING:
            self._close()
        else:
            text = f"the handshake was not over in time, still {self.state.value}"
            self.abort(TimedOutError(text))

    @property
    def header_is_next(self) -> bool:
        """Tell whether what is ``missing`` costs next to nothing: it ends no params."""
        if self._reader is not None:
            return True
        with memoryview(self._received) as received, received[1:] as params:
            return not Params.size_is_known(params)

    @property
    def missing(self) -> int:
        """How many bytes what is being received lacks at least, outside data: at least 1."""
        return self._reader.missing if self._reader else self._missing_clear()

    # --- what the application sends --------------------------------------------------------

    @property
    def closed(self) -> bool:
        """Tell whether the socket is to be closed, once all bytes are sent."""
        return self.state is StpState.CLOSED

    @property
    def ending(self) -> bool:
        """Tell whether the connection only waits until the other side has read the end."""
        return self.state is StpState.ENDING

    def hold_on(self) -> None:
        """Begin the hold again, because the last bytes had not left when it ended."""
        if self.ending:
            self._deadline = self._surroundings.clock() + self.hold_after_data

    @property
    def can_send(self) -> bool:
        """Tell whether data may be sent now."""
        return self.state in SENDING

    def send_data(self, data: Buffer) -> None:
        """Send bytes of the stream, of any length; raises ProtocolViolationError when not open."""
        self.state = next_stp_state(self.state, StpStep.SEND_DATA)
        self._send_frames(data)

    def send_close(self) -> None:
        """End the tunnel in both directions, after the hold that the other side needs to read.

        Call it when all data are on their way: the hold counts from the last bytes.
        """
        if self.state not in OVER:
            self._hold_until(self._last_sent + self.hold_after_data)

    def abort(self, error: TunnelGatewayError) -> None:
        """End the connection: the peer is told what it can be told, the caller gets Failed.

        The connection is held until the other side has read the data, as by ``send_close``.
        """
        if self.state not in OVER:
            self._fail(error, self._last_sent + self.hold_after_data if self.can_send else 0.0)

    def hand_over(self) -> OpenStpTunnel:
        """Return the open tunnel for a new owner; this connection is over then.

        Everything must be sent and told before. Raises ProtocolViolationError when not open.
        """
        if self.state is not StpState.OPEN or self._reader is None or self._writer is None:
            raise ProtocolViolationError(f"a tunnel is handed over while {self.state.value}")
        if self._to_send or self._events:
            raise ProtocolViolationError("a tunnel is handed over with something left to do")
        tunnel = OpenStpTunnel(self._reader.place(), self._writer.place(), self.hold_after_data)
        self._close()
        return tunnel

    # --- for the roles ---------------------------------------------------------------------

    def _own_params(self, certificate: bytes, extra: bytes = b"") -> Params:
        """Return our params: in the mode and under the table that nobody else chooses."""
        iv = self._surroundings.entropy(IV_SIZE)
        return Params(certificate, OWN_TABLE, OWN_MODE, iv, extra)

    def _agree(self, private_key: PrivateKey, public_key: PublicKey) -> None:
        """Make the streams of both directions from the two params and the two keys."""
        key = sha256(shared_x(private_key, public_key)).digest()
        self._writer = FrameWriter(new_stream(key, self._own))
        self._reader = FrameReader(new_stream(key, self._peer), self.max_blocks)

    def _name_tunnel(self, client: Params, server: Params) -> bytes:
        """Return the name that both sides have for the tunnel: it is public."""
        self._tunnel_id = digest(client.iv + server.iv)[:TUNNEL_ID_SIZE]
        return self._tunnel_id

    def _enter(self, state: StpState, begun: float | None = None) -> None:
        """Go on to the next step, with its own time limit from ``begun`` on, or from now."""
        self.state = state
        limit = self._surroundings.step_seconds if state in EXPECTING else None
        begun = self._surroundings.clock() if begun is None else begun
        self._deadline = None if limit is None else begun + limit

    def _send_frames(self, payload: Buffer) -> None:
        if self._writer is None:
            raise ProtocolViolationError("there are no keys yet")
        self._to_send.append(self._writer.write(payload))
        self._last_sent = self._surroundings.clock()

    def _hold_until(self, deadline: float) -> None:
        """Say and take nothing more, and close when ``deadline`` has come: perhaps at once."""
        self._received.clear()
        self.state, self._deadline = StpState.ENDING, deadline
        self.expire(self._surroundings.clock())

    def _close(self) -> None:
        self._received.clear()
        self._reader = self._writer = None
        self.state, self._deadline = StpState.CLOSED, None

    def _fail(self, error: TunnelGatewayError, held_until: float = 0.0) -> None:
        hold = self._tell(error)
        let_go(error)
        self._events.append(Failed(error))
        self._hold_until(max(held_until, self._surroundings.clock() + hold))

    # --- bytes received --------------------------------------------------------------------

    def _receive_clear(self, data: memoryview) -> int:
        """Take the first message; return how many bytes of ``data`` belong to it."""
        taken = 0
        while taken < len(data) and self._reader is None and self.state not in OVER:
            end = min(len(data), taken + self._missing_clear())
            self._received += data[taken:end]
            taken = end
            if self._missing_clear() == 0:
                body = bytes(self._received[1:])
                self._received.clear()
                self._handle_params(Params.parse(body))
        return taken

    def _missing_clear(self) -> int:
        """How many bytes the first message lacks at least; 0 when it is whole."""
        if not self._received:
            return 1
        self._check_first_byte(self._received[0])
        with memoryview(self._received) as received, received[1:] as params:
            return Params.size(params) - len(params)

    def _receive_frames(self, reader: FrameReader, data: memoryview) -> None:
        flowing = bytearray()
        try:
            for part in reader.read(data):
                if self.state is StpState.OPEN:
                    flowing += part
                else:
                    flowing += self._receive_handshake(reader, part)
        finally:
            if flowing:
                self.state = next_stp_state(self.state, StpStep.RECEIVE_DATA)
                self._events.append(DataReceived(flowing))

    def _receive_handshake(self, reader: FrameReader, part: Buffer) -> Buffer:
        """Take a part of the handshake; return what comes after the end of it."""
        if reader.frames > MAX_HANDSHAKE_FRAMES:
            raise ProtocolViolationError(f"more than {MAX_HANDSHAKE_FRAMES} frames in a handshake")
        self._received += part
        while self.state in HANDSHAKE and self._received:
            size = self._handshake_size(bytes(self._received[:2]))
            if len(self._received) < size:
                return b""
            message = bytes(self._received[:size])
            del self._received[:size]
            self._handle_handshake(message)
        rest, self._received = self._received, bytearray()
        return rest

    # --- by each role ----------------------------------------------------------------------

    @abstractmethod
    def _check_first_byte(self, number: int) -> None:
        """Raise what the first byte of the first message means if no params follow it."""

    @abstractmethod
    def _handle_params(self, params: Params) -> None:
        """Handle the peer's params."""

    @abstractmethod
    def _handshake_size(self, received: bytes) -> int:
        """Return how many bytes the awaited message has at least; these are its first two.

        Raises ProtocolViolationError when no message is awaited.
        """

    @abstractmethod
    def _handle_handshake(self, message: bytes) -> None:
        """Handle a message in frames, which is whole."""

    @abstractmethod
    def _tell(self, error: TunnelGatewayError) -> float:
        """Tell the peer of ``error`` if there is a way; return how long it must be held then."""

"""The common part of client and server: records in and out, states, data, close, alerts.

Three verbs, no socket, no clock, no randomness: ``receive_data`` takes bytes of the socket,
``events_received`` tells what they meant, ``data_to_send`` gives the bytes for the socket.
Until the connection is open or has failed, ``next_deadline`` says when ``expire`` is due.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tunnel_gateway.errors import (
    AlertReceivedError,
    InvalidPointError,
    ProtocolViolationError,
    TimedOutError,
    TunnelGatewayError,
)
from tunnel_gateway.gost.curves import CRYPTOPRO_A, PrivateKey, PublicKey
from tunnel_gateway.gost.frames import Buffer
from tunnel_gateway.gost.key_agreement import agree
from tunnel_gateway.kept_errors import let_go
from tunnel_gateway.protocol import faults
from tunnel_gateway.protocol.alerts import Alert
from tunnel_gateway.protocol.constants import (
    HEADER_SIZE,
    MAX_ALERT,
    MAX_HELLO,
    MAX_PROTECTED_FRAGMENT,
    ContentType,
    RecordType,
)
from tunnel_gateway.protocol.events import CloseReceived, DataReceived, Event, Failed
from tunnel_gateway.protocol.key_schedule import user_keying_material
from tunnel_gateway.protocol.record import Opener, Sealer, TrafficKeys, header
from tunnel_gateway.protocol.states import State, Step, next_state

# By the numbers on the wire: a call of an enumeration takes longer than the rest of a record.
_RECORDS: Mapping[int, tuple[RecordType, int]] = {
    RecordType.HELLO: (RecordType.HELLO, MAX_HELLO),
    RecordType.PROTECTED: (RecordType.PROTECTED, MAX_PROTECTED_FRAGMENT),
    RecordType.ALERT: (RecordType.ALERT, MAX_ALERT),
}
_CONTENTS: Mapping[int, tuple[ContentType, Step]] = {
    ContentType.HANDSHAKE: (ContentType.HANDSHAKE, Step.RECEIVE_HANDSHAKE),
    ContentType.DATA: (ContentType.DATA, Step.RECEIVE_DATA),
    ContentType.CLOSE: (ContentType.CLOSE, Step.RECEIVE_CLOSE),
    ContentType.ALERT: (ContentType.ALERT, Step.RECEIVE_ALERT),
}
_HANDSHAKE_STATES = frozenset(
    {
        State.CLIENT_EXPECT_HELLO,
        State.CLIENT_EXPECT_AUTHENTICATION,
        State.CLIENT_EXPECT_READY,
        State.SERVER_EXPECT_HELLO,
        State.SERVER_EXPECT_AUTHENTICATION,
    }
)
_SENDING_STATES = frozenset({State.OPEN, State.REMOTE_CLOSED})


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Everything that the core gets from its caller: randomness, time, and words.

    ``entropy(n)`` returns n random bytes; a handshake asks for 32 (its random), 64 (its
    ephemeral key) and 32 (its signature), in this order. ``validation_time`` is the aware
    time at which certificates must be valid; ``deadline`` is when the handshake must be
    over, in seconds of the caller's clock. ``other_protocols`` are the first bytes, at most 16, of
    other protocols that a client may speak by mistake, and what the error says of each.
    """

    entropy: Callable[[int], bytes]
    validation_time: datetime
    deadline: float
    other_protocols: Mapping[bytes, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OpenTunnel:
    """An open tunnel for a new owner who carries it on.

    ``begun`` are the first bytes of a record of the peer that has not come whole; with
    ``peer_closed`` the peer's data have ended.
    """

    received: TrafficKeys
    sent: TrafficKeys
    begun: bytes
    peer_closed: bool


class Connection(ABC):
    """One end of a tunnel. Use ClientConnection or ServerConnection."""

    def __init__(self, state: State, surroundings: Surroundings) -> None:
        self.state = state
        self._surroundings = surroundings
        self._received = bytearray()
        self._to_send: list[bytes | bytearray] = []
        self._events: list[Event] = []
        self._sealer: Sealer | None = None
        self._opener: Opener | None = None

    # --- the three verbs, and time ---------------------------------------------------------

    def receive_data(self, data: Buffer) -> None:
        """Take bytes of the socket, split in any way. It only adds events and never raises."""
        if self.closed:
            return
        try:
            with memoryview(data) as view:
                taken = self._complete_record(view) if self._received else 0
                if taken < len(data):
                    taken += self._receive_records(view[taken:])
        except TunnelGatewayError as error:
            self._fail(error)
            return
        if taken < len(data):
            self._received += data[taken:]

    def receive_eof(self) -> None:
        """Take the end of the socket's bytes: a truncation unless the peer has closed."""
        if self.state not in (State.REMOTE_CLOSED, State.CLOSED):
            self._fail(faults.truncated(self.state))

    def events_received(self) -> list[Event]:
        """Return what happened since the last call, in order."""
        events, self._events = self._events, []
        return events

    def data_to_send(self) -> bytes | bytearray:
        """Return the bytes for the socket since the last call."""
        if len(self._to_send) == 1:
            return self._to_send.pop()  # the usual case, without a copy
        data = b"".join(self._to_send)
        self._to_send.clear()
        return data

    @property
    def header_is_next(self) -> bool:
        """Tell whether the header of a record is awaited: what it says costs next to nothing."""
        return len(self._received) < HEADER_SIZE

    @property
    def missing(self) -> int:
        """How many bytes the record lacks that is being received: first those of its header."""
        begun = self._received
        size = 0 if self.header_is_next else begun[1] << 8 | begun[2]
        return HEADER_SIZE + size - len(begun)

    @property
    def next_deadline(self) -> float | None:
        """When ``expire`` is due, in the caller's seconds; None outside the handshake."""
        return self._surroundings.deadline if self.state in _HANDSHAKE_STATES else None

    def expire(self, now: float) -> None:
        """End a handshake whose deadline has come."""
        deadline = self.next_deadline
        if deadline is not None and now >= deadline:
            self.abort(
                TimedOutError(f"the handshake was not over in time, still {self.state.value}")
            )

    # --- what the application sends --------------------------------------------------------

    @property
    def closed(self) -> bool:
        """Tell whether the connection is over: nothing more is received or sent."""
        return self.state is State.CLOSED

    @property
    def can_send(self) -> bool:
        """Tell whether data may be sent now."""
        return self.state in _SENDING_STATES

    def send_data(self, data: Buffer) -> None:
        """Send bytes of the stream, of any length; raises ProtocolViolationError when not open."""
        self.state = next_state(self.state, Step.SEND_DATA)
        if data:
            self._send_protected(ContentType.DATA, data)

    def send_close(self) -> None:
        """End our data; the peer's may go on. Raises ProtocolViolationError when not open."""
        self.state = next_state(self.state, Step.SEND_CLOSE)
        self._send_protected(ContentType.CLOSE, b"")

    def abort(self, error: TunnelGatewayError) -> None:
        """End the connection: the peer gets the alert for ``error``, the caller a Failed event."""
        if self.state is not State.CLOSED:
            self._fail(error)

    def hand_over(self) -> OpenTunnel:
        """Return the open tunnel for a new owner; this connection is over then.

        Everything must be sent and told before. Raises ProtocolViolationError when not open.
        """
        if not self.can_send or self._sealer is None or self._opener is None:
            raise ProtocolViolationError(f"a tunnel is handed over while {self.state.value}")
        if self._to_send or self._events:
            raise ProtocolViolationError("a tunnel is handed over with something left to do")
        tunnel = OpenTunnel(
            self._opener.keys,
            self._sealer.keys,
            bytes(self._received),
            self.state is State.REMOTE_CLOSED,
        )
        self.state = State.CLOSED
        self._received = bytearray()
        self._sealer = self._opener = None
        return tunnel

    # --- records ---------------------------------------------------------------------------

    def _complete_record(self, data: memoryview) -> int:
        """Receive the record that had begun; return how many bytes of ``data`` belong to it.

        Only this record is copied together: the bytes after it are received where they are.
        """
        begun = self._received
        start = min(len(data), max(0, HEADER_SIZE - len(begun)))
        begun += data[:start]
        if len(begun) >= HEADER_SIZE:
            missing = self.missing
            begun += data[start : start + missing]
            start = min(len(data), start + missing)
        with memoryview(begun) as view:
            taken = self._receive_records(view)
        del begun[:taken]
        return start

    def _receive_records(self, received: memoryview) -> int:
        """Receive all records that are whole; return how many bytes are done with."""
        start, available = 0, len(received)
        while self.state is not State.CLOSED and available - start >= HEADER_SIZE:
            size = received[start + 1] << 8 | received[start + 2]
            record_type = self._checked_type(received, start, size)
            end = start + HEADER_SIZE + size
            if available < end:
                break
            if record_type is RecordType.PROTECTED:
                start += self._receive_protected(received[start:])
            else:
                self._receive_clear(record_type, bytes(received[start + HEADER_SIZE : end]))
                start = end
        return available if self.state is State.CLOSED else start

    def _checked_type(self, received: memoryview, start: int, size: int) -> RecordType:
        known = _RECORDS.get(received[start])
        if known is None:
            raise self._foreign(bytes(received[start : start + 16]))
        record_type, limit = known
        if self._opener is None:
            limit = min(limit, MAX_HELLO)  # nothing longer is waited for, so nothing is kept
        if size > limit:
            raise faults.record_too_long(record_type, size)
        return record_type

    def _foreign(self, received: bytes) -> ProtocolViolationError:
        number = received[0]
        if self.state is State.SERVER_EXPECT_HELLO:
            for signature, text in self._surroundings.other_protocols.items():
                if signature.startswith(received[: len(signature)]):
                    return ProtocolViolationError(text)
        if self.state in (State.SERVER_EXPECT_HELLO, State.CLIENT_EXPECT_HELLO):
            if number == 0x16:  # the handshake type of a TLS record
                return ProtocolViolationError(
                    "the other side speaks TLS: a TLS client or server on this port?"
                )
            if chr(number).isascii() and chr(number).isalpha():
                return ProtocolViolationError(
                    "the other side speaks text, such as HTTP, not this protocol"
                )
        return faults.unknown_type(number)

    def _receive_clear(self, record_type: RecordType, body: bytes) -> None:
        if record_type is RecordType.HELLO:
            following = next_state(self.state, Step.RECEIVE_HELLO)
            self._handle_hello(body)
            self.state = following
        else:
            next_state(self.state, Step.RECEIVE_CLEAR_ALERT)
            raise Alert.parse(body).in_our_words().to_error()

    def _receive_protected(self, received: memoryview) -> int:
        """Receive the protected records at the start, as many as one key opens at once."""
        if self._opener is None:
            raise ProtocolViolationError("a protected record before there are keys")
        opened = self._opener.open(received)
        if opened.data:
            self.state = next_state(self.state, Step.RECEIVE_DATA)
            self._events.append(DataReceived(opened.data))
        if opened.other is not None:
            self._receive_content(*opened.other)
        elif opened.forged or not opened.taken:
            raise faults.not_genuine()
        return opened.taken

    def _receive_content(self, number: int, payload: bytes) -> None:
        known = _CONTENTS.get(number)
        if known is None:
            raise faults.unknown_content(number)
        content, step = known
        following = next_state(self.state, step)
        if content is ContentType.HANDSHAKE:
            self._handle_handshake(payload)
        elif content is ContentType.ALERT:
            raise Alert.parse(payload).to_error()
        elif content is ContentType.DATA:
            raise faults.empty_data()
        elif payload:
            raise faults.close_with_payload()
        else:
            self._events.append(CloseReceived())
        self.state = following

    def _send_clear(self, record_type: RecordType, body: bytes) -> None:
        self._to_send.append(header(record_type, len(body)) + body)

    def _send_protected(self, content: ContentType, payload: Buffer) -> None:
        if self._sealer is None:
            raise ProtocolViolationError("there are no keys yet")
        self._to_send.append(self._sealer.seal(content, payload))

    def _fail(self, error: TunnelGatewayError) -> None:
        # After our close or the peer's alert there is nothing left to say.
        if not isinstance(error, AlertReceivedError) and self.state is not State.LOCAL_CLOSED:
            body = Alert.from_error(error).serialize()
            if self._sealer is None:
                self._send_clear(RecordType.ALERT, body)
            else:
                self._send_protected(ContentType.ALERT, body)
        self.state = State.CLOSED
        self._received = bytearray()
        let_go(error)
        self._events.append(Failed(error))

    # --- the handshake, by each role -------------------------------------------------------

    @abstractmethod
    def _handle_hello(self, body: bytes) -> None:
        """Handle the peer's hello; the state moves on after it."""

    @abstractmethod
    def _handle_handshake(self, body: bytes) -> None:
        """Handle a protected handshake message; the state moves on after it."""


def peer_key_share(encoded: bytes) -> PublicKey:
    """Return the peer's ephemeral key; raises ProtocolViolationError off the curve."""
    try:
        return PublicKey(CRYPTOPRO_A, encoded)
    except InvalidPointError as error:
        raise ProtocolViolationError(f"the key share is {error}") from None


def shared_secret(
    ephemeral: PrivateKey, peer: PublicKey, client_random: bytes, server_random: bytes
) -> bytes:
    """Return the 32 bytes of VKO that both sides derive."""
    return agree(ephemeral, peer, user_keying_material(client_random, server_random))

"""What a listener can do with a recording: SIC and OFB let him pass for the user, without a key.

The key of a pair of certificates is one for ever, and the client chooses mode and IV. So a listener
who knows 96 bytes of a recorded tunnel in a row can have their keystream again, at the beginning of
a tunnel of his own, where message 4 stands. The two modes are therefore refused unless a setting
allows them.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from tests.support.entropy import Entropy
from tests.support.stp_model import frame
from tests.support.stp_sessions import RECORDED, Side, StpRecording, believed, recordings
from tunnel_gateway.errors import BadRecordError
from tunnel_gateway.protocol.events import ClientAuthenticated, DataReceived, Failed
from tunnel_gateway.protocol.stp.stp_connection import StpSurroundings
from tunnel_gateway.protocol.stp.stp_constants import DEFAULT_MODES, REPEATABLE_MODES, Mode
from tunnel_gateway.protocol.stp.stp_errors import RepeatableModeError
from tunnel_gateway.protocol.stp.stp_messages import Params, Proof
from tunnel_gateway.protocol.stp.stp_server import (
    StpDomain,
    StpServerConnection,
    StpServerSettings,
)

MESSAGE_4 = 2 * 48
DIRECTIONS = [
    (recording, side)
    for recording in recordings().values()
    for side in ("client", "server")
    if recording.refused_at is None
]
of_repeatable = [one for one in DIRECTIONS if getattr(*one).params.mode in REPEATABLE_MODES]
of_others = [one for one in DIRECTIONS if getattr(*one).params.mode not in REPEATABLE_MODES]


def named(one: object) -> str:
    return one.name if isinstance(one, StpRecording) else str(one)


def victim(recording: StpRecording, modes: frozenset[Mode]) -> StpServerConnection:
    """The recorded server once more, with random values of its own."""
    domain = StpDomain("localhost", recording.server.identity)
    settings = StpServerSettings(lambda der, at: believed(der), lambda *_: domain, modes)
    surroundings = StpSurroundings(Entropy("victim"), RECORDED, itertools.count().__next__)
    return StpServerConnection(settings, surroundings)


def known_frame(side: Side) -> int:
    """The number of a frame of data that is long enough: after the three or four of a handshake."""
    handshake = 3 if side.params.extra else 4
    sizes = [len(payload) for payload in side.payloads]
    return next(i for i, size in enumerate(sizes) if i >= handshake and size >= MESSAGE_4)


def known_part(side: Side) -> tuple[bytes, bytes]:
    """The block of keystream before some data in a row, and the keystream of these data.

    The listener knows what he sees on the wire, the data, and the header before them.
    """
    number = known_frame(side)
    before = b"".join(frame(i, payload) for i, payload in enumerate(side.payloads[:number]))
    clear = frame(number, side.payloads[number])
    wire = side.wire[1 + len(side.params.serialize()) + len(before) :]
    stream = bytes(a ^ b for a, b in zip(wire, clear, strict=False))
    return stream[8:16], stream[16:]


def blocks_before(side: Side) -> int:
    """How many blocks precede these data in the recording."""
    before = side.payloads[: known_frame(side)]
    return sum(2 + -(-len(payload) // 8) for payload in before) + 2


def forged(recording: StpRecording, side: Side, server: StpServerConnection) -> None:
    """Speak to the server as the recorded user: with the certificate, and without any key."""
    before, keystream = known_part(side)
    first = before
    if side.params.mode is Mode.SIC:
        start = int.from_bytes(side.params.iv[:8], "big") + blocks_before(side)
        first = (start % 2**64).to_bytes(8, "big")
    iv = first + bytes(24)
    params = replace(side.params, certificate=recording.client.params.certificate, iv=iv)
    server.receive_data(b"\x01" + replace(params, extra=b"\x07").serialize())
    answer = server.data_to_send()
    if answer[0]:
        return
    proof = Proof.of(b"any nonce of thirty-two bytes...", Params.parse(answer[1:]).iv)
    message_4 = frame(0, proof.nonce) + frame(1, proof.hash)
    server.receive_data(bytes(a ^ b for a, b in zip(message_4, keystream, strict=False)))


@pytest.mark.parametrize(("recording", "side"), of_repeatable, ids=named)
def test_a_recording_opens_a_tunnel_where_a_setting_allows_its_mode(
    recording: StpRecording, side: str
) -> None:
    server = victim(recording, frozenset(Mode))
    forged(recording, getattr(recording, side), server)
    (event,) = server.events_received()
    assert isinstance(event, ClientAuthenticated)
    # More than a proof: the attacker also sends as many bytes as he knows keystream.
    server.accept()
    assert not any(isinstance(event, DataReceived) for event in server.events_received())


@pytest.mark.parametrize(("recording", "side"), of_repeatable, ids=named)
def test_the_same_recording_opens_none_by_default(recording: StpRecording, side: str) -> None:
    server = victim(recording, DEFAULT_MODES)
    forged(recording, getattr(recording, side), server)
    (event,) = server.events_received()
    assert isinstance(event, Failed)
    assert isinstance(event.error, RepeatableModeError)
    assert server.closed


@pytest.mark.parametrize(("recording", "side"), of_others, ids=named)
def test_a_recording_in_another_mode_is_of_no_use(recording: StpRecording, side: str) -> None:
    server = victim(recording, frozenset(Mode))
    forged(recording, getattr(recording, side), server)
    (event,) = server.events_received()
    assert isinstance(event, Failed)
    assert isinstance(event.error, BadRecordError)


def test_there_is_something_to_forge() -> None:
    assert {getattr(*one).params.mode for one in of_repeatable} == {*REPEATABLE_MODES}
    assert len(of_repeatable) >= 8
    assert len(of_others) >= 12

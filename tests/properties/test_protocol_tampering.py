"""Every byte of every record changed, and records dropped, repeated, swapped and cut."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.meddling import (
    AUTHENTICATION,
    HELLO,
    OTHER,
    READY,
    RECORDS,
    SAID,
    Session,
    check_ended,
    finished_anew,
    play,
    untouched,
)
from tests.support.pair import forged, opened
from tunnel_gateway.errors import (
    BadRecordError,
    BadSignatureError,
    CertificateError,
    ProtocolViolationError,
    TruncatedError,
)
from tunnel_gateway.protocol.connection import Connection
from tunnel_gateway.protocol.events import CloseReceived

pytestmark = pytest.mark.usefixtures("remembered")

PLACES = [(side, index) for side, count in RECORDS.items() for index in range(count)]
on_each_record = pytest.mark.parametrize(("side", "index"), PLACES, ids=str)
# Each position is a handshake; the parts run side by side.
PARTS = 4
in_parts = pytest.mark.parametrize("part", range(PARTS))


def was_proven_by(side: str, index: int) -> bool:
    """Whether the receiver may take its peer for proven though this record was meddled with."""
    return index > (AUTHENTICATION if side == "client" else READY)


def check(session: Session, side: str, index: int) -> None:
    """Check the session in which the record ``index`` of ``side`` did not arrive as it was."""
    check_ended(session, OTHER[side])
    if not was_proven_by(side, index):
        assert not session.proven(OTHER[side])
        assert not session.data(OTHER[side])


def replaced(side: str, index: int, *arriving: bytes) -> Session:
    def meddle(target: Connection, whose: str, place: int, whole: bytes) -> Iterator[bytes]:
        yield from arriving if (whose, place) == (side, index) else (whole,)

    return play(meddle)


def records_of(side: str) -> list[bytes]:
    """What an undisturbed session sends; every session begins alike."""
    found: list[bytes] = []

    def listen(target: Connection, whose: str, place: int, whole: bytes) -> Iterator[bytes]:
        if whose == side:
            found.append(whole)
        yield whole

    play(listen)
    return found


def test_the_undisturbed_session() -> None:
    session = play(untouched)
    for side, end in session.ends.items():
        assert session.data(side) == SAID[OTHER[side]]
        assert session.events[side][-1] == CloseReceived()
        assert end.state.name == "CLOSED"
        assert len(records_of(side)) == RECORDS[side]


@in_parts
@on_each_record
def test_every_byte_of_every_record(side: str, index: int, part: int) -> None:
    whole = records_of(side)[index]
    for place in range(part, len(whole), PARTS):
        for mask in (1 << place % 8, 0xFF):
            altered = bytearray(whole)
            altered[place] ^= mask
            check(replaced(side, index, bytes(altered)), side, index)


@on_each_record
def test_a_record_dropped(side: str, index: int) -> None:
    check(replaced(side, index), side, index)


@on_each_record
def test_a_record_repeated(side: str, index: int) -> None:
    whole = records_of(side)[index]
    session = replaced(side, index, whole, whole)
    if index < RECORDS[side] - 1:
        check_ended(session, OTHER[side])
    else:
        # After both closes nothing is looked at; before, the repeated close is refused.
        assert session.data(OTHER[side]) == SAID[side]


@on_each_record
def test_a_record_cut_short(side: str, index: int) -> None:
    whole = records_of(side)[index]
    for size in {0, 1, 2, 3, len(whole) // 2, len(whole) - 1}:
        shorter = whole[:1] + max(0, size - 3).to_bytes(2, "big") + whole[3:size]
        check(replaced(side, index, shorter), side, index)


@pytest.mark.parametrize(
    ("side", "index"), [place for place in PLACES if place[1] < RECORDS[place[0]] - 1], ids=str
)
def test_two_records_swapped(side: str, index: int) -> None:
    held: list[bytes] = []

    def meddle(target: Connection, whose: str, place: int, whole: bytes) -> Iterator[bytes]:
        if (whose, place) == (side, index):
            held.append(whole)
            return
        yield whole
        if whose == side:
            yield from held
            held.clear()

    check(play(meddle), side, index)


@on_each_record
def test_the_end_of_the_stream_before_a_record(side: str, index: int) -> None:
    """An attacker can always cut the wire; it is seen unless the close had arrived."""

    def meddle(target: Connection, whose: str, place: int, whole: bytes) -> Iterator[bytes]:
        if whose != side or place < index:
            yield whole

    session = play(meddle)
    assert type(session.error(OTHER[side])) is TruncatedError
    check(session, side, index)


class TestAPeerWithTheKeys:
    """Each byte of a message changed by one who can seal it anew: an impostor in the handshake."""

    def altered(self, side: str, index: int, place: int, *, finish: bool) -> Session:
        def meddle(target: Connection, whose: str, number: int, whole: bytes) -> Iterator[bytes]:
            if (whose, number) != (side, index):
                yield whole
                return
            ((content, payload),) = opened(target, whole)
            changed = bytearray(payload)
            changed[place] ^= 1 << place % 8
            body = finished_anew(target, bytes(changed)) if finish else bytes(changed)
            yield forged(target, content, body)

        return play(meddle)

    @in_parts
    @pytest.mark.parametrize("side", OTHER)
    def test_every_byte_of_an_authentication(self, side: str, part: int) -> None:
        for place in range(part, payload_size(side, AUTHENTICATION), PARTS):
            session = self.altered(side, AUTHENTICATION, place, finish=False)
            check(session, side, AUTHENTICATION)
            error = session.error(OTHER[side])
            assert isinstance(error, BadSignatureError | ProtocolViolationError)

    @pytest.mark.parametrize("part", range(16))
    @pytest.mark.parametrize("side", OTHER)
    def test_every_byte_of_an_authentication_that_is_finished_anew(
        self, side: str, part: int
    ) -> None:
        """Now the chain is looked at, and the signature must be what stops it."""
        for place in range(part, payload_size(side, AUTHENTICATION) - 32, 16):
            session = self.altered(side, AUTHENTICATION, place, finish=True)
            check(session, side, AUTHENTICATION)
            error = session.error(OTHER[side])
            assert isinstance(error, BadSignatureError | ProtocolViolationError | CertificateError)

    def test_every_byte_of_ready(self) -> None:
        for place in range(16):
            session = self.altered("server", READY, place, finish=False)
            check(session, "server", READY)
            assert type(session.error("client")) is BadSignatureError


def payload_size(side: str, index: int) -> int:
    return len(records_of(side)[index]) - 3 - 1 - 8


def test_a_changed_hello_breaks_the_keys_before_anyone_is_shown() -> None:
    """Both hellos are in the key schedule: the first protected record tells."""
    whole = bytearray(records_of("client")[HELLO])
    whole[3 + 8] ^= 1  # the first byte of the random value
    session = replaced("client", HELLO, bytes(whole))
    assert type(session.error("client")) is BadRecordError
    assert not session.proven("client")
    assert session.error("server").code in ("bad_record", "alert_received")

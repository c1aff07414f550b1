"""What an attacker on the wire, or a dishonest peer, tries and does not get."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from tests.support.meddling import (
    AUTHENTICATION,
    HELLO,
    SAID,
    check_ended,
    finished_anew,
    play,
    untouched,
)
from tests.support.pair import (
    CLIENT_STATES,
    DST_ID,
    LATER_STATES,
    PLACES,
    SERVER_NAME,
    Pair,
    domain_identity,
    ends_in,
    failure,
    failure_of,
    forged,
    new_client,
    new_server,
    opened,
    recording,
    split_records,
    user_identity,
)
from tests.support.pki import PERSON, domain, stranger
from tunnel_gateway.errors import (
    AlertReceivedError,
    BadRecordError,
    BadSignatureError,
    CertificateUntrustedError,
    NoCommonSuiteError,
    PeerError,
    UnsupportedVersionError,
)
from tunnel_gateway.protocol.connection import Connection
from tunnel_gateway.protocol.constants import ContentType
from tunnel_gateway.protocol.states import State

pytestmark = pytest.mark.usefixtures("remembered")


class TestReplay:
    """A recorded session, played again to an end that is fresh."""

    def test_to_a_server(self) -> None:
        server = new_server(seed="fresh")
        for whole in (*recording().proofs, *recording().rest):
            server.receive_data(whole)
        assert type(failure(server)) is BadRecordError

    def test_to_a_client(self) -> None:
        client = new_client(seed="fresh")
        for whole in recording().answers:
            client.receive_data(whole)
        assert type(failure(client)) is BadRecordError

    def test_of_data_into_another_tunnel(self) -> None:
        other = Pair(new_client(seed="fresh"), new_server(seed="fresh")).open()
        other.server.receive_data(recording().rest[0])
        assert type(failure(other.server)) is BadRecordError

    def test_of_an_old_authentication_into_a_new_handshake(self) -> None:
        def meddle(target: Connection, side: str, index: int, whole: bytes) -> Iterator[bytes]:
            replay = (side, index) == ("client", AUTHENTICATION)
            yield recording().proofs[AUTHENTICATION] if replay else whole

        session = play(meddle, server=new_server(seed="fresh"))
        assert type(session.error("server")) is BadRecordError
        assert not session.proven("server")


class TestReflection:
    """What one side sends comes back to it."""

    @pytest.mark.parametrize("side", ["client", "server"])
    def test_of_every_record(self, side: str) -> None:
        """Each direction has its own keys, and each message its own side."""
        mine = [*recording().proofs, *recording().rest] if side == "client" else recording().answers
        for (state, role), whole in itertools.product(PLACES, mine):
            if role != side or state is State.CLOSED:
                continue
            ours, _ = ends_in(state, role)
            ours.receive_data(whole)
            assert isinstance(failure(ours), PeerError)

    def test_of_the_hello(self) -> None:
        client = new_client()
        client.receive_data(client.data_to_send())
        assert type(failure(client)) is UnsupportedVersionError

    def test_of_the_proof_as_ones_own(self) -> None:
        """A client that shows the server's own proof as its own, sealed and finished properly."""

        def meddle(target: Connection, side: str, index: int, whole: bytes) -> Iterator[bytes]:
            if (side, index) == ("server", AUTHENTICATION):
                seen.extend(opened(target, whole))
            if (side, index) == ("client", AUTHENTICATION):
                ((content, payload),) = seen
                claim, proof = payload[:-96], payload[-96:]
                body = claim + bytes((len(DST_ID),)) + DST_ID.encode() + proof
                yield forged(target, content, finished_anew(target, body))
            else:
                yield whole

        seen: list[tuple[int, bytes]] = []
        session = play(meddle)
        assert type(session.error("server")) is BadSignatureError
        assert not session.proven("server")


class TestDowngrade:
    def test_a_suite_more_or_less_breaks_the_handshake(self) -> None:
        for suites in (b"\x02\x00\x02\x00\x01", b"\x02\x00\x01\x00\x01", b"\x02\x00\x01\xff\xff"):

            def meddle(
                target: Connection, side: str, index: int, whole: bytes, new: bytes = suites
            ) -> Iterator[bytes]:
                if (side, index) == ("client", HELLO):
                    body = whole[3:8] + new + whole[11:]
                    yield b"\x01" + len(body).to_bytes(2, "big") + body
                else:
                    yield whole

            session = play(meddle)
            assert type(session.error("client")) is BadRecordError
            assert not session.proven("server")

    @pytest.mark.parametrize(
        ("place", "error", "name"),
        [
            (7, UnsupportedVersionError, "unsupported_version"),
            (10, NoCommonSuiteError, "no_common_suite"),
        ],
    )
    def test_another_version_or_suite_is_refused(
        self, place: int, error: type[PeerError], name: str
    ) -> None:
        def meddle(target: Connection, side: str, index: int, whole: bytes) -> Iterator[bytes]:
            changed = bytearray(whole)
            if (side, index) == ("client", HELLO):
                changed[place] = 9
            yield bytes(changed)

        session = play(meddle)
        assert type(session.error("server")) is error
        told = session.error("client")
        assert isinstance(told, AlertReceivedError)
        assert told.name == name


class TestImpostor:
    def test_without_a_certificate_of_the_domain_learns_nothing_of_the_user(self) -> None:
        pair = Pair(server=new_server(identity=domain(SERVER_NAME, stranger())))
        pair.pass_to_server()
        pair.pass_to_client()
        assert type(failure_of(pair.client_events)) is CertificateUntrustedError
        alert = pair.client.data_to_send()
        ((content, payload),) = opened(pair.server, alert)
        assert content == ContentType.ALERT
        assert len(payload) < 64
        assert not any(piece in payload for piece in secrets_of_the_user())

    def test_cannot_pass_a_proof_on_to_another_gateway(self) -> None:
        """A gateway that the user trusts shows the user's proof elsewhere as its own."""
        honest = Pair(new_client(seed="user"), new_server(seed="first gateway"))
        honest.pass_to_server()
        honest.pass_to_client()
        proof = honest.client.data_to_send()
        ((content, stolen),) = opened(honest.server, proof)

        def meddle(target: Connection, side: str, index: int, whole: bytes) -> Iterator[bytes]:
            if (side, index) == ("client", AUTHENTICATION):
                yield forged(target, content, finished_anew(target, stolen))
            else:
                yield whole

        session = play(meddle)
        assert type(session.error("server")) is BadSignatureError
        assert not session.proven("server")

    def test_who_cuts_in_after_the_handshake_is_noticed(self) -> None:
        for state in LATER_STATES[:3]:
            ours, _ = ends_in(state, "client")
            ours.receive_data(recording().answers[0])
            assert isinstance(failure(ours), PeerError)


def secrets_of_the_user() -> list[bytes]:
    """What must not be seen on the wire: any 12 bytes of the chain, names, numbers, dst_id."""
    ders = [one.der for one in user_identity().chain]
    pieces = [der[start : start + 12] for der in ders for start in range(len(der) - 12)]
    return [*pieces, PERSON.name.encode(), PERSON.pinfl.encode(), DST_ID.encode()]


class TestTheWire:
    def wire(self) -> bytes:
        found = bytearray()

        def listen(target: Connection, side: str, index: int, whole: bytes) -> Iterator[bytes]:
            found.extend(whole)
            yield whole

        assert play(listen).proven("client")
        return bytes(found)

    def test_the_domain_name_is_all_that_is_said_in_clear(self) -> None:
        wire = self.wire()
        assert wire.count(SERVER_NAME.encode()) == 1
        for der in (one.der for one in domain_identity().chain):
            for start in range(len(der) - 12):
                assert der[start : start + 12] not in wire
        assert not any(piece in wire for piece in secrets_of_the_user())
        for data in (*SAID["client"], *SAID["server"]):
            assert data not in wire

    def test_two_sessions_share_nothing_but_headers_and_the_clear_parts(self) -> None:
        one = Pair(new_client(seed="one"), new_server(seed="one")).open()
        other = Pair(new_client(seed="other"), new_server(seed="other")).open()
        theirs = bytes(other.from_client + other.from_server)
        for whole in split_records(bytes(one.from_client + one.from_server)):
            if whole[0] == 2:
                pieces = [whole[start : start + 8] for start in range(3, len(whole) - 7)]
                assert not any(piece in theirs for piece in pieces)


@pytest.mark.parametrize("state", CLIENT_STATES, ids=lambda state: state.name)
def test_a_client_that_is_not_let_in_says_nothing_of_itself_in_clear(state: State) -> None:
    client, _ = ends_in(state, "client")
    client.receive_data(b"\xff\0\0")
    assert type(failure(client)).__name__ == "ProtocolViolationError"
    sent = client.data_to_send()
    assert not any(piece in sent for piece in secrets_of_the_user())


def test_the_undisturbed_session_is_not_an_attack() -> None:
    session = play(untouched)
    with pytest.raises(AssertionError):
        check_ended(session, "server")

"""The gateway's role of STP: whom it lets in, what it tells the others, and for how long."""

from __future__ import annotations

import struct
from dataclasses import replace
from datetime import datetime

import pytest

from tests.support.entropy import Entropy
from tests.support.pki import DAY, NOW, domain, stranger, user
from tests.support.stp_model import frame
from tests.support.stp_pair import (
    DST_ID,
    SERVER_NAME,
    StpPair,
    new_stp_client,
    new_stp_server,
    stp_failure,
    stp_user,
)
from tests.support.stp_sessions import believed
from tests.support.stp_speaker import Speaker, server_nonce
from tunnel_gateway import errors
from tunnel_gateway.errors import (
    BadRecordError,
    BadSignatureError,
    DestinationUnreachableError,
    ProtocolViolationError,
    TunnelGatewayError,
    UnknownDestinationError,
    UnsupportedVersionError,
)
from tunnel_gateway.gost.crc32c import crc32c
from tunnel_gateway.gost.curves import CRYPTOPRO_A, CRYPTOPRO_B, Curve
from tunnel_gateway.pki.trust.validation import VerifiedPeer
from tunnel_gateway.protocol.events import ClientAuthenticated, DataReceived, Failed
from tunnel_gateway.protocol.stp.stp_constants import Mode, Table
from tunnel_gateway.protocol.stp.stp_errors import CurveNotServedError, RepeatableModeError
from tunnel_gateway.protocol.stp.stp_messages import Finish, Params, Proof
from tunnel_gateway.protocol.stp.stp_server import StpDomain, StpServerConnection
from tunnel_gateway.protocol.stp.stp_states import StpState


def client_params(**changes: object) -> Params:
    return replace(Params.parse(new_stp_client().data_to_send()[1:]), **changes)  # type: ignore[arg-type]


def hello(**changes: object) -> bytes:
    return b"\x01" + client_params(**changes).serialize()


class TestMessage1:
    def refused(
        self, error: type[TunnelGatewayError], number: int, data: bytes, server: StpServerConnection
    ) -> None:
        server.receive_data(data)
        assert type(stp_failure(server)) is error
        assert server.data_to_send() == bytes((number,))
        assert server.closed
        assert server.next_deadline is None

    def test_nothing_is_sent_before_the_client_speaks(self) -> None:
        server = new_stp_server()
        assert server.data_to_send() == b""
        assert server.server_name is None

    @pytest.mark.parametrize("first", [0, 2, 0x16, ord("G"), 255])
    def test_another_protocol(self, first: int) -> None:
        self.refused(UnsupportedVersionError, 2, bytes((first,)), new_stp_server())

    @pytest.mark.parametrize(
        "data",
        [
            b"\x01\x00\x00",
            b"\x01\x28\x01",
            b"\x01\x80\x00",
            b"\x01\xff\xff",
            hello()[:-37] + b"\x22" + hello()[-36:],
            hello(iv=bytes(32)),
            hello(extra=b""),
        ],
    )
    def test_params_out_of_bounds(self, data: bytes) -> None:
        self.refused(ProtocolViolationError, 1, data, new_stp_server())

    def test_a_length_out_of_bounds_costs_three_bytes(self) -> None:
        server = new_stp_server()
        server.receive_data(b"\x01\x28")
        assert server.events_received() == []
        server.receive_data(b"\x01" + bytes(100_000))
        assert isinstance(stp_failure(server), ProtocolViolationError)
        assert not server._received

    @pytest.mark.parametrize("at", [-36, -35, -34])
    def test_numbers_out_of_bounds(self, at: int) -> None:
        data = bytearray(hello())
        data[at] = 200
        self.refused(ProtocolViolationError, 1, bytes(data), new_stp_server())

    @pytest.mark.parametrize("mode", [Mode.OFB, Mode.SIC])
    def test_a_repeatable_mode_is_refused_before_any_other_work(self, mode: Mode) -> None:
        def verify(der: bytes, at: datetime) -> VerifiedPeer:
            raise AssertionError

        server = new_stp_server(verify=verify)
        self.refused(RepeatableModeError, 64, hello(mode=mode), server)

    @pytest.mark.parametrize("mode", [Mode.OFB, Mode.SIC])
    def test_a_setting_allows_a_repeatable_mode(self, mode: Mode) -> None:
        server = new_stp_server(modes=frozenset(Mode))
        server.receive_data(hello(mode=mode))
        assert server.state is StpState.SERVER_EXPECT_PROOF

    @pytest.mark.parametrize("table", Table)
    def test_every_table_of_a_client_is_taken(self, table: Table) -> None:
        server = new_stp_server()
        server.receive_data(hello(table=table))
        assert server.state is StpState.SERVER_EXPECT_PROOF

    def test_users_that_are_not_accepted(self) -> None:
        old = new_stp_server(at=NOW + 4000 * DAY)
        self.refused(errors.CertificateExpiredError, 6, hello(), old)
        foreign = user(stranger()).leaf.der
        self.refused(
            errors.CertificateUntrustedError, 5, hello(certificate=foreign), new_stp_server()
        )
        noise = hello(certificate=b"\x30\x03\x02\x01\x00")
        self.refused(errors.CertificateUnsuitableError, 8, noise, new_stp_server())

    @pytest.mark.parametrize("bit", [3, 99, 511])
    def test_a_point_off_the_curve(self, bit: int) -> None:
        """Its certificate has no valid signature either; the point is refused by itself."""
        leaf = user().leaf
        der = bytearray(leaf.der)
        der[leaf.der.index(leaf.public_key.encoded) + bit // 8] ^= 1 << bit % 8
        server = new_stp_server(verify=lambda der, at: believed(der))
        self.refused(errors.CertificateUnsuitableError, 8, hello(certificate=bytes(der)), server)

    def test_the_certificate_is_chosen_by_curve_and_dst_id(self) -> None:
        asked = []

        def domain_for(curve: Curve, dst_id: int) -> StpDomain | None:
            asked.append((curve, dst_id))
            return None

        self.refused(CurveNotServedError, 65, hello(), new_stp_server(domain_for=domain_for))
        assert asked == [(CRYPTOPRO_A, DST_ID)]

    def test_a_certificate_on_another_curve_is_not_used(self) -> None:
        other = StpDomain(SERVER_NAME, domain(SERVER_NAME, curve=CRYPTOPRO_B))
        server = new_stp_server(domain_for=lambda curve, dst_id: other)
        self.refused(CurveNotServedError, 65, hello(), server)

    def test_what_the_choice_raises_refuses_the_user(self) -> None:
        def domain_for(curve: Curve, dst_id: int) -> StpDomain | None:
            raise UnknownDestinationError(f"no destination {dst_id}")

        server = new_stp_server(domain_for=domain_for)
        self.refused(UnknownDestinationError, 11, hello(), server)

    def test_message_2_in_our_own_cipher(self) -> None:
        server = new_stp_server()
        server.receive_data(hello(mode=Mode.CFB, table=Table.D_TEST))
        answer = server.data_to_send()
        params = Params.parse(answer[1:])
        assert answer[0] == 0
        assert (params.mode, params.table, params.extra) == (Mode.GCFB, Table.E_A, b"")
        assert params.iv == Entropy("server")(32)
        assert server.server_name == SERVER_NAME

    def test_more_than_one_byte_of_extra_is_ignored(self) -> None:
        server = new_stp_server()
        server.receive_data(hello(extra=b"\x09" + bytes(219)))
        assert server.state is StpState.SERVER_EXPECT_PROOF


class TestMessage4:
    def refused(self, speaker: Speaker, error: type[TunnelGatewayError], number: int) -> None:
        """A byte in the place of message 5; the connection is held until the client has read it."""
        server = speaker.server
        assert type(stp_failure(server)) is error
        assert speaker.heard() == frame(0, bytes((number,)))
        assert server.state is StpState.ENDING
        assert server.next_deadline == 1000.0 + 1.5
        server.receive_data(b"anything" * 1000)
        server.expire(1001.49)
        assert server.state is StpState.ENDING
        assert server.events_received() == []
        server.expire(1001.5)
        assert server.closed
        assert server.data_to_send() == b""

    def test_the_proof_opens_the_decision(self) -> None:
        pair = StpPair()
        event = pair.authenticate()
        assert event.peer.leaf == stp_user().leaf
        assert (event.server_name, event.dst_id) == (SERVER_NAME, str(DST_ID))
        assert pair.server.state is StpState.SERVER_OPENING
        assert pair.server.data_to_send() == b""
        assert pair.server.next_deadline is None  # the caller's turn

    @pytest.mark.parametrize("bit", [0, 255, 256, 511])
    def test_one_other_bit(self, bit: int) -> None:
        speaker = Speaker()
        body = bytearray(speaker.message_4[16:48] + speaker.message_4[64:])
        body[bit // 8] ^= 1 << bit % 8
        speaker.say(frame(0, bytes(body)))
        self.refused(speaker, BadSignatureError, 9)

    def test_the_proof_of_another_tunnel(self) -> None:
        speaker = Speaker()
        speaker.say(frame(0, Proof.of(bytes(32), bytes(32)).serialize()))
        self.refused(speaker, BadSignatureError, 9)

    def test_a_client_without_the_key(self) -> None:
        speaker = Speaker()
        speaker.server.receive_data(bytes(96))
        self.refused(speaker, BadRecordError, 10)

    def test_a_wrong_counter(self) -> None:
        speaker = Speaker()
        speaker.say(frame(1, bytes(64)))
        self.refused(speaker, BadRecordError, 10)

    def test_a_frame_of_two_gigabytes(self) -> None:
        speaker = Speaker()
        fields = struct.pack(">III", 0, 2**28, 0)
        speaker.say(fields + struct.pack(">I", crc32c(fields)))
        self.refused(speaker, ProtocolViolationError, 1)

    @pytest.mark.parametrize("size", [1, 5, 32, 64])
    def test_any_frames(self, size: int) -> None:
        speaker = Speaker()
        body = speaker.message_4[16:48] + speaker.message_4[64:]
        parts = [body[at : at + size] for at in range(0, 64, size)]
        with_empty_ones = [part for one in parts for part in (b"", one)]
        speaker.say(*(frame(counter, part) for counter, part in enumerate(with_empty_ones)))
        (event,) = speaker.server.events_received()
        assert isinstance(event, ClientAuthenticated)

    def test_more_than_the_proof(self) -> None:
        speaker = Speaker()
        body = speaker.message_4[16:48] + speaker.message_4[64:]
        speaker.say(frame(0, body + b"early"))
        proven, failed = speaker.server.events_received()
        assert isinstance(proven, ClientAuthenticated)
        assert isinstance(failed, Failed)
        assert str(failed.error) == "bytes of the client while deciding about the client"

    def test_empty_frames_without_end(self) -> None:
        speaker = Speaker()
        for counter in range(1024):
            speaker.say(frame(counter, b""))
        assert speaker.server.events_received() == []
        speaker.say(frame(1024, b""))
        self.refused(speaker, ProtocolViolationError, 1)


class TestTheDecision:
    def test_messages_5_and_6_together(self) -> None:
        speaker = Speaker().accepted()
        proof = Proof.of(server_nonce(), speaker.own.iv)
        assert speaker.heard() == frame(0, b"\x80" + proof.serialize() + b"\x00\x00")
        assert speaker.server.state is StpState.SERVER_EXPECT_FINISH

    def test_a_refusal_with_words(self) -> None:
        speaker = Speaker().proven()
        speaker.server.abort(DestinationUnreachableError("10.0.0.1 does not answer"))
        assert isinstance(stp_failure(speaker.server), DestinationUnreachableError)
        text = b"the application behind the gateway does not answer"
        proof = Proof.of(server_nonce(), speaker.own.iv)
        finish = Finish(12, text).serialize()
        assert speaker.heard() == frame(0, b"\x80" + proof.serialize() + finish)
        assert speaker.server.next_deadline == 1001.5

    def test_accept_at_another_time_is_refused(self) -> None:
        for server in (new_stp_server(), Speaker().server, Speaker().accepted().server):
            state = server.state
            with pytest.raises(ProtocolViolationError, match="finish of our own is out of place"):
                server.accept()
            assert server.state is state

    def test_data_may_follow_at_once(self) -> None:
        pair = StpPair()
        pair.authenticate()
        with pytest.raises(ProtocolViolationError, match="data of our own is out of place"):
            pair.server.send_data(b"early")
        pair.server.accept()
        assert pair.server.can_send
        pair.server.send_data(b"at once")
        pair.pass_all()
        assert [type(event).__name__ for event in pair.client_events] == ["Opened", "DataReceived"]

    def test_data_of_the_client_before_the_decision(self) -> None:
        speaker = Speaker().proven()
        speaker.say(frame(2, b"early"))
        assert isinstance(stp_failure(speaker.server), ProtocolViolationError)
        assert speaker.heard()[16:17] == b"\x80"
        assert speaker.server.state is StpState.ENDING

    def test_empty_frames_before_the_decision_are_nothing(self) -> None:
        speaker = Speaker().proven()
        speaker.say(frame(2, b""))
        assert speaker.server.events_received() == []
        assert speaker.server.state is StpState.SERVER_OPENING


class TestMessage7:
    @pytest.mark.parametrize("text", [b"", b"Success", b"x" * 255])
    def test_any_text_on_success(self, text: bytes) -> None:
        speaker = Speaker().accepted()
        speaker.say(frame(2, Finish(0, text).serialize() + b"data"))
        (data,) = speaker.server.events_received()
        assert data == DataReceived(bytearray(b"data"))

    def test_any_other_code(self) -> None:
        speaker = Speaker().accepted()
        speaker.heard()
        speaker.say(frame(2, Finish(1, b"no").serialize()))
        assert isinstance(stp_failure(speaker.server), ProtocolViolationError)
        assert speaker.server.data_to_send() == b""
        assert speaker.server.closed

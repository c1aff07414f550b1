"""The user's role of STP: whom it believes, and what it takes from a gateway."""

from __future__ import annotations

import struct
from dataclasses import replace
from datetime import datetime
from hashlib import sha256

import pytest

from tests.support.pki import DAY, NOW, authority, domain, stranger
from tests.support.stp_model import frame
from tests.support.stp_pair import (
    Clock,
    StpPair,
    new_stp_client,
    stp_domain,
    stp_failure,
    stp_user,
    stp_validator,
)
from tests.support.stp_sessions import recordings
from tunnel_gateway.errors import (
    AlertReceivedError,
    BadRecordError,
    BadSignatureError,
    CertificateExpiredError,
    CertificateUnsuitableError,
    CertificateUntrustedError,
    ProtocolViolationError,
    TimedOutError,
    TruncatedError,
)
from tunnel_gateway.gost.crc32c import crc32c
from tunnel_gateway.gost.curves import CRYPTOPRO_C
from tunnel_gateway.gost.key_agreement import shared_x
from tunnel_gateway.pki.trust.validation import ChainValidator, VerifiedPeer
from tunnel_gateway.protocol.events import Opened
from tunnel_gateway.protocol.stp.stp_ciphers import new_stream
from tunnel_gateway.protocol.stp.stp_client import StpClientConnection
from tunnel_gateway.protocol.stp.stp_constants import Mode, Table
from tunnel_gateway.protocol.stp.stp_errors import CurveNotServedError, RepeatableModeError
from tunnel_gateway.protocol.stp.stp_messages import Finish, Params, Proof
from tunnel_gateway.protocol.stp.stp_states import StpState

IV = bytes(range(1, 33))


def message_2(**changes: object) -> bytes:
    params = Params(stp_domain().leaf.der, Table.E_A, Mode.GCFB, IV)
    return b"\x00" + replace(params, **changes).serialize()  # type: ignore[arg-type]


class Gateway:
    """Answers a client with anything, under the right key."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.client = new_stp_client(clock=clock)
        self.client.receive_data(message_2())
        key = sha256(shared_x(stp_domain().private_key, stp_user().leaf.public_key)).digest()
        self._stream = new_stream(key, Params(b"c", Table.E_A, Mode.GCFB, IV))
        self.proof = b"\x80" + Proof.of(bytes(32), self.client._own.iv).serialize()
        self.client.data_to_send()

    def say(self, *frames: bytes) -> None:
        for one in frames:
            self.client.receive_data(self._stream.encrypt(one))


def test_message_1() -> None:
    client = new_stp_client(dst_id=255)
    sent = client.data_to_send()
    params = Params.parse(sent[1:])
    assert sent[0] == 1
    assert params.certificate == stp_user().leaf.der  # alone, without its chain
    assert (params.mode, params.table, params.dst_id) == (Mode.GCFB, Table.E_A, 255)


@pytest.mark.parametrize("dst_id", [-1, 256])
def test_a_dst_id_that_does_not_fit(dst_id: int) -> None:
    with pytest.raises(ProtocolViolationError, match="not 0 to 255"):
        new_stp_client(dst_id=dst_id)


class TestMessage2:
    def failed(self, data: bytes, client: StpClientConnection | None = None) -> Exception:
        client = client or new_stp_client()
        client.data_to_send()
        client.receive_data(data)
        error = stp_failure(client)
        assert client.closed
        assert client.data_to_send() == b""  # not even a proof
        return error

    @pytest.mark.parametrize("number", [1, 64, 127, 128, 255])
    def test_a_refusal(self, number: int) -> None:
        assert isinstance(self.failed(bytes((number,))), AlertReceivedError)

    @pytest.mark.parametrize("mode", [Mode.OFB, Mode.SIC])
    def test_a_repeatable_mode(self, mode: Mode) -> None:
        assert isinstance(self.failed(message_2(mode=mode)), RepeatableModeError)
        client = new_stp_client(modes=frozenset(Mode))
        client.receive_data(message_2(mode=mode))
        assert client.state is StpState.CLIENT_EXPECT_PROOF

    @pytest.mark.parametrize("mode", [Mode.CFB, Mode.GOFB, Mode.GCFB])
    @pytest.mark.parametrize("table", Table)
    def test_the_other_ciphers_are_taken(self, mode: Mode, table: Table) -> None:
        client = new_stp_client()
        client.receive_data(message_2(mode=mode, table=table, extra=bytes(220)))
        assert client.state is StpState.CLIENT_EXPECT_PROOF

    @pytest.mark.parametrize("same", [8, 32])
    def test_our_own_iv(self, same: int) -> None:
        """Also if it is the same only in the bytes that enter the cipher."""
        client = new_stp_client()
        iv = client._own.iv[:same] + bytes(32 - same)
        error = self.failed(message_2(iv=iv), client)
        assert str(error) == "the gateway sends our own IV back"

    @pytest.mark.parametrize(
        "data",
        [
            b"\x00\x00\x00",
            b"\x00\x28\x01",
            message_2()[:-36] + b"\x22" + message_2()[-35:],
            message_2()[:-35] + b"\x01" + message_2()[-34:],
            message_2()[:-34] + b"\x07" + message_2()[-33:],
            message_2()[:-33] + b"\x05" + message_2()[-32:],
            message_2(iv=bytes(32)),
        ],
    )
    def test_params_out_of_bounds(self, data: bytes) -> None:
        assert isinstance(self.failed(data), ProtocolViolationError)

    def test_certificates_that_are_not_believed(self) -> None:
        foreign = domain("example.uz", stranger()).leaf.der
        assert isinstance(self.failed(message_2(certificate=foreign)), CertificateUntrustedError)
        other = domain("other.uz").leaf.der
        assert isinstance(self.failed(message_2(certificate=other)), CertificateUnsuitableError)
        late = new_stp_client(at=NOW + 4000 * DAY)
        assert isinstance(self.failed(message_2(), late), CertificateExpiredError)
        off = bytearray(stp_domain().leaf.der)
        off[stp_domain().leaf.der.index(stp_domain().leaf.public_key.encoded)] ^= 1
        assert not isinstance(self.failed(message_2(certificate=bytes(off))), AssertionError)

    def test_a_leaf_that_is_not_directly_below_an_anchor(self) -> None:
        def verify(der: bytes, at: datetime) -> VerifiedPeer:
            chain = [der, *(one.der for one in stp_domain().chain[1:])]
            root = ChainValidator([authority().root.leaf])
            return root.verify_server(chain, at, "example.uz")

        assert len(verify(stp_domain().leaf.der, NOW).path) == 3
        error = self.failed(message_2(), new_stp_client(verify=verify))
        assert isinstance(error, CertificateUntrustedError)
        direct = stp_validator().verify_server([stp_domain().leaf.der], NOW, "example.uz")
        assert len(direct.path) == 2

    def test_another_curve(self) -> None:
        other = domain("example.uz", curve=CRYPTOPRO_C).leaf.der
        assert isinstance(self.failed(message_2(certificate=other)), CurveNotServedError)


class TestMessages5And6:
    @pytest.mark.parametrize("number", [0, 1, 0x7F, 0x81, 255])
    def test_a_refusal_in_message_5(self, number: int) -> None:
        gateway = Gateway()
        gateway.say(frame(0, bytes((number,))))
        assert isinstance(stp_failure(gateway.client), AlertReceivedError)
        assert gateway.client.closed

    @pytest.mark.parametrize("code", [1, 128, 255])
    def test_a_refusal_in_message_6(self, code: int) -> None:
        gateway = Gateway()
        gateway.say(frame(0, gateway.proof + Finish(code, b"no \x1b place").serialize()))
        error = stp_failure(gateway.client)
        assert isinstance(error, AlertReceivedError)
        assert error.text == "no ? place"
        assert gateway.client.data_to_send() == b""

    @pytest.mark.parametrize("bit", [8, 300, 519])
    def test_a_wrong_proof(self, bit: int) -> None:
        gateway = Gateway()
        proof = bytearray(gateway.proof)
        proof[bit // 8] ^= 1 << bit % 8
        gateway.say(frame(0, bytes(proof)))
        assert isinstance(stp_failure(gateway.client), BadSignatureError)

    def test_a_gateway_without_the_key(self) -> None:
        gateway = Gateway()
        gateway.client.receive_data(bytes(104))
        assert isinstance(stp_failure(gateway.client), BadRecordError)

    def test_our_own_message_4_sent_back(self) -> None:
        """With the IV of the client it would be in the right cipher; that IV is refused."""
        client = new_stp_client()
        client.receive_data(message_2())
        client.receive_data(client.data_to_send()[-96:])
        assert isinstance(stp_failure(client), BadRecordError)

    @pytest.mark.parametrize("size", [1, 5, 8, 1000])
    def test_any_frames_with_data_at_the_end(self, size: int) -> None:
        gateway = Gateway()
        body = gateway.proof + Finish(0, b"welcome").serialize() + b"data"
        parts = [body[at : at + size] for at in range(0, len(body), size)]
        gateway.say(*(frame(counter, part) for counter, part in enumerate(parts)))
        opened, *data = gateway.client.events_received()
        assert isinstance(opened, Opened)
        assert opened.peer.leaf == stp_domain().leaf
        assert b"".join(event.data for event in data) == b"data"  # type: ignore[union-attr]
        assert gateway.client.state is StpState.OPEN

    def test_empty_frames_without_end(self) -> None:
        gateway = Gateway()
        gateway.say(*(frame(counter, b"") for counter in range(1025)))
        assert isinstance(stp_failure(gateway.client), ProtocolViolationError)

    def test_a_long_frame_is_taken_and_one_of_two_gigabytes_is_not(self) -> None:
        gateway = Gateway()
        gateway.say(frame(0, gateway.proof + Finish(0).serialize() + bytes(100_000)))
        _, data = gateway.client.events_received()
        assert data.data == bytes(100_000)  # type: ignore[union-attr]
        fields = struct.pack(">III", 1, 2**28, 0)
        gateway.say(fields + struct.pack(">I", crc32c(fields)))
        assert isinstance(stp_failure(gateway.client), ProtocolViolationError)


class TestTheEnd:
    @pytest.mark.parametrize("step", [0, 1, 2])
    def test_silence(self, step: int) -> None:
        clock = Clock()
        client = new_stp_client(clock=clock)
        if step:
            gateway = Gateway(clock)
            client = gateway.client
            if step == 2:
                gateway.say(frame(0, gateway.proof))
        state = client.state
        assert state.name.startswith("CLIENT_EXPECT")
        assert client.next_deadline == 1010.0
        clock.now = 1010.0
        client.expire(1010.0)
        assert isinstance(stp_failure(client), TimedOutError)
        assert client.closed

    def test_a_close_is_at_once(self) -> None:
        pair = StpPair().open()
        pair.client.send_data(b"all of it")
        pair.client.send_close()
        assert pair.client.closed
        pair.pass_to_server()
        assert pair.server_events[-1].data == b"all of it"  # type: ignore[union-attr]

    def test_the_gateways_end_in_a_handshake(self) -> None:
        gateway = Gateway()
        gateway.client.receive_eof()
        assert isinstance(stp_failure(gateway.client), TruncatedError)


def test_a_recorded_certificate_of_another_authority() -> None:
    recording = recordings()["01-e-test-cfb"]
    client = new_stp_client()
    client.receive_data(b"\x00" + replace(recording.server.params, mode=Mode.CFB).serialize())
    assert isinstance(stp_failure(client), CertificateUntrustedError)

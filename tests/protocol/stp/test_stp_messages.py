"""Params, proofs and finishes: what is read is written again, and nothing else is read."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.pair import new_client
from tests.support.stp_sessions import recordings
from tunnel_gateway.errors import ProtocolViolationError
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.protocol.stp.stp_constants import MAX_CERTIFICATE, Mode, Table
from tunnel_gateway.protocol.stp.stp_messages import (
    Finish,
    Params,
    Proof,
    begins_stp,
)

IV = bytes(range(32))
PARAMS = Params(b"certificate", Table.E_B, Mode.GOFB, IV, b"\x07")
BODY = b"\x00\x0bcertificate" + b"\x24\x00\x02\x03" + IV + b"\x07"

params = st.builds(
    Params,
    st.binary(min_size=1, max_size=300),
    st.sampled_from(Table),
    st.sampled_from(Mode),
    st.binary(min_size=32, max_size=32).filter(any),
    st.binary(max_size=220),
)


def test_the_beginning_tells_it_from_our_own_protocol() -> None:
    from_e_imzo = next(iter(recordings().values())).client.wire
    ours = bytes(new_client().data_to_send())
    assert ours[:1] == from_e_imzo[:1]
    for size in range(4):
        assert begins_stp(from_e_imzo[:size]) is None
        assert begins_stp(ours[:size]) is None
    for size in (4, 5, 100):
        assert begins_stp(from_e_imzo[:size]) is True
        assert begins_stp(ours[:size]) is False


@pytest.mark.parametrize("other", [b"G", b"\x16", b"\x00", b"\x01\xff\xff", b"\x01\x00\x00"])
def test_what_is_neither_is_known_at_once(other: bytes) -> None:
    assert begins_stp(other) is False


def test_what_follows_the_first_four_bytes_does_not_count() -> None:
    certificate = b"\x00\x02\x30\x00"
    for tail in (0, 34, 36):
        assert begins_stp(b"\x01" + certificate + bytes((tail,)) + bytes(tail)) is True


class TestParams:
    def test_the_bytes(self) -> None:
        assert PARAMS.serialize() == BODY
        assert Params.parse(BODY) == PARAMS
        assert PARAMS.dst_id == 7

    @given(params)
    def test_what_is_written_is_read(self, one: Params) -> None:
        assert Params.parse(one.serialize()) == one

    @given(params)
    def test_the_size_is_known_from_the_first_bytes(self, one: Params) -> None:
        body = one.serialize()
        have = 0
        for _ in range(4):  # the length, the certificate with one byte more, the tail
            assert Params.size_is_known(body[:have]) is (Params.size(body[:have]) == len(body))
            have = Params.size(body[:have])
        assert have == len(body)
        for have in range(len(body)):
            assert have < Params.size(body[:have]) <= len(body)

    @pytest.mark.parametrize("size", [0, MAX_CERTIFICATE + 1, 0x8000, 0xFFFF])
    def test_a_certificate_that_is_too_long_is_refused_by_its_length(self, size: int) -> None:
        with pytest.raises(ProtocolViolationError, match=f"a certificate of {size} bytes"):
            Params.size(size.to_bytes(2, "big"))

    def test_the_longest_params(self) -> None:
        longest = replace(PARAMS, certificate=bytes(MAX_CERTIFICATE), extra=bytes(220))
        assert Params.parse(longest.serialize()) == longest
        assert len(longest.serialize()) == 10498

    @pytest.mark.parametrize("tail", [0, 1, 34])
    def test_a_short_tail(self, tail: int) -> None:
        with pytest.raises(ProtocolViolationError, match=f"only {tail} bytes"):
            Params.parse(b"\x00\x01c" + bytes((tail,)) + bytes(tail))

    @pytest.mark.parametrize(
        ("at", "value", "text"),
        [(14, 1, "key exchange 1"), (15, 7, "the table 7"), (16, 5, "the mode 5")],
    )
    def test_unknown_numbers(self, at: int, value: int, text: str) -> None:
        for number in (value, 0x80, 0xFF):
            body = bytearray(BODY)
            body[at] = number
            with pytest.raises(ProtocolViolationError, match=text[:-1]):
                Params.parse(bytes(body))

    def test_an_iv_of_zeros(self) -> None:
        with pytest.raises(ProtocolViolationError, match="an IV of zeros"):
            Params.parse(replace(PARAMS, iv=bytes(32)).serialize())
        for iv in (bytes(8) + IV[:24], b"\x01" + bytes(31)):
            assert Params.parse(replace(PARAMS, iv=iv).serialize()).iv == iv

    @pytest.mark.parametrize("body", [BODY[:-1], BODY + b"\x00", b"", b"\x00"])
    def test_another_length(self, body: bytes) -> None:
        with pytest.raises(ProtocolViolationError, match="another length"):
            Params.parse(body)

    def test_what_cannot_be_sent(self) -> None:
        for changed in (
            replace(PARAMS, certificate=b""),
            replace(PARAMS, certificate=bytes(MAX_CERTIFICATE + 1)),
            replace(PARAMS, iv=b"short"),
            replace(PARAMS, extra=bytes(221)),
        ):
            with pytest.raises(ProtocolViolationError):
                changed.serialize()

    def test_no_dst_id(self) -> None:
        with pytest.raises(ProtocolViolationError, match="no dst_id"):
            _ = replace(PARAMS, extra=b"").dst_id


class TestProof:
    def test_the_bytes(self) -> None:
        nonce, iv = bytes(range(32)), bytes(range(100, 132))
        proof = Proof.of(nonce, iv)
        assert proof.serialize() == nonce + digest(nonce + iv)
        assert Proof.parse(proof.serialize()) == proof
        assert proof.answers(iv)

    @given(st.integers(0, 64 * 8 - 1))
    def test_one_other_bit(self, bit: int) -> None:
        body = bytearray(Proof.of(bytes(32), IV).serialize())
        body[bit // 8] ^= 1 << bit % 8
        assert not Proof.parse(bytes(body)).answers(IV)

    def test_another_iv(self) -> None:
        assert not Proof.of(bytes(32), IV).answers(IV[::-1])

    @pytest.mark.parametrize("size", [0, 63, 65])
    def test_another_length(self, size: int) -> None:
        with pytest.raises(ProtocolViolationError):
            Proof.parse(bytes(size))


class TestFinish:
    @given(st.integers(0, 255), st.binary(max_size=255))
    def test_what_is_written_is_read(self, code: int, text: bytes) -> None:
        finish = Finish(code, text)
        body = finish.serialize()
        assert body == bytes((code, len(text))) + text
        assert Finish.parse(body) == finish
        assert [Finish.size(body[:have]) for have in (0, 1, 2)] == [2, 2, len(body)]

    def test_a_long_text_is_cut(self) -> None:
        assert Finish.parse(Finish(1, b"x" * 300).serialize()).text == b"x" * 255

    @pytest.mark.parametrize("body", [b"", b"\x00", b"\x00\x02x", b"\x00\x00x"])
    def test_another_length(self, body: bytes) -> None:
        with pytest.raises(ProtocolViolationError):
            Finish.parse(body)

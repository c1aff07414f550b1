"""The numbers that the specification fixes: another value would be another protocol."""

from __future__ import annotations

from tunnel_gateway.gost.cipher import TAG_SIZE as CIPHER_TAG_SIZE
from tunnel_gateway.gost.curves import POINT_SIZE
from tunnel_gateway.gost.digest import DIGEST_SIZE
from tunnel_gateway.gost.signature import SIGNATURE_SIZE as SIGNATURE_BYTES
from tunnel_gateway.pki.trust.validation import MAX_CHAIN_LENGTH
from tunnel_gateway.protocol import constants
from tunnel_gateway.protocol.constants import ContentType, RecordType


def test_the_first_bytes_and_the_suite() -> None:
    assert (constants.MAGIC, constants.VERSION, constants.SUITE) == (b"EIMZ", 1, 1)


def test_the_types() -> None:
    assert {one.name: one.value for one in RecordType} == {"HELLO": 1, "PROTECTED": 2, "ALERT": 3}
    assert {one.name: one.value for one in ContentType} == {
        "HANDSHAKE": 1,
        "DATA": 2,
        "CLOSE": 3,
        "ALERT": 4,
    }


def test_the_limits() -> None:
    assert constants.MAX_PAYLOAD == 16384
    assert constants.MAX_PROTECTED_FRAGMENT == 16393
    assert constants.MAX_HELLO == 1024
    assert constants.MAX_ALERT == 257
    assert constants.MAX_DST_ID == 255
    assert constants.MAX_CERTIFICATES == MAX_CHAIN_LENGTH == 8
    assert constants.RECORDS_PER_KEY == 256


def test_one_key_protects_little_for_a_block_of_64_bits() -> None:
    assert constants.RECORDS_PER_KEY * constants.MAX_PAYLOAD == 4 * 2**20


def test_the_sizes_are_those_of_the_primitives() -> None:
    assert constants.KEY_SHARE_SIZE == POINT_SIZE == 64
    assert constants.SIGNATURE_SIZE == SIGNATURE_BYTES == 64
    assert constants.FINISHED_SIZE == DIGEST_SIZE == 32
    assert constants.TAG_SIZE == CIPHER_TAG_SIZE == 8
    assert constants.RANDOM_SIZE == 32
    assert constants.TUNNEL_ID_SIZE == 16
    assert constants.HEADER_SIZE == 3


def test_the_labels() -> None:
    assert constants.LABEL_PREFIX == b"eimzo1 "
    assert constants.SERVER_SIGNATURE_LABEL == b"E-IMZO tunnel v1, server"
    assert constants.CLIENT_SIGNATURE_LABEL == b"E-IMZO tunnel v1, client"

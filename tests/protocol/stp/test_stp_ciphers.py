"""The stream of each table and mode, compared with the model of the tests."""

from __future__ import annotations

import hashlib
import itertools

import pytest

from tests.support.stp_model import ModelStream
from tunnel_gateway.protocol.stp.stp_ciphers import new_stream
from tunnel_gateway.protocol.stp.stp_constants import Mode, Table
from tunnel_gateway.protocol.stp.stp_messages import Params

KEY = hashlib.sha256(b"key").digest()
# Over two changes of the key, in parts that end before, at and after one.
PLAIN = hashlib.shake_256(b"plain").digest(2112)
PARTS = (0, 8, 1016, 1024, 1032, 2048, 2112)


@pytest.mark.parametrize("table", Table)
@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("start", ["ffffffffffffffff", "0123456789abcdef"])
def test_every_cipher_is_that_of_the_model(table: Table, mode: Mode, start: str) -> None:
    iv = bytes.fromhex(start) + b"the rest does not count."
    params = Params(b"certificate", table, mode, iv)
    expected = ModelStream(KEY, table, mode, iv).encrypt(PLAIN)
    encrypts, decrypts = new_stream(KEY, params), new_stream(KEY, params)
    pairs = list(itertools.pairwise(PARTS))
    assert b"".join(encrypts.encrypt(PLAIN[a:b]) for a, b in pairs) == expected
    assert b"".join(decrypts.decrypt(expected[a:b]) for a, b in pairs) == PLAIN


def test_only_eight_bytes_of_the_iv_count() -> None:
    first, second = (
        new_stream(KEY, Params(b"c", Table.E_A, Mode.GCFB, b"12345678" + rest * 24))
        for rest in (b"a", b"b")
    )
    assert first.encrypt(PLAIN) == second.encrypt(PLAIN)

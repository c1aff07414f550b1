"""RC2 against its RFC, ``cryptography`` and OpenSSL."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import RC2
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from hypothesis import given
from hypothesis import strategies as st

from tunnel_gateway.pki.files import rc2

IV = bytes(range(8))


@pytest.mark.parametrize(
    ("key", "plain", "cipher"),
    [
        # RFC 2268, section 5: those whose effective length is that of the key.
        ("ffffffffffffffff", "ffffffffffffffff", "278b27e42e2f0d49"),
        ("3000000000000000", "1000000000000001", "30649edf9be7d2c2"),
        ("88bca90e90875a7f0f79c384627bafb2", "0000000000000000", "2269552ab0f85ca6"),
    ],
)
def test_the_vectors_of_the_rfc(key: str, plain: str, cipher: str) -> None:
    opened = rc2.decrypt_cbc(bytes.fromhex(key), bytes(8), bytes.fromhex(cipher))
    assert opened.hex() == plain


@given(key=st.binary(min_size=16, max_size=16), blocks=st.integers(0, 20), data=st.data())
def test_like_cryptography_with_128_bits(key: bytes, blocks: int, data: st.DataObject) -> None:
    closed = data.draw(st.binary(min_size=8 * blocks, max_size=8 * blocks))
    decryptor = Cipher(RC2(key), modes.CBC(IV)).decryptor()
    assert rc2.decrypt_cbc(key, IV, closed) == decryptor.update(closed) + decryptor.finalize()


def test_like_openssl_with_40_bits(tmp_path: Path) -> None:
    key, plain = os.urandom(5), os.urandom(800)
    command = ["openssl", "enc", "-rc2-40-cbc", "-provider", "legacy", "-provider", "default"]
    command += ["-nopad", "-K", key.hex(), "-iv", IV.hex()]
    closed = subprocess.run(command, input=plain, capture_output=True, check=True).stdout
    assert rc2.decrypt_cbc(key, IV, closed) == plain


@pytest.mark.parametrize(("iv", "size"), [(7, 8), (9, 8), (8, 7), (8, 9)])
def test_sizes_that_do_not_fit(iv: int, size: int) -> None:
    with pytest.raises(ValueError, match="whole blocks"):
        rc2.decrypt_cbc(bytes(5), bytes(iv), bytes(size))

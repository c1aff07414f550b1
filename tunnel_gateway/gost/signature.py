"""GOST R 34.10-2001 signatures (RFC 5832) over GOST R 34.11-94 digests."""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidSignature

from tunnel_gateway.errors import SelfTestError
from tunnel_gateway.gost._native._gost import ffi, lib
from tunnel_gateway.gost.curves import SCALAR_SIZE, Curve, FrequentKey, PrivateKey, PublicKey
from tunnel_gateway.gost.digest import DIGEST_SIZE, hkdf_expand, hkdf_extract

SIGNATURE_SIZE: Final = 64


def sign(private_key: PrivateKey, digest: bytes, entropy: bytes) -> bytes:
    """Sign a 32-byte ``digest``; returns 64 bytes, s then r, each big-endian.

    ``entropy`` is 32 fresh random bytes. The one-time number k is derived from them, the key
    and the digest together, so that even repeated entropy never gives two digests one k.
    The signature is verified before it is returned: a wrong one can give the private key away.
    Raises ValueError for other lengths, and SelfTestError if the signature is wrong: then the
    machine or the build is faulty.
    """
    if len(digest) != DIGEST_SIZE or len(entropy) != DIGEST_SIZE:
        raise ValueError("the digest and the entropy have 32 bytes each")
    curve = private_key.curve
    secret = private_key.native()
    seed = hkdf_extract(entropy, bytes(ffi.buffer(secret)))
    signature = ffi.new("uint8_t[]", SIGNATURE_SIZE)
    hash_number = _hash_number(curve, digest)
    attempt = 0
    while not lib.gost_curve_sign(
        curve.native_name, secret, hash_number, _one_time(curve, seed, digest, attempt), signature
    ):
        attempt += 1
    signed = bytes(ffi.buffer(signature))
    try:
        verify(private_key.frequent_key(), signed, digest)
    except InvalidSignature:
        raise SelfTestError(
            "a signature made here does not verify and was not sent. The extension or the machine"
            " is faulty: run `tunnel-gateway selftest`"
        ) from None
    return signed


def verify(public_key: PublicKey | FrequentKey, signature: bytes, digest: bytes) -> None:
    """Return if ``signature`` (64 bytes, s then r) is right for the 32-byte ``digest``.

    Raises cryptography's InvalidSignature for any other bytes.
    """
    if len(signature) != SIGNATURE_SIZE or len(digest) != DIGEST_SIZE:
        raise InvalidSignature
    table = None
    if isinstance(public_key, FrequentKey):
        table, public_key = public_key.table(), public_key.public_key
    curve = public_key.curve
    numbers = _hash_number(curve, digest), bytes(signature)
    if table is None:
        right = lib.gost_curve_verify(curve.native_name, public_key.native(), *numbers)
    else:
        right = lib.gost_curve_verify_known(table, *numbers)
    if not right:
        raise InvalidSignature


def _hash_number(curve: Curve, digest: bytes) -> bytes:
    # RFC 5832, section 6.1, step 2: e is the digest modulo n, and never zero.
    number = int.from_bytes(digest, "little") % curve.n or 1
    return number.to_bytes(SCALAR_SIZE, "big")


def _one_time(curve: Curve, seed: bytes, digest: bytes, attempt: int) -> bytes:
    wide = hkdf_expand(seed, b"k" + digest + bytes([attempt]), 2 * SCALAR_SIZE)
    return (int.from_bytes(wide, "big") % (curve.n - 1) + 1).to_bytes(SCALAR_SIZE, "big")

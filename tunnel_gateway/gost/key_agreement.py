"""VKO GOST R 34.10-2001 (RFC 4357, section 5.2), and plain Diffie-Hellman on the same curves."""

from __future__ import annotations

from tunnel_gateway.errors import InvalidPointError
from tunnel_gateway.gost._native._gost import ffi, lib
from tunnel_gateway.gost.curves import POINT_SIZE, SCALAR_SIZE, PrivateKey, PublicKey, swap_halves
from tunnel_gateway.gost.digest import digest


def agree(private_key: PrivateKey, public_key: PublicKey, ukm: int) -> bytes:
    """Return the 32 bytes that both sides derive: the digest of (ukm · d mod n) · Q.

    ``ukm`` is the user keying material, 0 < ukm < 2^64. Raises InvalidPointError when the
    curves differ and ValueError for another ``ukm``.
    """
    if private_key.curve is not public_key.curve:
        raise InvalidPointError("the two keys lie on different curves")
    if not 0 < ukm < 1 << 64:
        raise ValueError("the user keying material has 64 bits and is not zero")
    shared = ffi.new("uint8_t[]", POINT_SIZE)
    lib.gost_curve_agree(
        private_key.curve.native_name,
        private_key.native(),
        ukm.to_bytes(8, "big"),
        public_key.native(),
        shared,
    )
    return digest(swap_halves(bytes(ffi.buffer(shared))))


def shared_x(private_key: PrivateKey, public_key: PublicKey) -> bytes:
    """Return the x-coordinate of d · Q, 32 bytes big-endian, in constant time.

    No UKM and no digest: it is for STP, which hashes it. A ``PublicKey`` is a point of the curve,
    and the curves have prime order, so the product is one too. Raises InvalidPointError when the
    curves differ.
    """
    if private_key.curve is not public_key.curve:
        raise InvalidPointError("the two keys lie on different curves")
    product = ffi.new("uint8_t[]", POINT_SIZE)
    lib.gost_curve_multiply(
        private_key.curve.native_name, private_key.native(), public_key.native(), product
    )
    return bytes(ffi.buffer(product, SCALAR_SIZE))

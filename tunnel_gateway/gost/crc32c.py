"""CRC-32C (Castagnoli), the checksum of PROXY protocol headers and of STP frames.

RFC 3720, appendix B.4. It finds accidents and protects against nobody.
"""

from __future__ import annotations

from typing import Final

from tunnel_gateway.gost.frames import Buffer

_POLYNOMIAL: Final = 0x82F63B78  # with its bits reversed


def _entry(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
    return value


_TABLE: Final = tuple(map(_entry, range(256)))


def crc32c(data: Buffer) -> int:
    """Return the checksum of ``data``."""
    value = 0xFFFFFFFF
    for byte in bytes(data):
        value = value >> 8 ^ _TABLE[(value ^ byte) & 0xFF]
    return value ^ 0xFFFFFFFF

"""CRC-32C (Castagnoli), the checksum of PROXY protocol headers and of STP frames.

RFC 3720, appendix B.4. It finds accidents and protects against nobody.
"""

from __future__ import annotations

from tunnel_gateway.gost._native._gost import lib
from tunnel_gateway.gost.frames import Buffer


def crc32c(data: Buffer) -> int:
    """Return the checksum of ``data``."""
    checksum: int = lib.crc32c(bytes(data), len(data))
    return checksum

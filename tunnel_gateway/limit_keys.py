"""The limits that can end or refuse a tunnel, named by the keys that set them."""

from __future__ import annotations

from enum import StrEnum


class Limit(StrEnum):
    """Every limit that can end or refuse a tunnel, by the key that sets it."""

    TUNNELS = "tunnel.limit"
    HANDSHAKES = "tunnel.handshake.limit"
    MEMORY = "tunnel.memory.limit"
    SOURCE_RATE = "tunnel.source.rate"
    SOURCE_HANDSHAKES = "tunnel.source.handshakes"
    SOURCE_TUNNELS = "tunnel.source.limit"
    CERTIFICATE_TUNNELS = "tunnel.certificate.limit"
    DESTINATION_TUNNELS = "tunnel.destination.N.limit"
    DESTINATION_CONNECTS = "tunnel.destination.N.connect.limit"
    LIFETIME = "tunnel.lifetime"
    IDLE = "tunnel.idle.timeout"
    HALF_CLOSE = "tunnel.halfclose.timeout"

    def reached(self, dst_id: str = "N") -> str:
        """Return the end of a message that says how many there are, perhaps at ``dst_id``."""
        return f"the most that {self.replace('.N.', f'.{dst_id}.')} allows"

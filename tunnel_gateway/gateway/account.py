"""What is known of one connection while it lasts: for the log, the status and the operator."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.protocol.events import ClientAuthenticated
from tunnel_gateway.transport.streams.relay import Relay


class Stage(StrEnum):
    """How far a connection has come."""

    HANDSHAKE = "handshake"
    CONNECTING = "connecting"  # the user is known; revocation, rules, the destination
    OPENING = "opening"  # the tunnel is there; the page's request and the answer to it
    OPEN = "open"


@dataclass(slots=True, eq=False)
class Account:
    """One connection: ``client`` is host:port, ``started`` in seconds of the loop's clock.

    What the user has not proven yet is None.
    """

    client: str
    started: float
    stage: Stage = Stage.HANDSHAKE
    domain: str | None = None
    tunnel_id: str | None = None
    dst_id: str | None = None
    leaf: Certificate | None = field(default=None, repr=False)
    relay: Relay | None = field(default=None, repr=False)
    told: bool = True  # False: one of so many refused that it gets no answer and no line

    def authenticated(self, client: ClientAuthenticated) -> None:
        """Take over what the handshake has proven."""
        self.stage = Stage.CONNECTING
        self.tunnel_id = client.tunnel_id.hex()
        self.domain = client.server_name
        self.dst_id = client.dst_id
        self.leaf = client.peer.leaf

    def opened(self, relay: Relay) -> None:
        """Note that bytes pass from now on."""
        self.stage = Stage.OPEN
        self.relay = relay

    @property
    def bytes_up(self) -> int:
        """Bytes from the page to the application so far."""
        return self.relay.bytes_from_channel if self.relay else 0

    @property
    def bytes_down(self) -> int:
        """Bytes from the application to the page so far."""
        return self.relay.bytes_from_socket if self.relay else 0

    def facts(self) -> dict[str, object]:
        """Return what is known as the facts of a log line."""
        facts: dict[str, object] = {"client": self.client}
        if self.leaf is not None:
            facts |= {
                "tunnel_id": self.tunnel_id,
                "domain": self.domain,
                "dst_id": self.dst_id,
                "user": self.leaf.common_name,
                "serial": f"{self.leaf.serial:x}",
                "issuer": self.leaf.issuer,
            }
        elif self.domain:
            facts["domain"] = self.domain
        return facts

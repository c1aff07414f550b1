"""The facts of one connection, and how they are written in the log, the audit and the status."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from tunnel_gateway.daemon.audit.persons import person_in_audit, person_in_log
from tunnel_gateway.errors import NotPermittedError
from tunnel_gateway.observability.masking import name_shown
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.protocol.events import ClientAuthenticated
from tunnel_gateway.transport.streams.relay import RelayEnd, Relaying


class Stage(StrEnum):
    """How far a connection has come."""

    HANDSHAKE = "handshake"
    CONNECTING = "connecting"  # the user is proven; revocation, rules and the destination follow
    OPENING = "opening"  # the tunnel is open; the page's request and the answer follow
    OPEN = "open"


@dataclass(slots=True, eq=False)
class SessionFacts:
    """One connection: ``client`` is host:port, ``started`` in seconds of the loop's clock.

    A fact that the user has not proven yet is absent (None). ``told`` is False if too many
    connections are refused: then this one gets no alert, and no log line above the level debug.
    ``protocol`` is ``own``, ``stp``, or ``unknown`` until the first bytes are there. ``stp_off``:
    the client is refused because it speaks STP.
    """

    client: str
    started: float
    stage: Stage = Stage.HANDSHAKE
    domain: str | None = None
    tunnel_id: str | None = None
    dst_id: str | None = None
    leaf: Certificate | None = field(default=None, repr=False)
    relay: Relaying | None = field(default=None, repr=False)
    told: bool = True
    protocol: str = "unknown"
    stp_off: bool = False

    @property
    def stp(self) -> bool:
        """Tell whether the client speaks STP."""
        return self.protocol == "stp"

    def authenticated(self, client: ClientAuthenticated) -> None:
        """Note the facts that the handshake has proven."""
        self.stage = Stage.CONNECTING
        self.tunnel_id = client.tunnel_id.hex()
        self.domain = client.server_name
        self.dst_id = client.dst_id
        self.leaf = client.peer.leaf

    def opened(self, relay: Relaying) -> None:
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

    # --- as fields -------------------------------------------------------------------------

    def log_fields(self) -> dict[str, object]:
        """Return the fields of a log line. Of a person it has the name, which the log masks."""
        fields: dict[str, object] = {"client": self.client}
        if self.stp:
            fields["protocol"] = "stp"
        if self.leaf is not None:
            fields |= {
                "tunnel_id": self.tunnel_id,
                "domain": self.domain,
                "dst_id": self.dst_id,
                **person_in_log(self.leaf),
            }
        elif self.domain:
            fields["domain"] = self.domain
        return fields

    def audit_fields(self) -> dict[str, object]:
        """Return the fields of an audit record: the user in full, with every number."""
        fields: dict[str, object] = {
            "tunnel_id": self.tunnel_id,
            "client": self.client,
            "domain": self.domain,
            "dst_id": self.dst_id,
            "protocol": "stp" if self.stp else None,
        }
        if self.leaf is not None:
            fields |= person_in_audit(self.leaf)
        return {key: value for key, value in fields.items() if value is not None}

    def status_fields(self) -> dict[str, object]:
        """Return the fields of the status, with the name as ``tunnel.log.personal`` shows it."""
        return {
            "tunnel_id": self.tunnel_id,
            "stage": self.stage.value,
            "client": self.client,
            "user": name_shown(self.leaf.common_name) if self.leaf else None,
            "serial": self.leaf.serial_hex if self.leaf else None,
            "domain": self.domain,
            "dst_id": self.dst_id,
            "protocol": self.protocol,
        }

    def byte_fields(self) -> dict[str, object]:
        """Return the bytes that an open tunnel has carried; nothing if it was never open."""
        if self.relay is None:
            return {}
        return {"bytes_up": self.bytes_up, "bytes_down": self.bytes_down}


def end_fields(end: RelayEnd, seconds: float) -> dict[str, object]:
    """Return why a connection ended after so many ``seconds``, for the log and for the audit."""
    fields: dict[str, object] = {"reason": end.reason, "seconds": round(seconds, 3)}
    if end.error is not None:
        fields["detail"] = str(end.error)
    if isinstance(end.error, NotPermittedError) and end.error.rule:
        fields["rule"] = end.error.rule
    return fields

"""Alerts: one side tells the other why it ends a tunnel before its time.

The wire carries a code and a fixed text of ours. The text of the error itself is for the
log of the side that raised it and never leaves it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from tunnel_gateway.errors import AlertReceivedError, TruncatedError, TunnelGatewayError
from tunnel_gateway.protocol.faults import alert_of_wrong_length


class AlertCode(IntEnum):
    """The codes of docs/protocol.md; each is the ``code`` of one error class, in capitals."""

    PROTOCOL_ERROR = 1
    UNSUPPORTED_VERSION = 2
    NO_COMMON_SUITE = 3
    UNKNOWN_DOMAIN = 4
    CERTIFICATE_UNTRUSTED = 5
    CERTIFICATE_EXPIRED = 6
    CERTIFICATE_REVOKED = 7
    CERTIFICATE_UNSUITABLE = 8
    BAD_SIGNATURE = 9
    BAD_RECORD = 10
    UNKNOWN_DESTINATION = 11
    DESTINATION_UNREACHABLE = 12
    NOT_PERMITTED = 13
    NOT_WEBSOCKET = 14
    OVERLOADED = 15
    TIMED_OUT = 16
    SHUTTING_DOWN = 17
    INTERNAL_ERROR = 18
    RATE_LIMITED = 19
    TOO_MANY_TUNNELS = 20
    DESTINATION_BUSY = 21
    CLOSED_BY_OPERATOR = 22
    REQUEST_TOO_LARGE = 23
    PAGE_LOST = 24


TEXTS: Final[dict[AlertCode, str]] = {
    AlertCode.PROTOCOL_ERROR: "a message was malformed or out of place",
    AlertCode.UNSUPPORTED_VERSION: "this protocol version is not spoken here",
    AlertCode.NO_COMMON_SUITE: "no offered cipher suite is known here",
    AlertCode.UNKNOWN_DOMAIN: "this gateway does not serve the domain",
    AlertCode.CERTIFICATE_UNTRUSTED: "the certificate shown does not lead to a trusted root",
    AlertCode.CERTIFICATE_EXPIRED: "the certificate shown has expired or is not valid yet",
    AlertCode.CERTIFICATE_REVOKED: "the certificate shown was revoked",
    AlertCode.CERTIFICATE_UNSUITABLE: "the certificate shown is not for this use",
    AlertCode.BAD_SIGNATURE: "the signature over the handshake is wrong",
    AlertCode.BAD_RECORD: "a record was altered on its way",
    AlertCode.UNKNOWN_DESTINATION: "no destination has this dst_id",
    AlertCode.DESTINATION_UNREACHABLE: "the application behind the gateway does not answer",
    AlertCode.NOT_PERMITTED: "this user or page may not use the destination",
    AlertCode.NOT_WEBSOCKET: "only a WebSocket connection may use the tunnel",
    AlertCode.OVERLOADED: "the gateway is full; try again later",
    AlertCode.TIMED_OUT: "it took too long",
    AlertCode.SHUTTING_DOWN: "the gateway is stopping; try again",
    AlertCode.INTERNAL_ERROR: "an internal error; the log of that side says more",
    AlertCode.RATE_LIMITED: "too many handshakes from this address; try again later",
    AlertCode.TOO_MANY_TUNNELS: "too many open tunnels; close one, or try again later",
    AlertCode.DESTINATION_BUSY: "the application behind the gateway is full; try again later",
    AlertCode.CLOSED_BY_OPERATOR: "an operator of the gateway has closed the tunnel",
    AlertCode.REQUEST_TOO_LARGE: "the page's request is longer than 16 KiB, cookies included",
    AlertCode.PAGE_LOST: "the page's connection broke off",
}


@dataclass(frozen=True, slots=True)
class Alert:
    """``code u8 ‖ length u8 ‖ text``: a number and at most 255 bytes of UTF-8 for people."""

    code: int
    text: str

    @classmethod
    def from_error(cls, error: TunnelGatewayError) -> Alert:
        """Return the alert that tells the peer of ``error``."""
        code = AlertCode.__members__.get(error.code.upper(), AlertCode.INTERNAL_ERROR)
        if isinstance(error, TruncatedError):
            code = AlertCode.PROTOCOL_ERROR  # the peer has left out its close record
        return cls(code, TEXTS[code])

    def in_our_words(self) -> Alert:
        """Return the alert with our own text, because anyone can have written the received text."""
        known = self.code in AlertCode.__members__.values()
        return Alert(self.code, TEXTS[AlertCode(self.code)] if known else "")

    def to_error(self) -> AlertReceivedError:
        """Return the error that this alert is for the side that received it."""
        try:
            name = AlertCode(self.code).name.lower()
        except ValueError:
            name = f"alert_{self.code}"
        return AlertReceivedError(name, self.text)

    @classmethod
    def parse(cls, body: bytes) -> Alert:
        """Parse an alert's body; raises ProtocolViolationError."""
        if len(body) < 2 or len(body) != 2 + body[1]:
            raise alert_of_wrong_length()
        # A stranger's text ends up in a log and on a screen: printable characters only.
        text = body[2:].decode("utf-8", "replace")
        return cls(body[0], "".join(c if c.isprintable() else "?" for c in text))

    def serialize(self) -> bytes:
        """Return the body that ``parse`` reads."""
        text = self.text.encode()[:255]
        return bytes((self.code, len(text))) + text

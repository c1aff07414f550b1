"""How STP tells why a tunnel does not open: a number, and a text where there is room for one.

The protocol leaves the numbers to the gateway, and the client shows them as they are. Ours are
those of the alerts in docs/protocol.md, and two more for what only STP has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tunnel_gateway.errors import (
    AlertReceivedError,
    TunnelGatewayError,
)
from tunnel_gateway.protocol.alerts import Alert, AlertCode
from tunnel_gateway.protocol.stp.stp_errors import CurveNotServedError, RepeatableModeError
from tunnel_gateway.protocol.stp.stp_messages import Finish

# Kind of error, number, name and text. Above 127 the client shows a negative number.
_OF_STP: Final[tuple[tuple[type[TunnelGatewayError], int, str, str], ...]] = (
    (
        RepeatableModeError,
        64,
        "repeatable_mode",
        "this cipher mode is not accepted; try again",
    ),
    (
        CurveNotServedError,
        65,
        "curve_not_served",
        "the gateway has no certificate on the curve of this key",
    ),
)


@dataclass(frozen=True, slots=True)
class StpRefusal:
    """A ``number`` from 1 to 127, and an ASCII ``text``: the client has no character set for it."""

    number: int
    text: str

    @classmethod
    def from_error(cls, error: TunnelGatewayError) -> StpRefusal:
        """Return what the peer is told of ``error``: never the error's own text."""
        for kind, number, _, text in _OF_STP:
            if isinstance(error, kind):
                return cls(number, text)
        alert = Alert.from_error(error)
        return cls(alert.code, alert.text)

    def first_byte(self) -> bytes:
        """Return the byte that takes the place of message 2 or 5."""
        return bytes((self.number,))

    def finish(self) -> Finish:
        """Return the message 6 that takes the place of the good one."""
        return Finish(self.number, self.text.encode("ascii", "replace"))


def refusal_of_number(number: int) -> AlertReceivedError:
    """Return the error for a first byte that refuses; the name is right for a gateway of ours."""
    return AlertReceivedError(_name(number), "a number without words")


def refusal_of_finish(finish: Finish) -> AlertReceivedError:
    """Return the error for a finish that refuses."""
    # A stranger's text ends up in a log and on a screen: printable characters only.
    text = finish.text.decode("utf-8", "replace")
    shown = "".join(one if one.isprintable() else "?" for one in text)
    return AlertReceivedError(_name(finish.code), shown)


def _name(code: int) -> str:
    for _, number, name, _ in _OF_STP:
        if code == number:
            return name
    try:
        return AlertCode(code).name.lower()
    except ValueError:
        return f"refusal_{code}"

"""The events that only STP has; the others are those of ``protocol/events.py``."""

from __future__ import annotations

from dataclasses import dataclass

from tunnel_gateway.protocol.events import Event


@dataclass(frozen=True, slots=True)
class PeerClosed:
    """The peer has closed its connection, so both directions are over.

    STP has no message for the end: nothing tells whether all that the peer sent has come.
    """


StpEvent = Event | PeerClosed

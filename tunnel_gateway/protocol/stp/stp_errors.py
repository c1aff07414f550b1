"""The errors that only STP has; the tree of all is in ``errors.py``."""

from __future__ import annotations

from tunnel_gateway.errors import PeerError


class RepeatableModeError(PeerError):
    """The other side drew a cipher mode whose keystream a listener can have again."""

    code = "repeatable_mode"


class CurveNotServedError(PeerError):
    """The two sides have no certificates on one curve."""

    code = "curve_not_served"

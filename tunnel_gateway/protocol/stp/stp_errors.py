"""The errors that only STP has. Each shares the code of an error that means the same elsewhere."""

from __future__ import annotations

from tunnel_gateway.errors import NoCommonSuiteError, UnknownDomainError


class RepeatableModeError(NoCommonSuiteError):
    """The other side drew a cipher mode whose keystream a listener can have again."""


class CurveNotServedError(UnknownDomainError):
    """The two sides have no certificates on one curve."""

"""The faults of a peer's records, and the error for each.

The records of an open tunnel are received in two places: ``connection`` and the data plane, which
is written in C. Both take their errors from here, so each fault has one text.
"""

from __future__ import annotations

from tunnel_gateway.errors import BadRecordError, ProtocolViolationError, TruncatedError
from tunnel_gateway.protocol.constants import RecordType
from tunnel_gateway.protocol.states import State


def unknown_type(number: int) -> ProtocolViolationError:
    """Return the error for a record of an unknown type."""
    return ProtocolViolationError(f"a record of the unknown type {number}")


def record_too_long(record_type: RecordType, size: int) -> ProtocolViolationError:
    """Return the error for a record of more bytes than its type may have."""
    return ProtocolViolationError(f"a {record_type.name} record of {size} bytes")


def not_genuine() -> BadRecordError:
    """Return the error for a protected record that was not sealed with the keys of the tunnel."""
    return BadRecordError("a record does not open")


def unknown_content(number: int) -> ProtocolViolationError:
    """Return the error for a protected record of an unknown content type."""
    return ProtocolViolationError(f"a record of the unknown content {number}")


def empty_data() -> ProtocolViolationError:
    """Return the error for a data record without data: it could be sent for ever, for nothing."""
    return ProtocolViolationError("a data record without data")


def close_with_payload() -> ProtocolViolationError:
    """Return the error for a close record that has bytes in it."""
    return ProtocolViolationError("a close record with a payload")


def alert_of_wrong_length() -> ProtocolViolationError:
    """Return the error for an alert that is shorter or longer than it says."""
    return ProtocolViolationError("an alert of the wrong length")


def truncated(state: State) -> TruncatedError:
    """Return the error for a socket that has ended before the close record."""
    return TruncatedError(f"the connection ended while {state.value}")

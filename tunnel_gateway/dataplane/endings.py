"""The end of a tunnel in the data plane, told in the words of every other end."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tunnel_gateway.dataplane._native._plane import lib
from tunnel_gateway.end_reasons import EndReason
from tunnel_gateway.errors import OverloadedError, TunnelGatewayError
from tunnel_gateway.protocol import faults
from tunnel_gateway.protocol.alerts import Alert
from tunnel_gateway.protocol.constants import RecordType
from tunnel_gateway.protocol.states import State, Step, out_of_place
from tunnel_gateway.protocol.stp import stp_frames
from tunnel_gateway.transport.streams.relay import RelayEnd, expired


@dataclass(frozen=True, slots=True)
class Ending:
    """The numbers that plane.h has for an end, and the body of the alert that came."""

    reason: int
    detail: int = 0
    number: int = 0
    body: bytes = b""


STOPPED: Final = Ending(lib.PLANE_STOPPED)

_STATES: Final = {
    lib.PLANE_OPEN: State.OPEN,
    lib.PLANE_LOCAL_CLOSED: State.LOCAL_CLOSED,
    lib.PLANE_REMOTE_CLOSED: State.REMOTE_CLOSED,
    lib.PLANE_CLOSED: State.CLOSED,
}
_STEPS: Final = {
    lib.PLANE_STEP_HELLO: Step.RECEIVE_HELLO,
    lib.PLANE_STEP_HANDSHAKE: Step.RECEIVE_HANDSHAKE,
    lib.PLANE_STEP_DATA: Step.RECEIVE_DATA,
    lib.PLANE_STEP_CLOSE: Step.RECEIVE_CLOSE,
    lib.PLANE_STEP_ALERT: Step.RECEIVE_ALERT,
    lib.PLANE_STEP_CLEAR_ALERT: Step.RECEIVE_CLEAR_ALERT,
}
_ORDINARY: Final = {
    lib.PLANE_COMPLETED: RelayEnd(EndReason.COMPLETED),
    lib.PLANE_PEER_LEFT: RelayEnd(EndReason.PEER_LEFT),
}
_LIMITS: Final = {
    lib.PLANE_IDLE: EndReason.IDLE,
    lib.PLANE_HALF_CLOSE: EndReason.HALF_CLOSE,
    lib.PLANE_LIFETIME: EndReason.LIFETIME,
}
_ERRORS: Final[dict[int, Callable[[Ending], TunnelGatewayError]]] = {
    lib.PLANE_ALERT: lambda end: Alert.parse(end.body).to_error(),
    lib.PLANE_OVERLOADED: lambda _: OverloadedError("no memory is left for the tunnel's bytes"),
    lib.PLANE_TRUNCATED: lambda end: faults.truncated(_STATES[end.detail]),
    lib.PLANE_BAD_RECORD: lambda _: faults.not_genuine(),
    lib.PLANE_UNKNOWN_TYPE: lambda end: faults.unknown_type(end.number),
    lib.PLANE_RECORD_SIZE: lambda end: faults.record_too_long(RecordType(end.detail), end.number),
    lib.PLANE_OUT_OF_PLACE: lambda end: out_of_place(_STATES[end.detail], _STEPS[end.number]),
    lib.PLANE_UNKNOWN_CONTENT: lambda end: faults.unknown_content(end.number),
    lib.PLANE_EMPTY_DATA: lambda _: faults.empty_data(),
    lib.PLANE_CLOSE_PAYLOAD: lambda _: faults.close_with_payload(),
    lib.PLANE_ALERT_LENGTH: lambda _: faults.alert_of_wrong_length(),
    lib.PLANE_STP_CHECKSUM: lambda end: stp_frames.wrong_checksum(first=not end.number),
    lib.PLANE_STP_COUNTER: lambda end: stp_frames.wrong_counter(*_words(end)),
    lib.PLANE_STP_LENGTH: lambda end: stp_frames.wrong_length(*_words(end)),
    lib.PLANE_STP_SPENT: lambda _: stp_frames.all_frames_spent(),
}


def _words(ending: Ending) -> tuple[int, int]:
    """Return the two words of 32 bits that a header of STP has, which C has as signed ones."""
    return ending.number & 0xFFFFFFFF, ending.detail & 0xFFFFFFFF


def relay_end(ending: Ending, socket_lost: EndReason, stopped: TunnelGatewayError) -> RelayEnd:
    """Return the end as ``Relay`` would tell it.

    ``socket_lost`` is the reason when the plain side broke off, and ``stopped`` is the error that
    the tunnel was stopped with.
    """
    reason = ending.reason
    if reason in _ORDINARY:
        return _ORDINARY[reason]
    if reason in _LIMITS:
        return expired(_LIMITS[reason])
    if reason == lib.PLANE_PEER_LOST:
        return RelayEnd(EndReason.PEER_LOST, _system_error(ending.number))
    if reason == lib.PLANE_SOCKET_LOST:
        return RelayEnd(socket_lost, _system_error(ending.number))
    error = stopped if reason == lib.PLANE_STOPPED else _ERRORS[reason](ending)
    return RelayEnd(error.code, error)


def _system_error(number: int) -> OSError | None:
    return OSError(number, os.strerror(number)) if number else None

"""The states of a connection, and the one table of what may come next.

Rule: a transition that is not in the table is refused. No other code decides this.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final

from tunnel_gateway.errors import ProtocolViolationError


class _Member(Enum):
    """Looked up in tables for each record: each member is one object, and hashed as such."""

    __hash__ = object.__hash__


class State(_Member):
    """The state of a connection: three of the client, three of the server, then those of both.

    The values are for people, after the word "while".
    """

    CLIENT_EXPECT_HELLO = "waiting for the gateway's hello"
    CLIENT_EXPECT_AUTHENTICATION = "waiting for the gateway's authentication"
    CLIENT_EXPECT_READY = "waiting to be let in by the gateway"
    SERVER_EXPECT_HELLO = "waiting for the client's hello"
    SERVER_EXPECT_AUTHENTICATION = "waiting for the client's authentication"
    SERVER_AUTHORIZING = "deciding about the client"
    OPEN = "open"
    LOCAL_CLOSED = "closed on this side"
    REMOTE_CLOSED = "closed on the other side"
    CLOSED = "closed"


class Step(_Member):
    """Something received from the peer, or sent by us, in words."""

    RECEIVE_HELLO = "a hello"
    RECEIVE_HANDSHAKE = "a handshake message"
    RECEIVE_DATA = "data"
    RECEIVE_CLOSE = "a close"
    RECEIVE_ALERT = "an alert"
    RECEIVE_CLEAR_ALERT = "an alert in the clear"
    SEND_READY = "a ready message of our own"
    SEND_DATA = "data of our own"
    SEND_CLOSE = "a close of our own"


_S = State
_T = Step

TRANSITIONS: Final[Mapping[tuple[State, Step], State]] = MappingProxyType(
    {
        (_S.CLIENT_EXPECT_HELLO, _T.RECEIVE_HELLO): _S.CLIENT_EXPECT_AUTHENTICATION,
        (_S.CLIENT_EXPECT_AUTHENTICATION, _T.RECEIVE_HANDSHAKE): _S.CLIENT_EXPECT_READY,
        (_S.CLIENT_EXPECT_READY, _T.RECEIVE_HANDSHAKE): _S.OPEN,
        (_S.SERVER_EXPECT_HELLO, _T.RECEIVE_HELLO): _S.SERVER_EXPECT_AUTHENTICATION,
        (_S.SERVER_EXPECT_AUTHENTICATION, _T.RECEIVE_HANDSHAKE): _S.SERVER_AUTHORIZING,
        (_S.SERVER_AUTHORIZING, _T.SEND_READY): _S.OPEN,
        (_S.OPEN, _T.RECEIVE_DATA): _S.OPEN,
        (_S.OPEN, _T.SEND_DATA): _S.OPEN,
        (_S.OPEN, _T.RECEIVE_CLOSE): _S.REMOTE_CLOSED,
        (_S.OPEN, _T.SEND_CLOSE): _S.LOCAL_CLOSED,
        (_S.LOCAL_CLOSED, _T.RECEIVE_DATA): _S.LOCAL_CLOSED,
        (_S.LOCAL_CLOSED, _T.RECEIVE_CLOSE): _S.CLOSED,
        (_S.REMOTE_CLOSED, _T.SEND_DATA): _S.REMOTE_CLOSED,
        (_S.REMOTE_CLOSED, _T.SEND_CLOSE): _S.CLOSED,
        # A clear alert proves nothing about who sent it, so it counts only until the peer
        # has sent something that does.
        (_S.CLIENT_EXPECT_HELLO, _T.RECEIVE_CLEAR_ALERT): _S.CLOSED,
        (_S.SERVER_EXPECT_HELLO, _T.RECEIVE_CLEAR_ALERT): _S.CLOSED,
        (_S.SERVER_EXPECT_AUTHENTICATION, _T.RECEIVE_CLEAR_ALERT): _S.CLOSED,
        (_S.CLIENT_EXPECT_AUTHENTICATION, _T.RECEIVE_ALERT): _S.CLOSED,
        (_S.CLIENT_EXPECT_READY, _T.RECEIVE_ALERT): _S.CLOSED,
        (_S.SERVER_EXPECT_AUTHENTICATION, _T.RECEIVE_ALERT): _S.CLOSED,
        (_S.SERVER_AUTHORIZING, _T.RECEIVE_ALERT): _S.CLOSED,
        (_S.OPEN, _T.RECEIVE_ALERT): _S.CLOSED,
        (_S.LOCAL_CLOSED, _T.RECEIVE_ALERT): _S.CLOSED,
    }
)


def next_state(state: State, step: Step) -> State:
    """Return the state after ``step``; raises ProtocolViolationError if it is out of place."""
    try:
        return TRANSITIONS[state, step]
    except KeyError:
        raise out_of_place(state, step) from None


def out_of_place(state: State, step: Step) -> ProtocolViolationError:
    """Return the error for a step that the table does not have."""
    return ProtocolViolationError(f"{step.value} is out of place while {state.value}")

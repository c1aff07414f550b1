"""The states of an STP connection, and the one table of what may come next.

Rule: a transition that is not in the table is refused. No other code decides this.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final

from tunnel_gateway.errors import ProtocolViolationError


class StpState(Enum):
    """Three states of the client, four of the server, then those of both.

    The values are for people, after the word "while".
    """

    CLIENT_EXPECT_PARAMS = "waiting for the gateway's certificate"
    CLIENT_EXPECT_PROOF = "waiting for the gateway's proof"
    CLIENT_EXPECT_FINISH = "waiting to be let in by the gateway"
    SERVER_EXPECT_PARAMS = "waiting for the client's certificate"
    SERVER_EXPECT_PROOF = "waiting for the client's proof"
    SERVER_OPENING = "deciding about the client"
    SERVER_EXPECT_FINISH = "waiting for the client's finish"
    OPEN = "open"
    ENDING = "waiting until the client has read the end"
    CLOSED = "closed"


class StpStep(Enum):
    """Something received from the peer, or sent by us, in words."""

    RECEIVE_PARAMS = "a certificate"
    RECEIVE_PROOF = "a proof"
    RECEIVE_FINISH = "a finish"
    RECEIVE_DATA = "data"
    SEND_FINISH = "a finish of our own"
    SEND_DATA = "data of our own"


_S = StpState
_T = StpStep

TRANSITIONS: Final[Mapping[tuple[StpState, StpStep], StpState]] = MappingProxyType(
    {
        (_S.CLIENT_EXPECT_PARAMS, _T.RECEIVE_PARAMS): _S.CLIENT_EXPECT_PROOF,
        (_S.CLIENT_EXPECT_PROOF, _T.RECEIVE_PROOF): _S.CLIENT_EXPECT_FINISH,
        (_S.CLIENT_EXPECT_FINISH, _T.RECEIVE_FINISH): _S.OPEN,
        (_S.SERVER_EXPECT_PARAMS, _T.RECEIVE_PARAMS): _S.SERVER_EXPECT_PROOF,
        (_S.SERVER_EXPECT_PROOF, _T.RECEIVE_PROOF): _S.SERVER_OPENING,
        (_S.SERVER_OPENING, _T.SEND_FINISH): _S.SERVER_EXPECT_FINISH,
        (_S.SERVER_EXPECT_FINISH, _T.SEND_DATA): _S.SERVER_EXPECT_FINISH,
        (_S.SERVER_EXPECT_FINISH, _T.RECEIVE_FINISH): _S.OPEN,
        (_S.OPEN, _T.RECEIVE_DATA): _S.OPEN,
        (_S.OPEN, _T.SEND_DATA): _S.OPEN,
    }
)
# Any state ends in ENDING or CLOSED when a side ends it; a state without the other side's turn
# has no time limit of its own.
EXPECTING: Final = frozenset(state for state, step in TRANSITIONS if "RECEIVE" in step.name) - {
    _S.OPEN
}
SENDING: Final = frozenset(state for state, step in TRANSITIONS if step is _T.SEND_DATA)
HANDSHAKE: Final = EXPECTING | {_S.SERVER_OPENING}
OVER: Final = frozenset({_S.ENDING, _S.CLOSED})


def next_stp_state(state: StpState, step: StpStep) -> StpState:
    """Return the state after ``step``; raises ProtocolViolationError if it is out of place."""
    try:
        return TRANSITIONS[state, step]
    except KeyError:
        raise ProtocolViolationError(f"{step.value} is out of place while {state.value}") from None

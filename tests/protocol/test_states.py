"""The table of states: what is not in it is refused, for every pair of state and step."""

from __future__ import annotations

import itertools

import pytest

from tunnel_gateway.errors import ProtocolViolationError
from tunnel_gateway.protocol.states import TRANSITIONS, State, Step, next_state

EVERYTHING = list(itertools.product(State, Step))
# Written again, by hand, from docs/protocol.md: state, what may come, and what follows.
ALLOWED = """
CLIENT_EXPECT_HELLO            RECEIVE_HELLO        CLIENT_EXPECT_AUTHENTICATION
CLIENT_EXPECT_HELLO            RECEIVE_CLEAR_ALERT  CLOSED
CLIENT_EXPECT_AUTHENTICATION   RECEIVE_HANDSHAKE    CLIENT_EXPECT_READY
CLIENT_EXPECT_AUTHENTICATION   RECEIVE_ALERT        CLOSED
CLIENT_EXPECT_READY            RECEIVE_HANDSHAKE    OPEN
CLIENT_EXPECT_READY            RECEIVE_ALERT        CLOSED
SERVER_EXPECT_HELLO            RECEIVE_HELLO        SERVER_EXPECT_AUTHENTICATION
SERVER_EXPECT_HELLO            RECEIVE_CLEAR_ALERT  CLOSED
SERVER_EXPECT_AUTHENTICATION   RECEIVE_HANDSHAKE    SERVER_AUTHORIZING
SERVER_EXPECT_AUTHENTICATION   RECEIVE_ALERT        CLOSED
SERVER_EXPECT_AUTHENTICATION   RECEIVE_CLEAR_ALERT  CLOSED
SERVER_AUTHORIZING             SEND_READY           OPEN
SERVER_AUTHORIZING             RECEIVE_ALERT        CLOSED
OPEN                           RECEIVE_DATA         OPEN
OPEN                           SEND_DATA            OPEN
OPEN                           RECEIVE_CLOSE        REMOTE_CLOSED
OPEN                           SEND_CLOSE           LOCAL_CLOSED
OPEN                           RECEIVE_ALERT        CLOSED
LOCAL_CLOSED                   RECEIVE_DATA         LOCAL_CLOSED
LOCAL_CLOSED                   RECEIVE_CLOSE        CLOSED
LOCAL_CLOSED                   RECEIVE_ALERT        CLOSED
REMOTE_CLOSED                  SEND_DATA            REMOTE_CLOSED
REMOTE_CLOSED                  SEND_CLOSE           CLOSED
"""
TABLE = {
    (State[state], Step[step]): State[following]
    for state, step, following in map(str.split, ALLOWED.strip().splitlines())
}


@pytest.mark.parametrize(("state", "step"), EVERYTHING, ids=lambda one: one.name)
def test_every_state_and_step(state: State, step: Step) -> None:
    if (state, step) in TABLE:
        assert next_state(state, step) is TABLE[state, step]
    else:
        with pytest.raises(
            ProtocolViolationError, match=f"{step.value} is out of place while {state.value}"
        ):
            next_state(state, step)


def test_they_are_words_for_people() -> None:
    words = [one.value for one in (*State, *Step)]
    assert all(
        text.replace("'", "").replace(" ", "").islower() and "_" not in text for text in words
    )


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        TRANSITIONS[State.CLOSED, Step.SEND_DATA] = State.OPEN  # type: ignore[index]


def test_nothing_leaves_the_end() -> None:
    assert not [state for state, _ in TRANSITIONS if state is State.CLOSED]


def test_open_is_reached_through_the_proofs_alone() -> None:
    ways = {(state, step) for (state, step), to in TRANSITIONS.items() if to is State.OPEN}
    assert {way for way in ways if way[0] is not State.OPEN} == {
        (State.CLIENT_EXPECT_READY, Step.RECEIVE_HANDSHAKE),
        (State.SERVER_AUTHORIZING, Step.SEND_READY),
    }


def test_data_moves_in_open_states_alone() -> None:
    allowed = {
        (state, step)
        for state, step in TRANSITIONS
        if step in (Step.RECEIVE_DATA, Step.SEND_DATA, Step.RECEIVE_CLOSE, Step.SEND_CLOSE)
    }
    assert {state for state, _ in allowed} == {
        State.OPEN,
        State.LOCAL_CLOSED,
        State.REMOTE_CLOSED,
    }


def test_every_state_is_reached_and_none_twice_in_a_handshake() -> None:
    starts = {State.CLIENT_EXPECT_HELLO, State.SERVER_EXPECT_HELLO}
    assert set(TRANSITIONS.values()) | starts == set(State)
    for start in starts:
        assert start not in TRANSITIONS.values()

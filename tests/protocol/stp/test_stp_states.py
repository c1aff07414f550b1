"""The table of states: each step has its one place, and each role its own states."""

from __future__ import annotations

import pytest

from tunnel_gateway.errors import ProtocolViolationError
from tunnel_gateway.protocol.stp.stp_states import (
    EXPECTING,
    HANDSHAKE,
    OVER,
    SENDING,
    TRANSITIONS,
    StpState,
    StpStep,
    next_stp_state,
)

PAIRS = [(state, step) for state in StpState for step in StpStep]


@pytest.mark.parametrize(("state", "step"), PAIRS)
def test_what_is_not_in_the_table_is_refused(state: StpState, step: StpStep) -> None:
    if (state, step) in TRANSITIONS:
        assert next_stp_state(state, step) is TRANSITIONS[state, step]
        return
    with pytest.raises(ProtocolViolationError) as caught:
        next_stp_state(state, step)
    assert str(caught.value) == f"{step.value} is out of place while {state.value}"


def reachable(start: StpState) -> set[StpState]:
    found = {start}
    while more := {to for (one, _), to in TRANSITIONS.items() if one in found} - found:
        found |= more
    return found


def test_the_roles_share_only_the_open_state() -> None:
    client = reachable(StpState.CLIENT_EXPECT_PARAMS)
    server = reachable(StpState.SERVER_EXPECT_PARAMS)
    assert client & server == {StpState.OPEN}
    assert client | server == set(StpState) - OVER


def test_each_step_of_a_handshake_has_one_place_in_a_role() -> None:
    for step in StpStep:
        places = [state for state, one in TRANSITIONS if one is step]
        if step not in (StpStep.SEND_DATA, StpStep.RECEIVE_DATA):
            assert len({place.name.split("_")[0] for place in places}) == len(places)


def test_the_groups() -> None:
    assert StpState.OPEN not in HANDSHAKE
    assert {StpState.SERVER_OPENING} == HANDSHAKE - EXPECTING
    assert {StpState.OPEN, StpState.SERVER_EXPECT_FINISH} == SENDING
    assert not OVER & {state for state, _ in TRANSITIONS}

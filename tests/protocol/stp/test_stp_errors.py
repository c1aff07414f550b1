"""The errors of STP keep the rules of the tree that they belong to."""

from __future__ import annotations

from tests.test_errors import below
from tests.test_errors import test_a_code_belongs_to_one_kind_of_error as check_codes
from tunnel_gateway.errors import PeerError
from tunnel_gateway.protocol.stp.stp_errors import CurveNotServedError, RepeatableModeError


def test_they_are_in_the_tree_with_codes_of_their_own() -> None:
    assert {CurveNotServedError, RepeatableModeError} <= {*below(PeerError)}
    check_codes()

"""What is left of an error that is kept: what it says, and nothing of where it was raised."""

from __future__ import annotations

import pytest

from tests.support.garbage import cycles
from tunnel_gateway.errors import (
    AlertReceivedError,
    NotPermittedError,
    ProtocolViolationError,
    TimedOutError,
)
from tunnel_gateway.kept_errors import again, let_go
from tunnel_gateway.limit_keys import Limit


class Keeper:
    """Keeps the error that it raises, and another that led to it."""

    def __init__(self) -> None:
        self.error: Exception | None = None

    def fail(self) -> None:
        try:
            self._fail_first()
        except ValueError as fault:
            error = ProtocolViolationError("second")
            raise error from fault

    def _fail_first(self) -> None:
        fault = ValueError("first")
        raise fault

    def keep(self, *, whole: bool) -> None:
        try:
            self.fail()
        except ProtocolViolationError as error:
            if not whole:
                let_go(error)
            self.error = error


@pytest.mark.parametrize("whole", [True, False])
def test_the_frames_and_what_led_to_it(whole: bool) -> None:
    with cycles() as left:
        Keeper().keep(whole=whole)
    assert bool(left) == whole


@pytest.mark.parametrize(
    "error",
    [
        ConnectionResetError(104, "Connection reset by peer"),
        TimedOutError("too long", Limit.IDLE),
        AlertReceivedError("overloaded", "full"),
        NotPermittedError("no", "tunnel.destination.0.allow"),
    ],
)
def test_a_copy(error: Exception) -> None:
    copy = again(error)
    assert copy is not error
    assert (type(copy), copy.args, str(copy)) == (type(error), error.args, str(error))
    assert vars(copy) == vars(error)
    if isinstance(error, OSError):
        assert isinstance(copy, OSError)
        assert (copy.errno, copy.strerror) == (error.errno, error.strerror)

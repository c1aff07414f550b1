"""The demonstration, where it cannot be given."""

from __future__ import annotations

import socket

from tests.support.processes import LOOPBACK, Program


def test_a_port_that_is_taken() -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        program = Program("the API", "demo/api.py", "--port", str(port))
        assert program.exit_code() == 1
    (line,) = program.errors
    assert str(port) in line
    assert "address already in use" in line
    assert line.endswith("; end what listens there and try again")

"""Sockets passed as systemd passes them, at descriptors of this process."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from tests.support.loopback import LOOPBACK
from tunnel_gateway.errors import CannotListenError
from tunnel_gateway.transport.system.activation import passed_sockets

FIRST = 400  # where no descriptor of the tests lies


class Passing:
    """Puts sockets where a process that was just started would find them."""

    def __init__(self) -> None:
        self.count = 0

    def add(self, one: socket.socket) -> socket.socket:
        os.dup2(one.fileno(), FIRST + self.count)
        self.count += 1
        return one

    def environment(self, names: str | None, **other: str) -> dict[str, str]:
        variables = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(self.count)}
        return variables | ({} if names is None else {"LISTEN_FDNAMES": names}) | other

    def close(self) -> None:
        for number in range(FIRST, FIRST + self.count):
            try:
                os.close(number)
            except OSError:
                continue  # whoever took it has closed it


@pytest.fixture
def passing() -> Iterator[Passing]:
    passing = Passing()
    yield passing
    passing.close()


@pytest.mark.parametrize("host", [LOOPBACK, "::1"])
def test_a_socket_by_its_name(passing: Passing, host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with (
        socket.create_server((host, 0), family=family) as first,
        socket.create_server((host, 0), family=family) as second,
    ):
        passing.add(first)
        passing.add(second)
        variables = passing.environment("tunnel:admin")
        found = passed_sockets(variables, FIRST)
        assert variables == {}
        assert list(found) == ["tunnel", "admin"]
        assert found["tunnel"].getsockname() == first.getsockname()
        assert not os.get_inheritable(found["tunnel"].fileno())
        assert not found["tunnel"].getblocking()
        for one in found.values():
            one.close()
        with socket.create_connection(first.getsockname()[:2]):  # it listens where it was made
            pass


def test_without_names(passing: Passing) -> None:
    with socket.create_server((LOOPBACK, 0)) as listening:
        passing.add(listening)
        found = passed_sockets(passing.environment(None), FIRST)
        assert list(found) == ["unknown"]
        found["unknown"].close()


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"LISTEN_PID": "1", "LISTEN_FDS": "1"},
        {"LISTEN_FDS": "1"},
        {"LISTEN_PID": str(os.getpid())},
        {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "-1"},
        {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "0"},
    ],
)
def test_nothing_is_passed_to_us(variables: dict[str, str]) -> None:
    assert passed_sockets(variables, FIRST) == {}
    assert variables == {}


def test_what_is_no_listening_tcp_socket(passing: Passing) -> None:
    with socket.create_server((LOOPBACK, 0)) as there:
        for one in (
            socket.socket(socket.AF_UNIX),
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
            socket.socket(),
            socket.create_connection(there.getsockname()),
        ):
            with one:
                passing.count = 0
                passing.add(one)
                with pytest.raises(CannotListenError, match="'x' is not a listening TCP socket"):
                    passed_sockets(passing.environment("x"), FIRST)
                os.fstat(FIRST)  # still open, for it is not ours


def test_what_is_no_socket() -> None:
    variables = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1", "LISTEN_FDNAMES": "tunnel"}
    with pytest.raises(CannotListenError, match="Bad file descriptor"):
        passed_sockets(variables, FIRST)


def test_too_many_and_two_of_a_name(passing: Passing) -> None:
    with pytest.raises(CannotListenError, match="1000 sockets, and 16 are allowed"):
        passed_sockets(passing.environment("", LISTEN_FDS="1000"), FIRST)
    with socket.create_server((LOOPBACK, 0)) as listening:
        passing.add(listening)
        passing.add(listening)
        with pytest.raises(CannotListenError, match="two sockets named 'tunnel'"):
            passed_sockets(passing.environment("tunnel:tunnel"), FIRST)

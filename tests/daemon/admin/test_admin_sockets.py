"""The sockets for operators: the files that they replace or leave alone, and their mode."""

from __future__ import annotations

import socket
import stat
from pathlib import Path

import pytest

from tests.support.loopback import LOOPBACK
from tests.support.processes import ReservedPort
from tunnel_gateway.config.admin import AdminAddress
from tunnel_gateway.daemon.admin.admin_sockets import AdminSocket, listen
from tunnel_gateway.errors import CannotListenError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "admin.sock"


def close(made: AdminSocket) -> None:
    made.remove_name()
    made.listening.close()


def test_a_unix_socket(path: Path) -> None:
    made = listen(AdminAddress(path=path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(str(path))
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    close(made)
    assert not path.exists()


def test_a_stale_socket_is_replaced(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
        left.listen()
    made = listen(AdminAddress(path=path))
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(str(path))
    close(made)


@pytest.mark.parametrize("backlog", ["free", "full"])
def test_a_live_socket_is_not(backlog: str, path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as live, socket.socket(socket.AF_UNIX) as waiting:
        live.bind(str(path))
        live.listen(0)
        if backlog == "full":
            waiting.connect(str(path))
        with pytest.raises(CannotListenError, match="another gateway answers"):
            listen(AdminAddress(path=path))
        assert path.is_socket()


def test_what_is_no_socket_is_left_alone(path: Path) -> None:
    path.write_text("precious")
    with pytest.raises(CannotListenError, match="not a socket; move it away"):
        listen(AdminAddress(path=path))
    assert path.read_text() == "precious"
    path.unlink()
    path.symlink_to(path.parent / "elsewhere")
    with pytest.raises(CannotListenError, match="not a socket; move it away"):
        listen(AdminAddress(path=path))


def test_a_folder_that_is_not_there(path: Path) -> None:
    with pytest.raises(CannotListenError, match="must be a folder in which the gateway's user"):
        listen(AdminAddress(path=path / "deeper"))


def test_a_name_that_another_has_taken_over_stays(path: Path) -> None:
    first = listen(AdminAddress(path=path))
    path.unlink()
    second = listen(AdminAddress(path=path))
    close(first)
    assert path.is_socket()
    close(second)


def test_a_port() -> None:
    reserved = ReservedPort()
    made = listen(AdminAddress(host=LOOPBACK, port=reserved.number))
    assert made.listening.getsockname() == (LOOPBACK, reserved.number)
    with pytest.raises(CannotListenError, match="choose a port that nothing else listens on"):
        listen(AdminAddress(host=LOOPBACK, port=reserved.number))
    close(made)
    reserved.close()

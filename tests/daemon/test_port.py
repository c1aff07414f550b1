"""The error for each reason why the system refuses the port."""

from __future__ import annotations

import errno
import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.processes import LOOPBACK, ReservedPort
from tunnel_gateway.daemon import port
from tunnel_gateway.daemon.port import AddressInUseError, Port
from tunnel_gateway.errors import CannotListenError

LISTEN = Port(LOOPBACK, 443, shared=False, keys="tunnel.listen", unit="tunnel-gateway.socket")


def said(number: int, listen: Port = LISTEN) -> str:
    return str(listen.refusal(OSError(number, "cannot listen on 0.0.0.0:443: no")))


def test_a_port_that_takes_a_right() -> None:
    text = said(errno.EACCES)
    for word in ("a port below 1024", "tunnel-gateway.socket", "AmbientCapabilities=", "sysctl"):
        assert word in text
    assert "ip_unprivileged_port_start=443" in text
    assert "right" not in said(errno.EACCES, replace(LISTEN, port=8843))
    assert "right" not in said(errno.EADDRNOTAVAIL)


def test_where_the_system_asks_for_no_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "start"
    monkeypatch.setattr(port, "_FIRST_UNPRIVILEGED", file)
    assert "below 1024" in said(errno.EACCES)
    file.write_text("80\n")
    assert "right" not in said(errno.EACCES)


@pytest.mark.parametrize("address", ["192.0.2.1", "::1%no-such-zone"])
def test_an_address_of_another_machine(address: str) -> None:
    with pytest.raises(CannotListenError, match=r"tunnel\.listen\.ip must be an address"):
        replace(LISTEN, ip=address, port=1025).attempt()


def test_a_port_that_is_taken_and_one_that_is_free() -> None:
    with socket.create_server((LOOPBACK, 0)) as other:
        taken = replace(LISTEN, port=other.getsockname()[1])
        with pytest.raises(AddressInUseError, match="reuseport"):
            taken.attempt()
    reserved = ReservedPort()
    replace(LISTEN, port=reserved.number).attempt()
    # No connection may get to a socket that does not serve.
    with socket.socket() as asking:
        assert asking.connect_ex((LOOPBACK, reserved.number)) == errno.ECONNREFUSED
    reserved.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root has the right")
def test_as_an_ordinary_user() -> None:
    if port._first_unprivileged() > 443:
        with pytest.raises(CannotListenError, match="needs a privilege"):
            LISTEN.attempt()

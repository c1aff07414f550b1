"""What is said where the port cannot be had, for each reason."""

from __future__ import annotations

import errno
import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.credentials import Credentials
from tests.support.processes import LOOPBACK, ReservedPort, write_config
from tunnel_gateway.config.tunnel import Config, load_config
from tunnel_gateway.daemon import port
from tunnel_gateway.daemon.port import AddressInUseError, refusal, try_port
from tunnel_gateway.errors import CannotListenError


@pytest.fixture
def config(credentials: Credentials, tmp_path: Path) -> Config:
    path = tmp_path / "config.properties"
    write_config(path, credentials, 443, {"0": 1})
    return load_config(path)


def said(config: Config, number: int) -> str:
    return str(refusal(OSError(number, "cannot listen on 0.0.0.0:443: no"), config))


def test_a_port_that_takes_a_right(config: Config) -> None:
    text = said(config, errno.EACCES)
    for word in ("a port below 1024", "tunnel-gateway.socket", "AmbientCapabilities=", "sysctl"):
        assert word in text
    assert "ip_unprivileged_port_start=443" in text
    assert "right" not in said(replace(config, listen_port=8843), errno.EACCES)
    assert "right" not in said(config, errno.EADDRNOTAVAIL)


def test_where_the_system_asks_for_no_right(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "start"
    monkeypatch.setattr(port, "_FIRST_UNPRIVILEGED", file)
    assert "below 1024" in said(config, errno.EACCES)
    file.write_text("80\n")
    assert "right" not in said(config, errno.EACCES)


@pytest.mark.parametrize("address", ["192.0.2.1", "::1%no-such-zone"])
def test_an_address_of_another_machine(address: str, config: Config) -> None:
    with pytest.raises(CannotListenError, match=r"tunnel\.listen\.ip must be an address"):
        try_port(replace(config, listen_ip=address, listen_port=1025))


def test_a_port_that_is_taken_and_one_that_is_free(config: Config) -> None:
    with socket.create_server((LOOPBACK, 0)) as other:
        taken = replace(config, listen_port=other.getsockname()[1])
        with pytest.raises(AddressInUseError, match="reuseport"):
            try_port(taken)
    reserved = ReservedPort()
    try_port(replace(config, listen_port=reserved.number))
    # Nobody who comes meanwhile gets to a socket that does not serve.
    with socket.socket() as asking:
        assert asking.connect_ex((LOOPBACK, reserved.number)) == errno.ECONNREFUSED
    reserved.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root has the right")
def test_as_an_ordinary_user(config: Config) -> None:
    if port._first_unprivileged() > 443:
        with pytest.raises(CannotListenError, match="takes a right"):
            try_port(config)

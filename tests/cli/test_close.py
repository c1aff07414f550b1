"""``tunnel-gateway close``; what the page and the log see of it is in tests/scenarios."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.support.credentials import Credentials
from tests.support.destination import join
from tests.support.peer import Peer
from tests.support.processes import Gateway, ReservedPort
from tunnel_gateway.cli.main import main


def free_port() -> int:
    reserved = ReservedPort()
    reserved.close()
    return reserved.number


def test_a_tunnel_is_closed(
    credentials: Credentials,
    destinations: dict[str, int],
    destination: socket.socket,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # The port comes first, and the socket is asked.
    port = free_port()
    listen = {"admin.listen": f"127.0.0.1:{port}, unix:{tmp_path}/admin.sock"}
    gateway = Gateway(credentials, tmp_path, destinations, listen)
    with Peer.of(gateway, credentials, dst_id="raw") as peer, join(peer, destination):
        assert main(["close", peer.tunnel_id, "--admin", f"127.0.0.1:{port}"]) == 1
        assert "use the Unix socket of tunnel.admin.listen" in capsys.readouterr().err
        assert main(["close", "0" * 32, "--config", str(gateway.config)]) == 1
        assert "no tunnel has this id now" in capsys.readouterr().err
        # What somebody has made of the file since does not matter now, and is told.
        with gateway.config.open("a") as file:
            file.write("tunnel.lissen.port=1\n")
        assert main(["close", peer.tunnel_id[:8], "--config", str(gateway.config)]) == 0
        printed = capsys.readouterr()
        assert printed.out == f"closed {peer.tunnel_id}\n"
        assert "tunnel.lissen.port: unknown key" in printed.err
        assert peer.alert() == "closed_by_operator"
    assert gateway.stop() == 0


@pytest.mark.parametrize(
    "text", ["", "abc", "1234567", "g" * 32, "1" * 33, "A" * 32, "../" + "0" * 29]
)
def test_what_is_no_tunnel_id(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["close", text])
    assert caught.value.code == 2
    assert "32 hexadecimal digits" in capsys.readouterr().err

"""Answers that a gateway would not give; the others are in test_status.py and test_close.py."""

from __future__ import annotations

import argparse
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tunnel_gateway.cli.admin_client import AdminClient, add_gateway_options
from tunnel_gateway.errors import AdminError

Answering = Callable[[bytes], AdminClient]


@pytest.fixture
def answering(tmp_path: Path) -> Iterator[Answering]:
    """Something else listens, and answers whatever it is asked."""
    path = tmp_path / "admin.sock"
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    listening.listen()
    threads = []

    def start(answer: bytes) -> AdminClient:
        def run() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        threads.append(threading.Thread(target=run))
        threads[-1].start()
        parser = argparse.ArgumentParser()
        add_gateway_options(parser)
        return AdminClient(parser.parse_args(["--admin", f"unix:{path}"]))

    yield start
    for thread in threads:
        thread.join()
    listening.close()


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "no gateway answers at"),
        (b"", "no gateway answers at"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "is not a gateway: HTTP 200"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 100_000, "is not a gateway: HTTP 200"),
        (b"HTTP/1.1 200 OK\r\nServer: tunnel-gateway\r\n\r\n[]", "is not a gateway: HTTP 200"),
        (b'HTTP/1.1 200 OK\r\nServer: other\r\n\r\n{"ready": true}', "is not a gateway: HTTP 200"),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\nno\n", "admin.sock: no"),
    ],
)
def test_what_is_no_gateway(answer: bytes, text: str, answering: Answering) -> None:
    with pytest.raises(AdminError, match=text):
        answering(answer).get("/status.json")


def test_no_permission(answering: Answering, monkeypatch: pytest.MonkeyPatch) -> None:
    client = answering(b"")

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    real = socket.socket.connect
    monkeypatch.setattr("socket.socket.connect", refuse)
    with pytest.raises(AdminError, match="a member of the group"):
        client.get("/status.json")
    monkeypatch.setattr("socket.socket.connect", real)
    with pytest.raises(AdminError, match="no gateway answers"):
        client.get("/status.json")


@pytest.mark.parametrize("text", ["0.0.0.0:1", "unix:relative", "nonsense", "127.0.0.1"])
def test_addresses_that_are_none(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    add_gateway_options(parser)
    with pytest.raises(SystemExit):
        parser.parse_args(["--admin", text])
    assert "expected unix:/PATH" in capsys.readouterr().err

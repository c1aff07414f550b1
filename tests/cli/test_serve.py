"""``tunnel-gateway serve``: what it refuses to start with, and how its log looks."""

from __future__ import annotations

import os
import pty
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.credentials import FIRST_DOMAIN, Credentials
from tests.support.processes import (
    COMMAND,
    LOOPBACK,
    Gateway,
    Program,
    ReservedPort,
    command,
    wait_until,
    write_config,
)
from tunnel_gateway.cli.main import main
from tunnel_gateway.gost import known_answers
from tunnel_gateway.gost.known_answers import KnownAnswer


@pytest.fixture
def config(credentials: Credentials, tmp_path: Path) -> Callable[..., Path]:
    def write(port: int = 1, destination: int = 1, **settings: object) -> Path:
        path = tmp_path / "config.properties"
        keys = {name.replace("_", "."): value for name, value in settings.items()}
        write_config(path, credentials, port, {"0": destination}, keys)
        return path

    return write


def test_three_mistakes_are_reported_at_once(tmp_path: Path) -> None:
    (tmp_path / "trust.pem").touch()
    (tmp_path / "servers").mkdir()
    path = tmp_path / "config.properties"
    path.write_text(
        "tunnel.enabled=ha\n"
        "tunnel.servers.dir=servers\n"
        "tunnel.truststore.file=trust.pem\n"
        "tunnel.lissen.port=8843\n"
        "# izoh\n"
        "tunnel.destination.0.host=localhost\n"
        "tunnel.destination.0.port=http\n"
    )
    arguments = (*COMMAND, "serve", "--config", str(path))
    program = Program("the gateway", *arguments, preloaded=False)
    assert program.exit_code() == 1
    assert program.output == []
    assert [line.partition(": expected")[0].partition("; did")[0] for line in program.errors] == [
        f"tunnel-gateway: {path}:1: tunnel.enabled",
        f"tunnel-gateway: {path}:4: tunnel.lissen.port: unknown key",
        f"tunnel-gateway: {path}:7: tunnel.destination.0.port",
    ]
    assert "did you mean tunnel.listen.port?" in program.errors[1]


def test_mistakes_in_the_files_it_names(
    config: Callable[..., Path],
    credentials: Credentials,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "servers"
    made = credentials.domain(FIRST_DOMAIN, folder=folder)
    made.key.chmod(0o640)
    credentials.domain("boshqa.uz", folder=folder).chain.write_text("")
    assert main(["serve", "--config", str(config(servers_dir=folder))]) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith(f"tunnel-gateway: {folder}/boshqa.uz: ")
    assert second.startswith(f"tunnel-gateway: {folder}/{FIRST_DOMAIN}: ")
    assert second.endswith(f"run: chmod 600 {made.key}")


def test_no_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--config", str(tmp_path / "yo'q")]) == 1
    assert "cannot be read (No such file or directory)" in capsys.readouterr().err


def test_it_may_be_switched_off(
    config: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--config", str(config(enabled="no"))]) == 0
    assert capsys.readouterr().err == (
        "tunnel-gateway: tunnel.enabled=no, and no listen.port: nothing to do\n"
    )


def test_a_wrong_known_answer_stops_it(
    config: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrong = KnownAnswer("a wrong one", "nowhere", lambda: False)
    monkeypatch.setattr(known_answers.require, "__defaults__", ((wrong,),))
    assert main(["serve", "--config", str(config())]) == 1
    assert "a wrong one" in capsys.readouterr().err


def test_a_port_that_is_taken(
    config: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        arguments = (*COMMAND, "serve", "--config", str(config(port)))
        program = Program("the gateway", *arguments, preloaded=False)
        assert program.exit_code() == 1
    (line,) = program.errors
    assert line.startswith(
        f"tunnel-gateway: cannot listen on {LOOPBACK}:{port}: Address already in use;"
        f" `ss -ltnp sport = :{port}` tells what listens there."
    )


@pytest.mark.parametrize("address", ["192.0.2.1", "::1%yoq"])
def test_an_address_that_is_not_of_this_machine(
    address: str, config: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--config", str(config(8843, listen_ip=address))]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("tunnel-gateway: cannot listen on ")
    assert "tunnel.listen.ip must be an address of this machine" in line


def test_its_log_is_json_when_nobody_watches(start_gateway: Callable[..., Gateway]) -> None:
    gateway = start_gateway(preloaded=False)
    assert gateway.errors[0].startswith('{"timestamp": "20')
    assert gateway.output == []


def test_its_log_is_for_people_on_a_terminal(
    config: Callable[..., Path], closed_port: ReservedPort
) -> None:
    ours, theirs = pty.openpty()
    port = ReservedPort()
    statements = (f"import os; os.dup2(os.open({os.ttyname(theirs)!r}, os.O_RDWR), 2)",)
    arguments = (*command(*statements), "serve", "--config", str(config(port.number)))
    program = Program("the gateway", *arguments, preloaded=False)
    seen = ""

    def listening() -> bool:
        nonlocal seen
        seen += os.read(ours, 65536).decode()
        return "listening" in seen

    wait_until(listening, "a line on the terminal")
    assert "{" not in seen
    assert f"address={LOOPBACK}:{port.number}" in seen.replace("\x1b[0m", "").replace(
        "\x1b[36m", ""
    ).replace("\x1b[35m", "")
    program.signal(signal.SIGTERM)
    assert program.exit_code() == 0
    os.close(ours)
    os.close(theirs)
    port.close()

"""``tunnel-gateway connect``: arguments, passwords, exit codes."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect as connect_websocket

from tests.support.credentials import Credentials
from tests.support.processes import TIME_LIMIT, Agent, Gateway
from tunnel_gateway.cli import arguments, connect
from tunnel_gateway.cli.main import main
from tunnel_gateway.config.values import Address
from tunnel_gateway.pki.files.keyfiles import identity_to_pfx, private_key_to_encrypted_pem
from tunnel_gateway.protocol.client import ClientSettings
from tunnel_gateway.protocol.stp.stp_client import StpClientSettings
from tunnel_gateway.transport.streams.relay import RelayEnd

Run = Callable[..., int]


class Served:
    """Stands in for the tunnel: remembers what was asked for."""

    def __init__(self) -> None:
        self.gateway: Address
        self.settings: Any
        self.time_limit = 0.0
        self.end = RelayEnd("completed")

    async def serve(
        self,
        gateway: Address,
        settings: ClientSettings | StpClientSettings,
        *,
        announce: Callable[[str, bytes], None],
        time_limit: float,
    ) -> RelayEnd:
        self.gateway, self.settings, self.time_limit = gateway, settings, time_limit
        announce("127.0.0.1:5", bytes(16))
        return self.end


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Served:
    stand_in = Served()

    def run(coroutine: Coroutine[Any, Any, RelayEnd]) -> RelayEnd:
        with pytest.raises(StopIteration) as stop:
            coroutine.send(None)
        end: RelayEnd = stop.value.value
        return end

    monkeypatch.setattr(connect, "serve_one_tunnel", stand_in.serve)
    monkeypatch.setattr("uvloop.run", run)
    return stand_in


@pytest.fixture
def run(credentials: Credentials) -> Run:
    def call(*more: object, **replaced: object) -> int:
        arguments: dict[str, object] = {
            "gateway": "127.0.0.1:8843",
            "domain": "Example.UZ.",
            "dst": "0",
            "key": credentials.citizen.key,
            "cert": credentials.citizen.chain,
            "truststore": credentials.truststore,
        } | replaced
        given = {name: value for name, value in arguments.items() if value is not None}
        flat = [text for name, value in given.items() for text in (f"--{name}", str(value))]
        return main(["connect", *flat, *map(str, more)])

    return call


def test_what_it_asks_for(
    served: Served, run: Run, credentials: Credentials, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--expires", "2.5") == 0
    assert served.gateway == Address("127.0.0.1", 8843)
    assert served.settings.server_name == "example.uz"
    assert served.settings.dst_id == "0"
    assert served.settings.identity.chain == credentials.citizen.identity.chain
    assert served.time_limit == 2.5
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {"address": "127.0.0.1:5", "tunnel_id": "00" * 16}
    assert printed.err == ""


def test_a_domain_in_letters_of_its_own(served: Served, run: Run) -> None:
    assert run(domain="мисол.UZ") == 0
    assert served.settings.server_name == "xn--h1agbjo.uz"


def test_a_domain_that_is_none(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run(domain="a..b")
    assert "argument --domain: not a domain name: 'a..b'" in capsys.readouterr().err


def test_an_end_with_an_error(served: Served, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    served.end = RelayEnd("peer_lost", OSError("uzildi\u202e\n"))
    assert run() == 1
    assert capsys.readouterr().err == "tunnel-gateway: peer_lost: uzildi\\u202e\\n\n"


@pytest.mark.parametrize(
    "text", ["8843", ":8843", "host:", "host:0", "host:65536", "host:http", "host:\u0661"]
)
def test_an_address_that_is_none(text: str, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run(gateway=text)
    assert caught.value.code == 2
    assert f"{text!r} is not HOST:PORT" in capsys.readouterr().err


@pytest.mark.parametrize("host", ["a..b", "x" * 70, "\udcff.uz"])
def test_a_host_that_cannot_be_one(host: str, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(gateway=f"{host}:80") == 1
    (line,) = capsys.readouterr().err.splitlines()
    shown = host.replace("\udcff", r"\udcff")
    assert line.startswith(f"tunnel-gateway: {shown}:80: not a host name")


def test_an_ipv6_address(served: Served, run: Run) -> None:
    assert run(gateway="[::1]:8843") == 0
    assert served.gateway == Address("::1", 8843)


@pytest.mark.parametrize("text", ["0", "-1", "nan", "soon", "86401", "inf"])
def test_seconds_that_are_none(text: str, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run("--expires", text)
    assert "is not a number of seconds up to a day" in capsys.readouterr().err


class TestPasswords:
    @pytest.fixture
    def key(self, credentials: Credentials, tmp_path: Path) -> Path:
        identity = credentials.citizen.identity
        path = tmp_path / "key.pem"
        path.touch(0o600)
        path.write_bytes(
            private_key_to_encrypted_pem(
                identity.private_key, identity.leaf.family, b"maxfiy", os.urandom
            )
        )
        return path

    def test_from_a_file(self, served: Served, run: Run, key: Path, tmp_path: Path) -> None:
        password = tmp_path / "password"
        password.touch(0o600)
        password.write_text("maxfiy\n")
        assert run("--password-file", password, key=key) == 0
        assert served.settings.server_name == "example.uz"

    def test_from_a_file_of_all(
        self, run: Run, key: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        password = tmp_path / "password"
        password.write_text("maxfiy")
        password.chmod(0o644)
        assert run("--password-file", password, key=key) == 1
        assert "chmod 600" in capsys.readouterr().err

    def test_nobody_to_ask(self, run: Run, key: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(key=key) == 1
        assert "the key is encrypted" in capsys.readouterr().err

    @pytest.mark.parametrize("encrypted", [True, False])
    @pytest.mark.usefixtures("served")
    def test_from_the_terminal(
        self,
        encrypted: bool,
        run: Run,
        key: Path,
        credentials: Credentials,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        asked: list[str] = []

        def answer(prompt: str) -> str:
            asked.append(prompt)
            return "maxfiy"

        monkeypatch.setattr("sys.stdin.isatty", lambda: True)
        monkeypatch.setattr(arguments, "getpass", answer)
        path = key if encrypted else credentials.citizen.key
        assert run(key=path) == 0
        assert asked == ([f"Password of {key}: "] if encrypted else [])


class TestPfx:
    @pytest.fixture
    def pfx(self, credentials: Credentials, tmp_path: Path) -> Path:
        path = tmp_path / "user.pfx"
        path.touch(0o600)
        identity = credentials.citizen.identity
        path.write_bytes(identity_to_pfx(identity, "men", b"maxfiy", os.urandom, rounds=10))
        return path

    def write_password(self, path: Path, password: str) -> Path:
        path.touch(0o600)
        path.write_text(f"{password}\n")
        return path

    @pytest.mark.parametrize("name", ["user.pfx.password", "elsewhere"])
    def test_a_password_in_a_file(
        self, name: str, served: Served, run: Run, pfx: Path, credentials: Credentials
    ) -> None:
        password = self.write_password(pfx.with_name(name), "maxfiy")
        more = () if name.startswith("user") else ("--password-file", password)
        assert run(*more, key=pfx, cert=None) == 0
        assert served.settings.identity.chain == credentials.citizen.identity.chain

    @pytest.mark.usefixtures("served")
    def test_the_terminal_is_asked(
        self, run: Run, pfx: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("sys.stdin.isatty", lambda: True)
        monkeypatch.setattr(arguments, "getpass", lambda prompt: "maxfiy")
        assert run(key=pfx, cert=None) == 0

    def test_a_wrong_password(
        self, run: Run, pfx: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.write_password(pfx.with_name("user.pfx.password"), "boshqa")
        assert run(key=pfx, cert=None) == 1
        printed = capsys.readouterr()
        assert "the password is wrong" in printed.err
        assert "boshqa" not in printed.err + printed.out

    def test_an_alias_that_is_not_there(
        self, run: Run, pfx: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.write_password(pfx.with_name("user.pfx.password"), "maxfiy")
        assert run(key=pfx, cert=None, alias="u") == 1
        assert "0 private keys with the alias 'u'; there must be" in capsys.readouterr().err

    @pytest.mark.usefixtures("served")
    def test_an_alias(self, run: Run, pfx: Path) -> None:
        self.write_password(pfx.with_name("user.pfx.password"), "maxfiy")
        assert run(key=pfx, cert=None, alias="men") == 0


def test_files_that_do_not_fit(
    run: Run, credentials: Credentials, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(cert=credentials.example.chain) == 1
    assert "does not belong to the first certificate" in capsys.readouterr().err


def test_a_real_tunnel(gateway: Gateway, start_agent: Callable[..., Agent]) -> None:
    agent = start_agent()
    host, port = agent.address()
    with connect_websocket(f"ws://{host}:{port}/", proxy=None) as page:
        page.send("salom")
        assert page.recv(TIME_LIMIT) == "salom"
    assert agent.exit_code() == 0
    assert (len(agent.output), agent.errors) == (1, [])
    assert gateway.logged("tunnel_closed")["tunnel_id"] == agent.tunnel_id


def test_its_help_can_be_followed() -> None:
    parser = argparse.ArgumentParser()
    connect.add_parser(parser.add_subparsers())
    example = connect._DESCRIPTION.partition("example:\n")[2].replace("\\\n", " ").split()
    parsed = parser.parse_args(example[1:])
    assert parsed.gateway == Address("127.0.0.1", 8843)


def test_stp_only_where_it_is_asked_for(
    served: Served, run: Run, credentials: Credentials, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--stp", dst="7") == 0
    assert isinstance(served.settings, StpClientSettings)
    assert served.settings.dst_id == 7
    assert served.settings.identity.chain == credentials.citizen.identity.chain
    capsys.readouterr()
    assert run("--stp", dst="api") == 1
    assert "--dst api: dst_id must be a number from 0 to 255" in capsys.readouterr().err

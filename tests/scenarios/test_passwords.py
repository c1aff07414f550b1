"""A password is in no argument, no environment and no word that is written, whatever happens."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from websockets.sync.client import connect as connect_websocket

from tests.support.credentials import FIRST_DOMAIN, Credentials
from tests.support.keystores import jks, jks_entry
from tests.support.processes import COMMAND, TIME_LIMIT, Gateway, Program, write_config
from tunnel_gateway.pki.files.keyfiles import Identity, identity_to_pfx

RIGHT = {name: os.urandom(12).hex() for name in ("domain", "truststore", "user")}
WRONG = {name: os.urandom(12).hex() for name in RIGHT}


def check(program: Program) -> None:
    """Fail if a password can be seen from outside."""
    # A forked program would show the command line of another process.
    assert isinstance(program.process, subprocess.Popen)
    seen = "\n".join(program.output + program.errors)
    for name in ("cmdline", "environ"):
        try:
            seen += (
                Path(f"/proc/{program.process.pid}/{name}").read_bytes().decode(errors="replace")
            )
        except (FileNotFoundError, ProcessLookupError):
            assert program.process.poll() is not None
    for word in (*RIGHT.values(), *WRONG.values()):
        assert word not in seen
        assert word.encode().hex() not in seen


def write(path: Path, content: bytes) -> Path:
    path.touch(0o600)
    path.write_bytes(content)
    return path


class Files:
    """A domain and a user in PFX, and a truststore of Java's, each with its password."""

    def __init__(self, folder: Path, credentials: Credentials) -> None:
        self.folder = folder
        self.servers = folder / "servers"
        self.servers.mkdir()
        self._pfx(self.servers / f"{FIRST_DOMAIN}.pfx", credentials.example.identity, "domain")
        self.user = self._pfx(folder / "user.pfx", credentials.citizen.identity, "user")
        store = jks(
            jks_entry(credentials.authority.root.leaf), password=RIGHT["truststore"].encode()
        )
        self.truststore = write(folder / "truststore.jks", store)

    def _pfx(self, path: Path, identity: Identity, name: str) -> Path:
        password = RIGHT[name].encode()
        return write(path, identity_to_pfx(identity, "men", password, os.urandom, rounds=2048))

    def settings(self, passwords: dict[str, str]) -> dict[str, object]:
        return {
            "servers_dir": self.servers,
            "servers_password": passwords["domain"],
            "truststore_file": self.truststore,
            "truststore_password": passwords["truststore"],
            "log_level": "debug",
        }

    def connect(self, port: int, passwords: dict[str, str]) -> Program:
        files = [
            str(write(self.folder / f"{name}.password", passwords[name].encode()))
            for name in ("user", "truststore")
        ]
        return Program(
            "the agent",
            *(*COMMAND, "connect", "--gateway", f"127.0.0.1:{port}", "--domain", FIRST_DOMAIN),
            *("--dst", "api", "--key", str(self.user), "--truststore", str(self.truststore)),
            *("--password-file", files[0], "--truststore-password-file", files[1]),
            preloaded=False,
        )


@pytest.fixture
def files(tmp_path: Path, credentials: Credentials) -> Files:
    return Files(tmp_path, credentials)


def test_a_tunnel(files: Files, start_gateway: Callable[..., Gateway]) -> None:
    gateway = start_gateway(preloaded=False, **files.settings(RIGHT))
    agent = files.connect(gateway.port, RIGHT)
    address = agent.next_output()["address"]
    check(agent)
    with connect_websocket(f"ws://{address}/", proxy=None) as page:
        page.send("salom")
        assert page.recv(TIME_LIMIT) == "salom"
    assert agent.exit_code() == 0
    gateway.logged("tunnel_closed")
    check(gateway)
    check(agent)


@pytest.mark.parametrize("name", ["user", "truststore"])
def test_the_agent_with_a_wrong_password(files: Files, name: str) -> None:
    agent = files.connect(1, RIGHT | {name: WRONG[name]})
    assert agent.exit_code() == 1
    assert "the password is wrong" in agent.last_words()
    check(agent)


@pytest.mark.parametrize("name", ["user", "truststore"])
def test_the_agent_with_a_password_that_others_can_read(files: Files, name: str) -> None:
    files.connect(1, RIGHT).exit_code()
    (files.folder / f"{name}.password").chmod(0o644)
    agent = files.connect(1, RIGHT)
    assert agent.exit_code() == 1
    assert "chmod 600" in agent.last_words()
    check(agent)


@pytest.mark.parametrize("name", ["domain", "truststore"])
def test_the_gateway_with_a_wrong_password(
    files: Files, credentials: Credentials, name: str
) -> None:
    gateway = serve(files, credentials, files.settings(RIGHT | {name: WRONG[name]}))
    assert gateway.exit_code() == 1
    assert "the password is wrong" in gateway.last_words()
    check(gateway)


def test_the_gateway_with_a_mistake_beside_the_password(
    files: Files, credentials: Credentials
) -> None:
    config = files.folder / "config.properties"
    settings = files.settings(RIGHT) | {"servers_pasword": RIGHT["user"], "limit": "x"}
    gateway = serve(files, credentials, settings)
    assert gateway.exit_code() == 1
    assert "did you mean tunnel.servers.password?" in "\n".join(gateway.errors)
    check(gateway)
    # The same key again, with an escape that is none.
    with config.open("a") as file:
        file.write(f"tunnel.servers.password={WRONG['user']}\\u00\n")
    arguments = (*COMMAND, "serve", "--config", str(config))
    gateway = Program("the gateway", *arguments, preloaded=False)
    assert gateway.exit_code() == 1
    check(gateway)


def serve(files: Files, credentials: Credentials, settings: dict[str, object]) -> Program:
    """A gateway that will not start."""
    config = files.folder / "config.properties"
    keys = {key.replace("_", "."): value for key, value in settings.items()}
    write_config(config, credentials, 1, {"api": 1}, keys)
    arguments = (*COMMAND, "serve", "--config", str(config))
    return Program("the gateway", *arguments, preloaded=False)


def test_a_damaged_key(files: Files, credentials: Credentials) -> None:
    path = files.servers / f"{FIRST_DOMAIN}.pfx"
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    gateway = serve(files, credentials, files.settings(RIGHT))
    assert gateway.exit_code() == 1
    assert "damaged" in gateway.last_words()
    check(gateway)

"""The audit file of a real daemon: right, complete, in one chain whatever happens to the daemon."""

from __future__ import annotations

import json
import re
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support.credentials import CITIZEN, Credentials
from tests.support.destination import join
from tests.support.disk import small_disk
from tests.support.peer import Peer
from tests.support.processes import COMMAND, Gateway, Program, wait_until, write_config
from tunnel_gateway.cli.main import main

StartGateway = Callable[..., Gateway]
Record = dict[str, Any]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


def records(path: Path) -> list[Record]:
    """Return the whole records of the file, as they are now."""
    found = []
    for line in (path.read_bytes() if path.exists() else b"").split(b"\n")[:-1]:
        with suppress(ValueError):  # half a line; the chain's check has its say about those
            found.append(json.loads(line))
    return found


def wait_for(path: Path, event: str, **facts: object) -> Record:
    wanted = {"event": event} | facts

    def find() -> Record | None:
        return next((one for one in records(path) if wanted.items() <= one.items()), None)

    found = wait_until(find, f"a record {wanted}")
    assert found is not None
    return found


def events(path: Path) -> list[str]:
    return [one["event"] for one in records(path)]


def verified(capsys: pytest.CaptureFixture[str], *paths: Path) -> str:
    """Check the chain and return its head."""
    capsys.readouterr()
    assert main(["audit", "verify", *map(str, paths)]) == 0, capsys.readouterr()
    return capsys.readouterr().out.splitlines()[-1].removeprefix("head: ")


def test_who_had_a_tunnel_and_who_did_not(
    start_gateway: StartGateway,
    credentials: Credentials,
    destination: socket.socket,
    path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = datetime.now(UTC)
    gateway = start_gateway(audit_file=path)
    stranger = credentials.user("stranger", issuer=credentials.new_authority())
    nobody = Peer(gateway.address, credentials.settings(identity=stranger.identity))
    with nobody.socket:
        assert nobody.alert() == "certificate_untrusted"
    with Peer.of(gateway, credentials, dst_id="7") as refused:
        assert refused.alert() == "unknown_destination"
    with Peer.of(gateway, credentials, dst_id="raw") as peer, join(peer, destination) as other:
        opened = wait_for(path, "opened")
        peer.send(b"12345")
        assert other.recv(100) == b"12345"
        other.sendall(b"123")
        assert peer.data(3) == b"123"
        peer.send_close()
        other.close()
        peer.data_to_close()
    closed = wait_for(path, "closed")
    gateway.signal(signal.SIGHUP)
    wait_for(path, "reload", done=True)
    gateway.config.write_text(gateway.config.read_text() + "tunnel.lmit=1\n")
    gateway.signal(signal.SIGHUP)
    wait_for(path, "reload", done=False)
    assert gateway.stop() == 0

    leaf = credentials.citizen.identity.leaf
    who = {
        "name": CITIZEN.name,
        "pinfl": CITIZEN.pinfl,
        "uid": CITIZEN.uid,
        "subject": leaf.subject,
        "serial": leaf.serial_hex,
        "issuer": leaf.issuer,
        "domain": "example.uz",
        "dst_id": "raw",
        "client": peer.name,
    }
    assert who.items() <= opened.items()
    assert who.items() <= closed.items()
    assert opened["tunnel_id"] == closed["tunnel_id"]
    assert (closed["reason"], closed["bytes_up"]) == ("completed", 5)
    assert closed["bytes_down"] >= 3
    assert closed["accepted"] <= opened["time"] <= closed["time"]
    accepted = datetime.fromisoformat(closed["accepted"])
    assert before <= accepted <= datetime.now(UTC)
    assert events(path) == [
        "start", "refused", "opened", "closed", "reload", "reload", "stop", "end"
    ]  # fmt: skip
    start, one = records(path)[:2]
    assert (start["pid"], start["host"]) == (gateway.process.pid, socket.gethostname())
    assert (one["reason"], one["name"]) == ("unknown_destination", CITIZEN.name)
    assert "tunnel.destination.7.host" in one["detail"]

    # The log has the same head, and nobody's name and number.
    head = verified(capsys, path)
    anchor = [line for line in gateway.records() if line["event"] == "audit_head"][-1]
    assert f"{anchor['records']}:{anchor['head']}" == head
    log = "\n".join(gateway.errors)
    for text in (log, log.encode().decode("unicode_escape")):
        assert CITIZEN.pinfl not in text
        assert CITIZEN.uid is not None
        assert CITIZEN.uid not in text
        assert not re.search("ANIYEV|KTAM", text)
    assert "G\\u2026 O\\u2026" in log


def test_everything_of_a_person_in_the_log_if_that_is_wanted(
    start_gateway: StartGateway, credentials: Credentials
) -> None:
    gateway = start_gateway()
    text = gateway.config.read_text()
    gateway.config.write_text(text + "tunnel.log.personal=full\n")
    gateway.signal(signal.SIGHUP)
    gateway.logged("reloaded")
    with Peer.of(gateway, credentials, dst_id="7") as peer:
        assert peer.alert() == "unknown_destination"
    gateway.logged("tunnel_refused", user=CITIZEN.name)
    gateway.config.write_text(text)
    gateway.forget()
    gateway.signal(signal.SIGHUP)
    gateway.logged("reloaded")
    with Peer.of(gateway, credentials, dst_id="7") as peer:
        assert peer.alert() == "unknown_destination"
    gateway.logged("tunnel_refused", user="G… O…")
    assert gateway.stop() == 0
    gateway.errors[:] = [line for line in gateway.errors if "ANIYEV" not in line]


def refuse(gateway: Gateway, credentials: Credentials) -> None:
    with Peer.of(gateway, credentials, dst_id="7") as peer:
        assert peer.alert() == "unknown_destination"


def refused(path: Path, count: int) -> bool:
    return events(path).count("refused") == count


def test_rotation_while_it_runs(
    start_gateway: StartGateway,
    credentials: Credentials,
    path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    gateway = start_gateway(audit_file=path)
    old = [path.with_suffix(f".{number}") for number in range(3)]
    for number, name in enumerate(old):
        refuse(gateway, credentials)
        wait_for(path, "refused")
        path.rename(name)
        refuse(gateway, credentials)  # into the renamed file
        wait_until(partial(refused, name, 2), "the second record")
        gateway.signal(signal.SIGHUP)
        wait_for(path, "rotated", number=records(name)[-1]["number"] + 1)
        assert number == 0 or events(name)[0] == "rotated"
        wait_for(path, "reload")
    assert gateway.stop() == 0
    verified(capsys, *old, path)
    assert main(["audit", "verify", str(old[0]), str(old[2]), str(path)]) == 1
    assert f"{old[2]}: line 1" in capsys.readouterr().err


def test_killed_in_the_middle(
    credentials: Credentials,
    destinations: dict[str, int],
    path: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for round_ in range(3):
        gateway = Gateway(credentials, tmp_path, destinations, {"audit.file": path})
        wanted = events(path).count("refused") + round_ + 1
        for _ in range(round_ + 1):
            refuse(gateway, credentials)
        wait_until(partial(refused, path, wanted), "the records")
        gateway.signal(signal.SIGKILL)
        gateway.exit_code()
        data = path.read_bytes()
        if round_:  # and as if the kill had come a moment earlier
            path.write_bytes(data[: -10 * round_])
    gateway = Gateway(credentials, tmp_path, destinations, {"audit.file": path})
    assert gateway.stop() == 0
    verified(capsys, path)
    found = [one for one in records(path) if "torn" in one]
    assert [one["event"] for one in found] == ["start", "start"]
    assert events(path).count("start") == 4
    # What is cut away of a record is the one that was in the middle.
    assert events(path).count("refused") == 1 + 1 + 2
    assert events(path)[-1] == "end"


def test_a_full_disk_stops_no_tunnel(
    start_gateway: StartGateway,
    credentials: Credentials,
    destination: socket.socket,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with small_disk(tmp_path / "disk") as disk:
        path = disk.folder / "audit.jsonl"
        gateway = start_gateway(audit_file=path)
        wait_for(path, "start")
        disk.fill()
        for _ in range(8):  # more than what is left of the file's last page
            refuse(gateway, credentials)
        assert "No space left" in gateway.logged("audit_failing")["detail"]
        with Peer.of(gateway, credentials, dst_id="raw") as peer, join(peer, destination) as other:
            peer.send(b"still")
            assert other.recv(100) == b"still"
            peer.send_close()
            other.close()
            peer.data_to_close()
        gateway.logged("tunnel_closed")
        disk.free()
        assert gateway.logged("audit_resumed")["lost"] == 0
        wait_for(path, "closed")
        assert gateway.stop() == 0
        verified(capsys, path)
        assert events(path).count("refused") == 8
        assert events(path).count("resumed") == 1
        lines = [line["event"] for line in gateway.records()]
        assert lines.count("audit_failing") == lines.count("audit_resumed") == 1


def test_a_second_daemon_does_not_get_the_file(
    start_gateway: StartGateway,
    credentials: Credentials,
    destinations: dict[str, int],
    path: Path,
    tmp_path: Path,
) -> None:
    start_gateway(audit_file=path)
    config = tmp_path / "second.properties"
    write_config(config, credentials, 1, destinations, {"audit.file": path})
    second = Program("the second", *COMMAND, "serve", "--config", str(config))
    assert second.exit_code() == 1
    assert f"tunnel-gateway: {path}: another process writes it" in second.last_words()


def test_another_file_needs_a_restart(start_gateway: StartGateway, path: Path) -> None:
    gateway = start_gateway(audit_file=path)
    text = gateway.config.read_text()
    gateway.config.write_text(text.replace("audit.jsonl", "other.jsonl"))
    gateway.signal(signal.SIGHUP)
    gateway.logged("restart_needed", key="tunnel.audit.file")
    wait_for(path, "reload")
    assert not path.with_name("other.jsonl").exists()

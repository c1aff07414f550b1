"""``tunnel-gateway check``: every kind of finding, as a table and as JSON, and the exit codes."""

from __future__ import annotations

import os
import pty
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.credentials import DAY, FIRST_DOMAIN, NOW, SECOND_DOMAIN, Credentials
from tests.support.log_lines import read_records
from tests.support.processes import (
    COMMAND,
    LOOPBACK,
    Api,
    Gateway,
    Program,
    ReservedPort,
    write_config,
)
from tunnel_gateway.cli.main import main
from tunnel_gateway.pki.listing import issue_list
from tunnel_gateway.pki.status.revoked_info import RevokedInfo

Check = Callable[..., tuple[int, list[dict[str, Any]]]]
Write = Callable[..., Path]


@pytest.fixture
def write(credentials: Credentials, api: Api, closed_port: ReservedPort, tmp_path: Path) -> Write:
    """Write a configuration, with a port that an ordinary user may take; returns its path."""

    def made(keys: dict[str, object], destination: int = api.port) -> Path:
        path = tmp_path / "config.properties"
        write_config(path, credentials, closed_port.number, {"0": destination}, keys)
        return path

    return made


@pytest.fixture
def check(write: Write, api: Api, capsys: pytest.CaptureFixture[str]) -> Check:
    """Run the command with these settings; returns its code and its findings."""

    def run(**settings: object) -> tuple[int, list[dict[str, Any]]]:
        destination = settings.pop("destination", api.port)
        keys = {"limit": 10} | {name.replace("_", "."): value for name, value in settings.items()}
        path = write(keys, destination)
        path.chmod(0o600)
        code = main(["check", "--config", str(path), "--json"])
        return code, read_records(capsys.readouterr().out)

    return run


def bad(findings: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(one["area"], one["status"]) for one in findings if one["status"] != "ok"]


def test_all_is_well(check: Check) -> None:
    code, findings = check()
    assert (code, bad(findings)) == (0, [])
    areas = [one["area"] for one in findings]
    assert areas == [
        "configuration",
        "cryptography",
        "listen",
        "domain",
        "domain",
        "truststore",
        "revocation",
        "destination",
        "policy",
        "limits",
        "limits",
    ]
    first = next(one for one in findings if one["subject"] == FIRST_DOMAIN)
    for word in ("CryptoPro-A", "days left", "the key matches", FIRST_DOMAIN):
        assert word in first["text"]
    policy = findings[areas.index("policy")]["text"]
    assert "every trusted user" in policy
    assert "no allow or deny rule is set" in policy


def test_faults_of_the_configuration(check: Check) -> None:
    code, findings = check(lmit=1, idle_timeout="5m")
    assert (code, bad(findings)) == (1, [("configuration", "fault")] * 2)
    assert "tunnel.idle.timeout" in findings[1]["text"]


def test_switched_off(check: Check) -> None:
    code, findings = check(enabled="no")
    assert (code, bad(findings)) == (3, [("configuration", "warning")])


def test_one_domain_of_two(check: Check, credentials: Credentials, tmp_path: Path) -> None:
    folder = tmp_path / "servers"
    credentials.domain(FIRST_DOMAIN, folder=folder)
    made = credentials.domain(SECOND_DOMAIN, folder=folder)
    made.key.chmod(0o644)
    code, findings = check(servers_dir=folder)
    assert (code, bad(findings)) == (1, [("domain", "fault")])
    assert [one["subject"] for one in findings if one["area"] == "domain"] == [
        FIRST_DOMAIN,
        SECOND_DOMAIN,
    ]


@pytest.mark.parametrize(("days", "status"), [(20, "warning"), (-1, "fault")])
def test_a_certificate_near_its_end(
    check: Check, credentials: Credentials, tmp_path: Path, days: int, status: str
) -> None:
    credentials.domain(FIRST_DOMAIN, folder=tmp_path / "servers", not_after=NOW + days * DAY)
    code, findings = check(servers_dir=tmp_path / "servers")
    assert code == (1 if status == "fault" else 3)
    assert ("domain", status) in bad(findings)


def test_a_chain_that_users_will_refuse(
    check: Check, credentials: Credentials, tmp_path: Path
) -> None:
    credentials.domain(
        FIRST_DOMAIN, folder=tmp_path / "servers", issuer=Credentials.new_authority()
    )
    code, findings = check(servers_dir=tmp_path / "servers")
    assert (code, bad(findings)) == (3, [("domain", "warning")])


def test_a_truststore_that_is_none(check: Check, tmp_path: Path) -> None:
    (tmp_path / "trust.pem").write_text("nothing")
    code, findings = check(truststore_file=tmp_path / "trust.pem")
    assert (code, bad(findings)) == (1, [("truststore", "fault")])


def test_destinations(check: Check, closed_port: ReservedPort, api: Api) -> None:
    code, findings = check(destination=closed_port.number)
    assert (code, bad(findings)) == (1, [("destination", "fault")])
    code, findings = check(**{"destination.1.host": "yoq.invalid", "destination.1.port": 1})
    assert (code, bad(findings)) == (1, [("destination", "fault")])


def test_revocation_lists(check: Check, credentials: Credentials, tmp_path: Path) -> None:
    lists = tmp_path / "lists"
    lists.mkdir()
    now = datetime.now(UTC)
    centre = credentials.authority.centre
    for name, made in (("good.crl", now - DAY / 2), ("old.crl", now - 400 * DAY)):
        one = issue_list(
            centre,
            dict.fromkeys([7, 8], RevokedInfo(made, None)),
            this_update=made,
            next_update=made + 30 * DAY,
            entropy=os.urandom,
        )
        (lists / name).write_bytes(one)
    (lists / "none.crl").write_text("nothing")
    os.mkfifo(lists / "pipe.crl")  # nobody ever writes into it
    code, findings = check(revocation="soft", crl_dir=lists)
    assert code == 3
    found = {one["subject"]: one for one in findings if one["area"] == "revocation"}
    assert {name: one["status"] for name, one in found.items()} == {
        "good.crl": "ok",
        "none.crl": "warning",
        "old.crl": "warning",
    }
    assert found["good.crl"]["text"].startswith("2 revoked, 12 hours old, good until ")
    assert "expired" in found["old.crl"]["text"]


def test_rules_in_words(check: Check) -> None:
    code, findings = check(**{"destination.0.domains": FIRST_DOMAIN})
    assert code == 0
    assert any(FIRST_DOMAIN in one["text"] for one in findings if one["area"] == "policy")
    code, findings = check(**{"destination.0.domains": "boshqa.example"})
    assert code == 1
    assert ("policy", "fault") in bad(findings)


def test_descriptors(check: Check) -> None:
    code, findings = check(limit=1_000_000)
    assert (code, bad(findings)) == (3, [("limits", "warning")])
    assert "LimitNOFILE" in findings[-1]["text"]


def test_permissions(check: Check, credentials: Credentials, tmp_path: Path) -> None:
    trust = tmp_path / "trust.pem"
    trust.write_bytes(credentials.truststore.read_bytes())
    trust.chmod(0o666)
    code, findings = check(truststore_file=trust)
    assert (code, bad(findings)) == (1, [("permissions", "fault")])
    assert f"chmod go-w {trust}" in findings[-1]["text"]


def test_a_password_in_a_file_that_others_read(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write({"limit": 1, "servers.password": "sir"})
    path.chmod(0o644)
    assert main(["check", "--config", str(path)]) == 3
    output = capsys.readouterr().out
    # Root's file may be for a service of another user, which must be able to read it then.
    remedy = "chgrp tunnel-gateway {0} && chmod 640 {0}" if os.geteuid() == 0 else "chmod 600 {0}"
    assert remedy.format(path) in " ".join(output.split())
    assert "sir" not in output.split()


def test_a_password_that_the_group_reads(check: Check) -> None:
    """As it is installed: root's file, and the gateway is of its group."""
    chmod = Path.chmod
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Path, "chmod", lambda path, _: chmod(path, 0o640))
        code, findings = check(servers_password="sir")
    assert (code, bad(findings)) == (0, [])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has such an opinion")
def test_root_may_read_what_the_gateway_may_not(
    check: Check, credentials: Credentials, tmp_path: Path
) -> None:
    servers = tmp_path / "servers"
    credentials.domain(FIRST_DOMAIN, folder=servers)
    os.chown(servers, -1, 54321)
    code, findings = check(servers_dir=servers)
    assert (code, bad(findings)) == (3, [("permissions", "warning")])
    assert "as the gateway's user" in findings[-1]["text"]


def test_the_table(write: Write) -> None:
    path = write({"limit": 10})
    plain = Program("check", *COMMAND, "check", "--config", str(path), preloaded=False)
    assert plain.exit_code() == 0
    assert plain.output[0].startswith("ok    configuration config.properties: no fault")
    assert "\x1b" not in "".join(plain.output)


def test_colours_on_a_terminal(
    write: Write, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    path = write({"limit": 10})
    near, far = pty.openpty()
    with os.fdopen(far, "w") as terminal:
        monkeypatch.setattr("sys.stdout", terminal)
        main(["check", "--config", str(path)])
    assert b"\x1b[32mok" in os.read(near, 65536)
    os.close(near)
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("place", ["", "servers", "servers/example.uz/chain.pem", "lists"])
def test_what_others_may_change(
    check: Check, credentials: Credentials, tmp_path: Path, place: str
) -> None:
    credentials.domain(FIRST_DOMAIN, folder=tmp_path / "servers")
    (tmp_path / "lists").mkdir()
    (tmp_path / place).chmod(0o777)
    settings = {"servers_dir": tmp_path / "servers", "crl_dir": tmp_path / "lists"}
    code, findings = check(revocation="soft", **settings)
    assert (code, bad(findings)) == (1, [("permissions", "fault")])


def test_a_folder_that_cannot_be_read(
    check: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists = tmp_path / "lists"
    lists.mkdir()
    listing = Path.iterdir

    def refuse(path: Path) -> Any:  # a test may run as root, whom no mode keeps out
        if path == lists:
            raise PermissionError(13, "Permission denied")
        return listing(path)

    monkeypatch.setattr(Path, "iterdir", refuse)
    code, findings = check(revocation="soft", crl_dir=lists)
    assert (code, bad(findings)) == (1, [("revocation", "fault")])


def findings_of(findings: list[dict[str, Any]], area: str) -> list[tuple[str, str]]:
    return [(one["status"], one["text"]) for one in findings if one["area"] == area]


def test_what_serve_would_die_of(
    check: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stops `serve` is a fault of `check`, in the same words."""
    (tmp_path / "file").write_text("nothing")
    (tmp_path / "link").symlink_to("file")
    for area, settings, text in (
        ("listen", {"listen_ip": "192.0.2.1"}, "tunnel.listen.ip must be an address of this"),
        ("admin", {"admin_listen": f"unix:{tmp_path}/no/a.sock"}, "must be a folder in which"),
        ("admin", {"admin_listen": f"unix:{tmp_path}/file"}, "is there and is not a socket"),
        ("admin", {"admin_listen": "unix:/tmp/{instance}"}, "TUNNEL_GATEWAY_INSTANCE"),
        ("audit", {"audit_file": tmp_path / "link"}, "is a symbolic link"),
        ("audit", {"audit_file": tmp_path / "file"}, "others may read it"),
    ):
        monkeypatch.setenv("TUNNEL_GATEWAY_INSTANCE", "/" if "instance" in str(settings) else "")
        code, findings = check(**settings)
        assert code == 1
        ((status, said),) = findings_of(findings, area)
        assert status == "fault"
        assert text in said


def test_nothing_is_left_behind(check: Check, tmp_path: Path) -> None:
    code, _ = check(admin_listen=f"unix:{tmp_path}/admin.sock", audit_file=tmp_path / "a.jsonl")
    assert code == 0
    assert [one.name for one in tmp_path.iterdir()] == ["config.properties"]


@pytest.mark.parametrize("admin", ["unix", "tcp", "none"])
def test_beside_a_gateway_that_runs(
    admin: str,
    credentials: Credentials,
    api: Api,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    reserved, api = ReservedPort(), Api()
    addresses = {"unix": f"unix:{tmp_path}/admin.sock", "tcp": f"127.0.0.1:{reserved.number}"}
    settings: dict[str, object] = {"limit": 10, "audit.file": tmp_path / "audit.jsonl"}
    if admin != "none":
        settings["admin.listen"] = addresses[admin]
    gateway = Gateway(credentials, tmp_path, {"0": api.port}, settings)
    gateway.config.chmod(0o600)
    code = main(["check", "--config", str(gateway.config), "--json"])
    findings = read_records(capsys.readouterr().out)
    places = [one for one in findings if one["area"] in ("listen", "admin", "audit")]
    if admin == "none":
        assert (code, {one["status"] for one in places}) == (3, {"warning"})
    else:
        assert code == 0
        assert {one["text"] for one in places} == {"a gateway that runs has it"}
    assert gateway.stop() == 0
    reserved.close()
    assert api.stop() is not None
    gateway.check_log()
    assert {line["event"] for line in gateway.records()} >= {"listening", "stopped"}
    assert not [one for one in gateway.records() if one["event"] == "tunnel_refused"]


def test_a_port_that_another_program_has(check: Check, tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as other:
        port = other.getsockname()[1]
        code, findings = check(admin_listen=f"unix:{tmp_path}/admin.sock", listen_port=port)
    assert code == 1
    ((status, said),) = findings_of(findings, "listen")
    assert status == "fault"
    assert "ss -ltnp" in said


def test_lists_that_refuse_everybody(
    check: Check, credentials: Credentials, tmp_path: Path
) -> None:
    lists = tmp_path / "lists"
    lists.mkdir()

    def add(name: str, made: datetime) -> None:
        one = issue_list(
            credentials.authority.centre,
            {},
            this_update=made,
            next_update=made + 30 * DAY,
            entropy=os.urandom,
        )
        (lists / name).write_bytes(one)

    now = datetime.now(UTC)
    code, findings = check(revocation="hard", crl_dir=lists)
    assert (code, bad(findings)) == (1, [("revocation", "fault")])
    add("old.crl", now - 400 * DAY)
    for mode, expected in (("hard", 1), ("soft", 3)):
        code, findings = check(revocation=mode, crl_dir=lists)
        assert code == expected
    add("new.crl", now - DAY)
    code, findings = check(revocation="hard", crl_dir=lists)
    assert (code, bad(findings)) == (3, [("revocation", "warning")])


def test_a_path_is_said_once(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    servers = tmp_path / "servers"
    (servers / "boshqa.uz").mkdir(parents=True)
    (tmp_path / "trust.pem").write_text("nothing")
    path = write({"servers.dir": servers, "truststore.file": tmp_path / "trust.pem"})
    assert main(["check", "--config", str(path), "--json"]) == 1
    for line in capsys.readouterr().out.splitlines():
        assert line.count(str(tmp_path)) <= 1
    write({"servers.dir": "/nowhere"})
    assert main(["check", "--config", str(path), "--json"]) == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert line.count(str(path)) == 1

"""The port, the admin addresses and the audit file, while they are free and taken."""

from __future__ import annotations

import socket
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.loopback import LOOPBACK
from tunnel_gateway.daemon import descriptors, start_checks
from tunnel_gateway.daemon.audit.audit_file import AuditFile
from tunnel_gateway.daemon.descriptors import Needed
from tunnel_gateway.daemon.findings import Finding
from tunnel_gateway.daemon.port import AddressInUseError, Port
from tunnel_gateway.daemon.start_checks import check_cryptography, check_descriptors, check_start
from tunnel_gateway.errors import CannotListenError, SelfTestError


def listen(port: int) -> Port:
    return Port(LOOPBACK, port, shared=False, keys="tunnel.listen", unit="a.socket")


def statuses(findings: list[Finding]) -> dict[str, str]:
    return {finding.area: finding.status for finding in findings}


@pytest.fixture
def taken(tmp_path: Path) -> tuple[Port, Path]:
    """A port and an audit file."""
    with closing(socket.create_server((LOOPBACK, 0))) as listening:
        return listen(listening.getsockname()[1]), tmp_path / "audit.jsonl"


def test_what_is_free(tmp_path: Path, taken: tuple[Port, Path]) -> None:
    port, file = taken
    findings = list(check_start((f"unix:{tmp_path}/admin.sock",), [port], file))
    assert statuses(findings) == {"admin": "ok", "listen": "ok", "audit": "ok"}
    assert {finding.text for finding in findings} == {"can be had"}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("admin_error", "status", "words"),
    [
        (AddressInUseError("a gateway answers"), "ok", "a gateway that runs has it"),
        (None, "fault", "no gateway answers at tunnel.admin.listen"),
        (CannotListenError("no folder"), "fault", "no gateway answers at tunnel.admin.listen"),
        ("no admin address", "warning", "tunnel.admin.listen tells"),
    ],
)
def test_what_is_taken_is_judged_by_the_admin_address(
    admin_error: Exception | str | None,
    status: str,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def try_address(_: object) -> None:
        if isinstance(admin_error, Exception):
            raise admin_error

    monkeypatch.setattr(start_checks, "try_address", try_address)
    admin = None if isinstance(admin_error, str) else (f"unix:{tmp_path}/admin.sock",)
    file = tmp_path / "audit.jsonl"
    with (
        closing(socket.create_server((LOOPBACK, 0))) as listening,
        closing(AuditFile(file)),
    ):
        port = listen(listening.getsockname()[1])
        findings = [one for one in check_start(admin, [port], file) if one.area != "admin"]
    assert statuses(findings) == {"listen": status, "audit": status}
    assert all(words in finding.text for finding in findings)


def test_a_wrong_known_answer_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_cryptography().status == "ok"

    def require() -> None:
        raise SelfTestError("the digest is wrong")

    monkeypatch.setattr("tunnel_gateway.gost.known_answers.require", require)
    finding = check_cryptography()
    assert (finding.status, finding.text) == ("fault", "the digest is wrong")


@pytest.mark.parametrize(("most", "status"), [(-1, "ok"), (220, "ok"), (219, "warning")])
def test_descriptors(most: int, status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descriptors, "most", lambda: most)
    tunnels, calls = Needed("tunnel.limit", 50, 2), Needed("listen.limit", 20, 1)
    finding = check_descriptors([tunnels, calls])
    assert finding.status == status
    assert finding.text.startswith("tunnel.limit=50 and listen.limit=20 need 220 descriptors")
    assert finding.text.endswith("lower tunnel.limit or listen.limit") is (status == "warning")
    assert check_descriptors([calls]).text.startswith("listen.limit=20 needs 120 descriptors")

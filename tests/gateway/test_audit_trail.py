"""What is recorded of whom. Whole tunnels are in tests/scenarios/test_audit.py."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.support.pair import Pair, new_client, new_server
from tunnel_gateway.errors import FileError, NotPermittedError
from tunnel_gateway.gateway.account import Account
from tunnel_gateway.gateway.audit_trail import Audit
from tunnel_gateway.transport.streams.relay import RelayEnd

REFUSED = RelayEnd("not_permitted", NotPermittedError("not on the list", "allow.inn"))


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_a_user_is_named_in_full(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    audit = Audit(path)
    account = Account("192.0.2.1:5000", 1.0)
    account.authenticated(client := Pair(new_client(), new_server()).authenticate())
    audit.ended(account, REFUSED, 1.5)
    audit.action("close", tunnel_id="ab")
    assert audit.enabled
    audit.close()
    start, refused, close, end = records(path)
    assert (start["event"], start["pid"]) == ("start", os.getpid())
    leaf = client.peer.leaf
    assert refused["event"] == "refused"
    assert (refused["name"], refused["pinfl"]) == (leaf.common_name, leaf.pinfl)
    assert (refused["subject"], refused["issuer"]) == (leaf.subject, leaf.issuer)
    assert refused["serial"] == leaf.serial_hex
    assert refused["client"] == "192.0.2.1:5000"
    assert refused["tunnel_id"] == client.tunnel_id.hex()
    assert (refused["reason"], refused["rule"]) == ("not_permitted", "allow.inn")
    assert refused["accepted"] < refused["time"]
    assert "bytes_up" not in refused
    assert (close["event"], close["tunnel_id"], end["event"]) == ("close", "ab", "end")
    assert (audit.ok, audit.lost_total, audit.waiting) == (True, 0, 0)


def test_a_stranger_is_not_recorded(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    audit = Audit(path)
    audit.ended(Account("192.0.2.1:5000", 1.0), REFUSED, 1.5)
    audit.close()
    assert [one["event"] for one in records(path)] == ["start", "end"]


def test_without_a_file_nothing_happens() -> None:
    audit = Audit()
    account = Account("192.0.2.1:5000", 1.0)
    account.authenticated(Pair(new_client(), new_server()).authenticate())
    audit.opened(account)
    audit.ended(account, REFUSED, 1.5)
    audit.action("stop")
    audit.reopen()
    audit.close()
    assert (audit.enabled, audit.ok, audit.lost_total, audit.waiting) == (False, True, 0, 0)


def test_a_file_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_text("something else\n")
    path.chmod(0o600)
    with pytest.raises(FileError, match="move it away"):
        Audit(path)
    with pytest.raises(FileError, match="Is a directory"):
        Audit(tmp_path)

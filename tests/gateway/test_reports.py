"""The log line and the audit record of a connection. Whole tunnels are in test_session.py."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.log_lines import read_records
from tests.support.pair import Pair, new_client, new_server
from tunnel_gateway.daemon.audit.audit_trail import Audit
from tunnel_gateway.errors import (
    NotPermittedError,
    RateLimitedError,
    TimedOutError,
    TruncatedError,
    UnsupportedVersionError,
)
from tunnel_gateway.gateway.reports import Reports
from tunnel_gateway.gateway.session_facts import SessionFacts
from tunnel_gateway.limit_keys import Limit
from tunnel_gateway.observability.logs import configure_logs
from tunnel_gateway.observability.metrics import Metrics
from tunnel_gateway.transport.streams.relay import RelayEnd


def line_of(log: io.StringIO, end: RelayEnd, *, silent: bool) -> dict[str, Any]:
    configure_logs("json", "debug", log)
    reports = Reports(Audit(), Metrics())
    reports.ended(SessionFacts("192.0.2.1:5000", 1.0), end, 1.23456, silent=silent)
    line: dict[str, Any] = json.loads(log.getvalue())
    return line


def test_a_refusal_says_why_and_by_which_rule(log: io.StringIO) -> None:
    error = NotPermittedError("not on the list", "tunnel.destination.0.allow.inn")
    line = line_of(log, RelayEnd("not_permitted", error), silent=False)
    assert (line["event"], line["level"]) == ("tunnel_refused", "warning")
    assert line["reason"] == "not_permitted"
    assert line["detail"] == "not on the list"
    assert line["rule"] == "tunnel.destination.0.allow.inn"
    assert line["seconds"] == 1.235


@pytest.mark.parametrize("error", [TruncatedError("gone"), ConnectionResetError("reset")])
def test_a_connection_that_closes_without_a_byte_is_a_probe(
    log: io.StringIO, error: Exception
) -> None:
    line = line_of(log, RelayEnd("truncated", error), silent=True)
    assert (line["event"], line["level"]) == ("probe", "debug")


@pytest.mark.parametrize(
    ("error", "silent"), [(TruncatedError("gone"), False), (TimedOutError("too long"), True)]
)
def test_a_connection_with_a_byte_or_a_time_out_is_not_a_probe(
    log: io.StringIO, error: Exception, silent: bool
) -> None:
    assert line_of(log, RelayEnd("x", error), silent=silent)["event"] == "tunnel_refused"


def test_a_limit_is_named_by_its_key(log: io.StringIO) -> None:
    error = RateLimitedError("too often", Limit.SOURCE_RATE)
    line = line_of(log, RelayEnd("rate_limited", error), silent=True)
    assert (line["reason"], line["limit"]) == ("rate_limited", "tunnel.source.rate")


def test_refusals_without_a_line_are_counted_in_the_next_line(log: io.StringIO) -> None:
    configure_logs("json", "info", log)
    reports = Reports(Audit(), Metrics())
    error = RateLimitedError("too often", Limit.SOURCE_RATE)
    for told in (False, False, True, True):
        facts = SessionFacts("192.0.2.1:5000", 1.0, told=told)
        reports.ended(facts, RelayEnd("rate_limited", error), 1.0, silent=True)
    first, second = read_records(log.getvalue())
    assert first["untold"] == 2
    assert "untold" not in second


def test_the_setting_for_stp_is_named_once_a_minute(log: io.StringIO) -> None:
    configure_logs("json", "info", log)
    reports = Reports(Audit(), Metrics())
    end = RelayEnd("unsupported_version", UnsupportedVersionError("set tunnel.stp"))
    for off in (True, True, True, False):
        facts = SessionFacts("192.0.2.1:5000", 1.0, protocol="stp", stp_off=off)
        reports.ended(facts, end, 1.0, silent=False)
    first, last = read_records(log.getvalue())
    assert (first["protocol"], first["detail"]) == ("stp", "set tunnel.stp")
    assert last["untold"] == 2


REFUSED = RelayEnd("not_permitted", NotPermittedError("not on the list", "allow.inn"))


def records(path: Path, *facts: SessionFacts) -> list[dict[str, Any]]:
    """Return the audit of connections that were refused."""
    audit = Audit(path)
    reports = Reports(audit, Metrics())
    for one in facts:
        reports.ended(one, REFUSED, 1.5, silent=False)
    audit.close()
    return read_records(path.read_bytes())


def test_the_audit_names_a_user_in_full(tmp_path: Path) -> None:
    facts = SessionFacts("192.0.2.1:5000", 1.0)
    facts.authenticated(client := Pair(new_client(), new_server()).authenticate())
    _, refused, _ = records(tmp_path / "audit.jsonl", facts)
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


def test_the_audit_has_no_record_of_a_stranger(tmp_path: Path) -> None:
    stranger = SessionFacts("192.0.2.1:5000", 1.0)
    events = [record["event"] for record in records(tmp_path / "audit.jsonl", stranger)]
    assert events == ["start", "end"]

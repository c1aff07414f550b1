"""The facts of a connection, before and after the handshake."""

from __future__ import annotations

import pytest

from tests.support.pair import Pair, new_client, new_server
from tunnel_gateway.errors import NotPermittedError, TruncatedError
from tunnel_gateway.gateway.session_facts import SessionFacts, Stage, end_fields
from tunnel_gateway.transport.streams.relay import RelayEnd


def test_a_stranger_is_an_address_and_its_request() -> None:
    facts = SessionFacts("192.0.2.1:5000", 1.0)
    assert facts.stage is Stage.HANDSHAKE
    assert facts.log_fields() == {"client": "192.0.2.1:5000"}
    facts.domain = "example.uz"
    assert facts.log_fields() == {"client": "192.0.2.1:5000", "domain": "example.uz"}
    assert facts.audit_fields() == {"client": "192.0.2.1:5000", "domain": "example.uz"}
    assert facts.status_fields()["user"] is None
    assert facts.status_fields()["protocol"] == "unknown"
    assert (facts.bytes_up, facts.bytes_down) == (0, 0)
    assert facts.byte_fields() == {}


def test_a_proven_user_is_named() -> None:
    facts = SessionFacts("192.0.2.1:5000", 1.0)
    client = Pair(new_client(), new_server()).authenticate()
    facts.authenticated(client)
    assert facts.stage is Stage.CONNECTING
    assert facts.log_fields() == {
        "client": "192.0.2.1:5000",
        "tunnel_id": client.tunnel_id.hex(),
        "domain": client.server_name,
        "dst_id": client.dst_id,
        "user": client.peer.leaf.common_name,
        "serial": f"{client.peer.leaf.serial:x}",
        "issuer": client.peer.leaf.issuer,
    }
    fields = facts.audit_fields()
    assert list(fields)[:4] == ["tunnel_id", "client", "domain", "dst_id"]
    assert fields["subject"] == client.peer.leaf.subject
    assert None not in fields.values()
    assert facts.status_fields()["stage"] == "connecting"
    facts.protocol = "stp"
    assert facts.log_fields()["protocol"] == facts.audit_fields()["protocol"] == "stp"
    assert facts.status_fields()["protocol"] == "stp"
    assert facts.status_fields()["serial"] == client.peer.leaf.serial_hex


@pytest.mark.parametrize(
    ("error", "more"),
    [
        (None, {}),
        (TruncatedError("gone"), {"detail": "gone"}),
        (NotPermittedError("no", "deny.inn"), {"detail": "no", "rule": "deny.inn"}),
    ],
)
def test_the_fields_of_an_end(error: Exception | None, more: dict[str, object]) -> None:
    fields = end_fields(RelayEnd("a_word", error), 1.23456)
    assert fields == {"reason": "a_word", "seconds": 1.235} | more

"""Whoever may not pass gets an alert of its own; so does the log, and the agent says why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.support.credentials import DAY, NOW, Credentials, Holder
from tests.support.peer import Peer
from tests.support.processes import Agent, Gateway


@dataclass(frozen=True)
class Refused:
    """What the agent asks for, and the words of its message and of the log line."""

    alert: str
    agent_says: str
    log_says: str
    options: dict[str, Any] = field(default_factory=dict)
    make_user: Callable[[Credentials], Holder] | None = None


REFUSED = {
    "an unknown domain": Refused(
        "unknown_domain",
        "this gateway does not serve the domain",
        "no certificate for the domain nomalum.uz",
        {"domain": "nomalum.uz"},
    ),
    "an expired certificate": Refused(
        "certificate_expired",
        "the certificate shown has expired or is not valid yet",
        "expired",
        make_user=lambda all_: all_.user("expired", not_after=NOW - DAY),
    ),
    "a certificate that is not valid yet": Refused(
        "certificate_expired",
        "the certificate shown has expired or is not valid yet",
        "valid",
        make_user=lambda all_: all_.user("early", not_before=NOW + DAY),
    ),
    "a certificate of another authority": Refused(
        "certificate_untrusted",
        "the certificate shown does not lead to a trusted root",
        "",
        make_user=lambda all_: all_.user("stranger", issuer=all_.new_authority()),
    ),
    "a certificate for another purpose": Refused(
        "certificate_unsuitable",
        "the certificate shown is not for this use",
        "clientAuth",
        make_user=lambda all_: all_.user("mail", extended_key_usage=frozenset({"serverAuth"})),
    ),
    "an unknown dst_id": Refused(
        "unknown_destination",
        "no destination has this dst_id",
        "set tunnel.destination.7.host and .port",
        {"dst_id": "7"},
    ),
    "a destination that does not listen": Refused(
        "destination_unreachable",
        "the application behind the gateway does not answer",
        "Connection refused",
        {"dst_id": "closed"},
    ),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_each_has_its_alert_its_log_line_and_its_message(
    case: Refused, gateway: Gateway, credentials: Credentials, start_agent: Callable[..., Agent]
) -> None:
    options = dict(case.options)
    if case.make_user is not None:
        options["user"] = case.make_user(credentials)
    message = start_agent(**options).failure()
    assert f"the other side ended the tunnel: {case.alert} ({case.agent_says})" == message
    line = gateway.logged("tunnel_refused", reason=case.alert)
    assert case.log_says in line["detail"]
    assert line["level"] == "warning"
    assert line["domain"] == options.get("domain", "example.uz")
    assert len(gateway.records()) == 1
    # What the log knows of the user the alert does not.
    assert line["detail"] not in message


def test_the_log_names_the_user_who_was_refused(gateway: Gateway, credentials: Credentials) -> None:
    with Peer.of(gateway, credentials, dst_id="7") as peer:
        assert peer.alert() == "unknown_destination"
    line = gateway.logged("tunnel_refused")
    assert line["user"] == "G… O…"
    assert line["serial"] == f"{credentials.citizen.identity.leaf.serial:x}"
    assert line["client"] == peer.name


def test_a_gateway_that_is_not_there(start_agent: Callable[..., Agent], closed_port: Any) -> None:
    message = start_agent(port=closed_port.number).failure()
    place = f"127.0.0.1:{closed_port.number}"
    assert message.startswith(f"{place}: Connection refused; does the gateway run there")

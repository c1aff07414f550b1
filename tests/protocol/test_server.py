"""The gateway: which domains it has, whom it lets in, and what it spends on a stranger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.support.pair import (
    DEADLINE,
    DST_ID,
    LATER_STATES,
    SERVER_NAME,
    SERVER_STATES,
    Pair,
    domain_identity,
    ends_in,
    entropy_of,
    failure,
    failure_of,
    new_client,
    new_server,
    record,
    split_records,
    user_identity,
)
from tests.support.pki import DAY, NOW, domain, stranger, user
from tunnel_gateway import errors
from tunnel_gateway.errors import ProtocolViolationError, TunnelGatewayError
from tunnel_gateway.gost.curves import CRYPTOPRO_A
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.protocol.alerts import TEXTS, Alert, AlertCode
from tunnel_gateway.protocol.events import ClientAuthenticated
from tunnel_gateway.protocol.messages import ClientHello
from tunnel_gateway.protocol.server import ServerConnection
from tunnel_gateway.protocol.states import State


def client_hello() -> ClientHello:
    return ClientHello.parse(new_client().data_to_send()[3:])


def test_nothing_is_sent_before_the_client_speaks() -> None:
    server = new_server()
    assert server.data_to_send() == b""
    assert server.state is State.SERVER_EXPECT_HELLO
    assert server.server_name is None


def test_the_identity_is_the_one_of_the_domain() -> None:
    identities = {"a.uz": domain("a.uz"), "b.uz": domain("b.uz")}
    for name, identity in identities.items():
        pair = Pair(new_client(server_name=name), new_server(identity_for=identities.get))
        assert pair.authenticate().server_name == name == pair.server.server_name
        pair.server.accept()
        pair.pass_all()
        (opened,) = pair.client_events
        assert opened.peer.leaf == identity.leaf  # type: ignore[union-attr]


def test_entropy_is_asked_in_the_documented_order() -> None:
    pair = Pair()
    assert entropy_of(pair.server) == []
    pair.open()
    assert [len(answer) for answer in entropy_of(pair.server)] == [32, 64, 32]


def test_the_user_is_let_in_by_accept_alone() -> None:
    pair = Pair()
    event = pair.authenticate()
    assert pair.server.data_to_send() == b""
    with pytest.raises(ProtocolViolationError, match="data of our own is out of place"):
        pair.server.send_data(b"early")
    pair.server.accept()
    assert pair.server.can_send
    assert event == ClientAuthenticated(event.peer, SERVER_NAME, DST_ID, event.tunnel_id)


def test_ready_and_data_may_go_together() -> None:
    pair = Pair()
    pair.authenticate()
    pair.server.accept()
    pair.server.send_data(b"at once")
    pair.pass_to_client()
    assert [type(event).__name__ for event in pair.client_events] == ["Opened", "DataReceived"]


@pytest.mark.parametrize(
    "state",
    [one for one in (*SERVER_STATES, *LATER_STATES) if one is not State.SERVER_AUTHORIZING],
    ids=lambda state: state.name,
)
def test_accept_at_another_time_is_refused(state: State) -> None:
    server, _ = ends_in(state, "server")
    assert isinstance(server, ServerConnection)
    with pytest.raises(ProtocolViolationError, match="a ready message of our own is out of place"):
        server.accept()
    assert server.state is state
    assert server.data_to_send() == b""


class TestTheClientsHello:
    def refused(
        self, error: type[TunnelGatewayError], body: bytes, **settings: Any
    ) -> ServerConnection:
        server = new_server(**settings)
        server.receive_data(record(1, body))
        assert type(failure(server)) is error
        code = AlertCode[error.code.upper()]
        assert server.data_to_send() == record(3, Alert(code, TEXTS[code]).serialize())
        assert server.state is State.CLOSED
        assert entropy_of(server) == []  # no work for what is refused
        return server

    def test_an_unknown_domain(self) -> None:
        server = self.refused(
            errors.UnknownDomainError,
            client_hello().serialize(),
            identity_for={"other.uz": domain_identity()}.get,
        )
        assert server.server_name == SERVER_NAME

    def test_another_version(self) -> None:
        body = client_hello().serialize()
        self.refused(errors.UnsupportedVersionError, body[:4] + b"\x02" + body[5:])

    def test_no_common_suite(self) -> None:
        self.refused(errors.NoCommonSuiteError, replace(client_hello(), suites=(2,)).serialize())

    def test_another_protocol(self) -> None:
        self.refused(ProtocolViolationError, b"GET / HTTP/1.1\r\n\r\n")

    @pytest.mark.parametrize("size", [1025, 16393, 65535])
    def test_a_hello_over_the_limit_is_refused_by_its_header(self, size: int) -> None:
        server = new_server()
        server.receive_data(b"\x01" + size.to_bytes(2, "big"))
        assert type(failure(server)) is ProtocolViolationError

    @pytest.mark.parametrize("size", [1025, 16393])
    def test_no_other_record_is_waited_for_either(self, size: int) -> None:
        server = new_server()
        server.receive_data(b"\x02" + size.to_bytes(2, "big"))
        assert type(failure(server)) is ProtocolViolationError

    @pytest.mark.parametrize(
        ("x", "y"),
        [
            (0, 0),
            (CRYPTOPRO_A.x, CRYPTOPRO_A.y ^ 1),
            (CRYPTOPRO_A.x + CRYPTOPRO_A.p, CRYPTOPRO_A.y),
            (CRYPTOPRO_A.p, CRYPTOPRO_A.p),
            (2**256 - 1, 2**256 - 1),
            (CRYPTOPRO_A.x, CRYPTOPRO_A.p + 1),
        ],
        ids=["zero", "off the curve", "x not reduced", "p", "all ones", "y not reduced"],
    )
    def test_a_key_share_that_is_no_point(self, x: int, y: int) -> None:
        share = x.to_bytes(32, "little") + y.to_bytes(32, "little")
        self.refused(ProtocolViolationError, replace(client_hello(), key_share=share).serialize())


@pytest.mark.parametrize(
    ("error", "make"),
    [
        (errors.CertificateExpiredError, lambda: user(not_after=NOW - DAY)),
        (errors.CertificateUntrustedError, lambda: user(stranger())),
        (
            errors.CertificateUnsuitableError,
            lambda: user(extended_key_usage=frozenset({"codeSigning"})),
        ),
        (errors.CertificateUnsuitableError, lambda: user(key_usage=frozenset({"keyAgreement"}))),
    ],
    ids=["expired", "untrusted", "another purpose", "not for signing"],
)
def test_a_user_who_is_not_let_in(
    error: type[TunnelGatewayError], make: Callable[[], Identity]
) -> None:
    pair = Pair(client=new_client(identity=make()))
    pair.pass_all()
    assert type(failure_of(pair.server_events)) is error
    received = failure_of(pair.client_events)
    assert isinstance(received, errors.AlertReceivedError)
    assert received.name == error.code
    assert pair.server.state is pair.client.state is State.CLOSED


def test_a_user_without_the_key() -> None:
    stolen = object.__new__(Identity)
    object.__setattr__(stolen, "private_key", user().private_key)
    object.__setattr__(stolen, "chain", user_identity().chain)
    pair = Pair(client=new_client(identity=stolen))
    pair.pass_all()
    assert type(failure_of(pair.server_events)) is errors.BadSignatureError


def test_a_second_hello_is_out_of_place() -> None:
    server = new_server()
    hello = new_client().data_to_send()
    server.receive_data(hello + hello)
    assert type(failure(server)) is ProtocolViolationError
    records = split_records(server.data_to_send())
    assert [one[0] for one in records] == [1, 2, 2]


def test_what_could_derive_the_secrets_again_is_not_kept() -> None:
    pair = Pair()
    pair.authenticate()
    for name in ("_schedule", "_handshake", "_application", "_transcript"):
        assert not hasattr(pair.server, name)


def test_the_deadline_counts_until_the_user_is_proven() -> None:
    server, _ = ends_in(State.SERVER_EXPECT_AUTHENTICATION, "server")
    assert server.next_deadline == DEADLINE
    server, _ = ends_in(State.SERVER_AUTHORIZING, "server")
    assert server.next_deadline is None
    server.expire(DEADLINE)
    assert server.state is State.SERVER_AUTHORIZING


@pytest.mark.parametrize(
    "state", [State.SERVER_EXPECT_HELLO, State.SERVER_EXPECT_AUTHENTICATION], ids=lambda s: s.name
)
def test_a_client_that_takes_too_long(state: State) -> None:
    server, _ = ends_in(state, "server")
    server.expire(DEADLINE - 1)
    assert server.state is state
    server.expire(DEADLINE)
    assert type(failure(server)) is errors.TimedOutError
    assert len(split_records(server.data_to_send())) == 1

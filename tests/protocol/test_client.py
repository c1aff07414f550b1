"""The client: it shows nothing of itself before the gateway has proved its domain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from tests.support.pair import (
    CLIENT_STATES,
    DEADLINE,
    LATER_STATES,
    SERVER_NAME,
    Pair,
    both_ends,
    domain_identity,
    ends_in,
    entropy_of,
    failure,
    failure_of,
    forged,
    new_client,
    new_server,
    opened,
    record,
    surroundings,
    user_identity,
    validator,
)
from tests.support.pki import DAY, NOW, domain, stranger, user
from tunnel_gateway import errors
from tunnel_gateway.errors import ProtocolViolationError, TunnelGatewayError
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.protocol.alerts import AlertCode
from tunnel_gateway.protocol.client import ClientConnection, ClientSettings, ProofConnection
from tunnel_gateway.protocol.constants import ContentType
from tunnel_gateway.protocol.events import Opened, ServerProven
from tunnel_gateway.protocol.messages import ClientHello, ServerHello
from tunnel_gateway.protocol.record import Sealer
from tunnel_gateway.protocol.states import State


def test_the_hello_waits_at_once() -> None:
    client = new_client()
    data = client.data_to_send()
    assert data[0] == 1
    hello = ClientHello.parse(data[3:])
    assert hello.server_name == SERVER_NAME
    assert hello.suites == (1,)
    assert hello.random == entropy_of(client)[0]
    assert client.state is State.CLIENT_EXPECT_HELLO
    assert client.data_to_send() == b""


def test_entropy_is_asked_in_the_documented_order() -> None:
    pair = Pair()
    assert [len(answer) for answer in entropy_of(pair.client)] == [32, 64]
    pair.open()
    assert [len(answer) for answer in entropy_of(pair.client)] == [32, 64, 32]


def test_the_tunnel_opens() -> None:
    pair = Pair().open()
    (event,) = pair.client_events
    assert event == Opened(
        validator().verify_server([one.der for one in domain_identity().chain], NOW, SERVER_NAME),
        pair.server._tunnel_id,
    )
    assert pair.client.can_send


@pytest.mark.parametrize(
    "changes",
    [
        {"server_name": "Example.uz"},
        {"server_name": ""},
        {"server_name": "\udc80.uz"},
        {"dst_id": "x" * 256},
        {"dst_id": "\udc80"},
    ],
    ids=str,
)
def test_settings_that_cannot_be_sent_are_refused_at_once(changes: dict[str, str]) -> None:
    settings = ClientSettings(
        **{"server_name": SERVER_NAME, "dst_id": "x"} | changes,
        identity=user_identity(),
        validator=validator(),
    )
    with pytest.raises(ProtocolViolationError):
        ClientConnection(settings, surroundings("client"))


def test_a_chain_that_cannot_be_sent_is_refused_at_once() -> None:
    leaf = user_identity()
    with pytest.raises(ProtocolViolationError, match="1 to 8"):
        new_client(identity=Identity(leaf.private_key, leaf.chain + leaf.chain[1:] * 7))


class TestTheServersHello:
    """What an impostor answers in clear: an alert in clear, and nothing about the user."""

    def answered(
        self, error: type[TunnelGatewayError], answer: Callable[[ServerHello], bytes]
    ) -> None:
        client, server = new_client(), new_server()
        server.receive_data(client.data_to_send())
        hello = ServerHello.parse(server.data_to_send()[3:102])
        client.receive_data(record(1, answer(hello)))
        assert type(failure(client)) is error
        sent = client.data_to_send()
        assert sent[0] == 3
        assert sent[3] == AlertCode[error.code.upper()]
        assert client.state is State.CLOSED

    def test_another_version(self) -> None:
        self.answered(errors.UnsupportedVersionError, lambda hello: b"\x02" + hello.serialize()[1:])

    def test_another_suite(self) -> None:
        self.answered(ProtocolViolationError, lambda hello: replace(hello, suite=2).serialize())

    @pytest.mark.parametrize("size", [0, 98, 100])
    def test_another_size(self, size: int) -> None:
        self.answered(
            ProtocolViolationError, lambda hello: hello.serialize().ljust(size, b"\0")[:size]
        )

    def test_a_key_share_off_the_curve(self) -> None:
        share = b"\x05".ljust(32, b"\0") * 2
        self.answered(
            ProtocolViolationError, lambda hello: replace(hello, key_share=share).serialize()
        )

    def test_our_own_hello_back(self) -> None:
        client = new_client()
        client.receive_data(client.data_to_send())
        assert type(failure(client)) is errors.UnsupportedVersionError

    def test_our_own_key_share_back(self) -> None:
        """Both sides' shares may be equal, but whoever repeats ours does not know the secret."""
        client, server = new_client(), new_server()
        server.receive_data(client.data_to_send())
        answer = server.data_to_send()
        share = client._ephemeral.public_key().encoded
        client.receive_data(answer[:38] + share + answer[102:])
        assert type(failure(client)) is errors.BadRecordError


FAR_PAST: dict[str, Any] = {"not_before": NOW - 20 * DAY, "not_after": NOW - DAY}
FUTURE: dict[str, Any] = {"not_before": NOW + DAY, "not_after": NOW + 20 * DAY}
NO_SIGNING: dict[str, Any] = {"key_usage": frozenset({"keyAgreement"})}


@pytest.mark.parametrize(
    ("error", "make"),
    [
        (errors.CertificateExpiredError, lambda: domain(SERVER_NAME, **FAR_PAST)),
        (errors.CertificateExpiredError, lambda: domain(SERVER_NAME, **FUTURE)),
        (errors.CertificateUntrustedError, lambda: domain(SERVER_NAME, stranger())),
        (errors.CertificateUnsuitableError, lambda: domain("other.uz")),
        (errors.CertificateUnsuitableError, lambda: domain(SERVER_NAME, **NO_SIGNING)),
        (errors.CertificateUnsuitableError, user),
    ],
    ids=["expired", "not valid yet", "untrusted", "another name", "not for signing", "a user's"],
)
def test_a_gateway_that_does_not_prove_its_domain(
    error: type[TunnelGatewayError], make: Callable[[], Identity]
) -> None:
    pair = Pair(server=new_server(identity=make()))
    pair.pass_to_server()
    pair.pass_to_client()
    assert type(failure_of(pair.client_events)) is error
    alert = pair.client.data_to_send()
    ((content, payload),) = opened(pair.server, alert)
    assert content == ContentType.ALERT
    assert payload[0] == AlertCode[error.code.upper()]
    pair.server.receive_data(alert)
    received = failure(pair.server)
    assert isinstance(received, errors.AlertReceivedError)
    assert received.name == error.code
    assert len(entropy_of(pair.client)) == 2  # nothing was signed


@pytest.mark.parametrize("at", [NOW - 100 * DAY, NOW + 10000 * DAY])
def test_the_time_of_the_surroundings_counts(at: datetime) -> None:
    pair = Pair(client=new_client(at=at))
    pair.pass_all()
    assert type(failure_of(pair.client_events)) is errors.CertificateExpiredError


def test_a_gateway_without_its_key() -> None:
    """The chain of the domain and the signature of someone else."""
    thief = domain(SERVER_NAME)
    stolen = object.__new__(Identity)
    object.__setattr__(stolen, "private_key", thief.private_key)
    object.__setattr__(stolen, "chain", domain_identity().chain)
    pair = Pair(server=new_server(identity=stolen))
    pair.pass_all()
    assert type(failure_of(pair.client_events)) is errors.BadSignatureError
    received = failure_of(pair.server_events)
    assert isinstance(received, errors.AlertReceivedError)
    assert received.name == "bad_signature"


class TestReady:
    def ready(self, payload: bytes) -> Any:
        pair = Pair()
        pair.authenticate()
        pair.client.receive_data(forged(pair.client, ContentType.HANDSHAKE, payload))
        return failure(pair.client)

    def test_another_tunnel_id(self) -> None:
        assert type(self.ready(bytes(16))) is errors.BadSignatureError

    @pytest.mark.parametrize("size", [0, 15, 17])
    def test_another_size(self, size: int) -> None:
        assert type(self.ready(bytes(size))) is ProtocolViolationError


def test_what_could_derive_the_secrets_again_is_not_kept() -> None:
    pair = Pair()
    pair.authenticate()
    for name in ("_ephemeral", "_schedule", "_handshake", "_transcript"):
        assert not hasattr(pair.client, name)


def test_nothing_secret_is_shown() -> None:
    client = Pair().open().client
    sealer = client._sealer
    assert sealer is not None
    shown = repr(client) + repr(client._settings) + repr(client._surroundings) + repr(vars(client))
    assert sealer._secret.hex() not in shown
    assert repr(sealer._secret) not in shown
    assert client._settings.identity.private_key.to_bytes().hex() not in shown
    assert repr(client._settings.identity.private_key.to_bytes()) not in shown


class TestDeadline:
    @pytest.mark.parametrize("state", CLIENT_STATES, ids=lambda state: state.name)
    def test_it_counts_until_the_tunnel_is_open(self, state: State) -> None:
        client, _ = ends_in(state, "client")
        assert client.next_deadline == DEADLINE
        client.expire(DEADLINE)
        assert type(failure(client)) is errors.TimedOutError

    @pytest.mark.parametrize("state", LATER_STATES, ids=lambda state: state.name)
    def test_after_that_it_counts_no_more(self, state: State) -> None:
        client, _ = ends_in(state, "client")
        assert client.next_deadline is None
        client.expire(DEADLINE + 1)
        assert client.state is state
        assert (client.events_received(), client.data_to_send()) == ([], b"")

    def test_before_it_nothing_happens(self) -> None:
        client = new_client()
        client.data_to_send()
        client.expire(DEADLINE - 0.001)
        assert client.state is State.CLIENT_EXPECT_HELLO
        assert (client.events_received(), client.data_to_send()) == ([], b"")

    def test_at_it_the_gateway_is_told(self) -> None:
        pair = Pair()
        pair.authenticate()
        pair.client.expire(DEADLINE)
        assert type(failure(pair.client)) is errors.TimedOutError
        pair.pass_to_server()
        received = failure_of(pair.server_events)
        assert isinstance(received, errors.AlertReceivedError)
        assert received.name == "timed_out"
        assert pair.client.next_deadline is None


def new_proof(server_name: str = SERVER_NAME) -> ProofConnection:
    return ProofConnection(server_name, validator(), surroundings("client"))


class TestProof:
    """A client that only lets the gateway prove its domain."""

    def test_the_gateway_is_proven_without_a_key(self) -> None:
        proof, server = new_proof(), new_server()
        server.receive_data(proof.data_to_send())
        proof.receive_data(server.data_to_send())
        (event,) = proof.events_received()
        assert isinstance(event, ServerProven)
        assert event.peer.leaf == domain_identity().leaf
        assert proof.data_to_send() == b""
        assert [len(answer) for answer in entropy_of(proof)] == [32, 64]
        assert not proof.can_send

    def test_the_gateway_hears_that_nothing_follows(self) -> None:
        proof, server = new_proof(), new_server()
        server.receive_data(proof.data_to_send())
        proof.receive_data(server.data_to_send())
        proof.abort(errors.PageLostError("only tried"))
        server.receive_data(proof.data_to_send())
        received = failure(server)
        assert isinstance(received, errors.AlertReceivedError)
        assert received.name == "page_lost"

    def test_a_gateway_of_another_name(self) -> None:
        proof, server = new_proof(), new_server(identity=domain("other.uz"))
        server.receive_data(proof.data_to_send())
        proof.receive_data(server.data_to_send())
        assert type(failure(proof)) is errors.CertificateUnsuitableError

    def test_a_gateway_that_lets_nobody_in(self) -> None:
        """A second message after the proof is out of place: no user has shown themselves."""
        proof, server = new_proof(), new_server()
        server.receive_data(proof.data_to_send())
        proof.receive_data(server.data_to_send())
        proof.events_received()
        sealer, _ = both_ends(Sealer(proof._handshake.server), 1)
        proof.receive_data(sealer.seal(ContentType.HANDSHAKE, bytes(16)))
        assert type(failure(proof)) is ProtocolViolationError

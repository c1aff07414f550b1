"""The gateway's side of the handshake."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tunnel_gateway.errors import UnknownDomainError
from tunnel_gateway.gost.curves import CRYPTOPRO_A, PrivateKey
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.pki.trust.validation import ChainValidator
from tunnel_gateway.protocol.authentication import check, prove
from tunnel_gateway.protocol.connection import (
    Connection,
    Surroundings,
    peer_key_share,
    shared_secret,
)
from tunnel_gateway.protocol.constants import (
    CLIENT_SIGNATURE_LABEL,
    ENTROPY_PER_SIGNATURE,
    RANDOM_SIZE,
    SERVER_SIGNATURE_LABEL,
    SUITE,
    ContentType,
    RecordType,
)
from tunnel_gateway.protocol.events import ClientAuthenticated
from tunnel_gateway.protocol.key_schedule import KeySchedule, TrafficSecrets, Transcript
from tunnel_gateway.protocol.messages import Authentication, ClientHello, Ready, ServerHello
from tunnel_gateway.protocol.record import Opener, Sealer
from tunnel_gateway.protocol.states import State, Step, next_state


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """The identity of the gateway for each domain (or None), and whom it trusts."""

    identity_for: Callable[[str], Identity | None]
    validator: ChainValidator


class ServerConnection(Connection):
    """The gateway's end of a tunnel.

    After ClientAuthenticated the caller decides: ``accept()`` opens the tunnel, ``abort()``
    with a RefusalError ends it.
    """

    def __init__(self, settings: ServerSettings, surroundings: Surroundings) -> None:
        super().__init__(State.SERVER_EXPECT_HELLO, surroundings)
        self._settings = settings
        self._transcript = Transcript()
        self._schedule: KeySchedule
        self._handshake: TrafficSecrets
        self._application: TrafficSecrets
        self._tunnel_id = b""
        self.server_name: str | None = None

    def accept(self) -> None:
        """Say ready: data may flow. Raises ProtocolViolationError when nobody waits for it."""
        self.state = next_state(self.state, Step.SEND_READY)
        self._send_protected(ContentType.HANDSHAKE, Ready(self._tunnel_id).serialize())

    def _handle_hello(self, body: bytes) -> None:
        """Message 1: answer with messages 2 and 3."""
        hello = ClientHello.parse(body)
        client_share = peer_key_share(hello.key_share)
        self.server_name = hello.server_name
        identity = self._settings.identity_for(hello.server_name)
        if identity is None:
            raise UnknownDomainError(f"no certificate for the domain {hello.server_name}")

        entropy = self._surroundings.entropy
        random = entropy(RANDOM_SIZE)
        ephemeral = PrivateKey.generate(CRYPTOPRO_A, entropy)
        answer = ServerHello(SUITE, random, ephemeral.public_key().encoded).serialize()
        self._transcript.add(body)
        self._transcript.add(answer)
        self._schedule = KeySchedule(shared_secret(ephemeral, client_share, hello.random, random))
        self._handshake = self._schedule.handshake_secrets(self._transcript.hash())
        proof = prove(
            identity,
            self._transcript,
            label=SERVER_SIGNATURE_LABEL,
            traffic_secret=self._handshake.server,
            dst_id=None,
            entropy=entropy(ENTROPY_PER_SIGNATURE),
        )
        self._application = self._schedule.application_secrets(self._transcript.hash())
        self._send_clear(RecordType.HELLO, answer)
        self._sealer = Sealer(self._handshake.server)
        self._send_protected(ContentType.HANDSHAKE, proof)
        self._sealer = Sealer(self._application.server)
        self._opener = Opener(self._handshake.client)

    def _handle_handshake(self, body: bytes) -> None:
        """Message 4: the user is proven; whether it may pass is for the caller to say."""
        message = Authentication.parse(body, with_dst_id=True)
        peer = check(
            message,
            self._transcript,
            label=CLIENT_SIGNATURE_LABEL,
            traffic_secret=self._handshake.client,
            verify_chain=lambda chain: self._settings.validator.verify_client(
                chain, self._surroundings.validation_time
            ),
        )
        self._tunnel_id = self._schedule.tunnel_id(self._transcript.hash())
        self._opener = Opener(self._application.client)
        # Forward secrecy: nothing is kept that could derive the traffic secrets again.
        del self._schedule, self._handshake, self._application, self._transcript
        self._events.append(
            ClientAuthenticated(peer, self.server_name or "", message.dst_id or "", self._tunnel_id)
        )

"""The client's side of the handshake: prove nothing until the gateway has proved its domain."""

from __future__ import annotations

from dataclasses import dataclass

from tunnel_gateway.errors import BadSignatureError, ProtocolViolationError
from tunnel_gateway.gost.curves import CRYPTOPRO_A, PrivateKey
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.pki.trust.validation import ChainValidator, VerifiedPeer
from tunnel_gateway.protocol.authentication import check, claim, prove
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
from tunnel_gateway.protocol.events import Opened, ServerProven
from tunnel_gateway.protocol.key_schedule import KeySchedule, TrafficSecrets, Transcript
from tunnel_gateway.protocol.messages import Authentication, ClientHello, Ready, ServerHello
from tunnel_gateway.protocol.record import Opener, Sealer
from tunnel_gateway.protocol.states import State


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """The wishes of the user's side: domain and destination, its identity, whom it trusts."""

    server_name: str
    dst_id: str
    identity: Identity
    validator: ChainValidator


class ProofConnection(Connection):
    """Asks a gateway to prove its domain, and shows nothing of a user: no key is needed.

    The first message waits in ``data_to_send()`` at once. The last event is ServerProven; then
    ``abort`` tells the gateway that nothing follows. Raises ProtocolViolationError for a name that
    the messages cannot carry.
    """

    def __init__(
        self, server_name: str, validator: ChainValidator, surroundings: Surroundings
    ) -> None:
        super().__init__(State.CLIENT_EXPECT_HELLO, surroundings)
        self._server_name = server_name
        self._validator = validator
        self._transcript = Transcript()
        self._random = surroundings.entropy(RANDOM_SIZE)
        self._ephemeral = PrivateKey.generate(CRYPTOPRO_A, surroundings.entropy)
        self._schedule: KeySchedule
        self._handshake: TrafficSecrets
        self._server: VerifiedPeer
        hello = ClientHello(
            suites=(SUITE,),
            random=self._random,
            key_share=self._ephemeral.public_key().encoded,
            server_name=server_name,
        ).serialize()
        self._transcript.add(hello)
        self._send_clear(RecordType.HELLO, hello)

    def _handle_hello(self, body: bytes) -> None:
        """Message 2: both sides now share a secret."""
        hello = ServerHello.parse(body)
        secret = shared_secret(
            self._ephemeral, peer_key_share(hello.key_share), self._random, hello.random
        )
        self._transcript.add(body)
        self._schedule = KeySchedule(secret)
        self._handshake = self._schedule.handshake_secrets(self._transcript.hash())
        self._opener = Opener(self._handshake.server)
        self._sealer = Sealer(self._handshake.client)

    def _handle_handshake(self, body: bytes) -> None:
        if self.state is not State.CLIENT_EXPECT_AUTHENTICATION:
            raise ProtocolViolationError("a message to a client that has not shown itself")
        self._check_server(body)
        self._events.append(ServerProven(self._server))

    def _check_server(self, body: bytes) -> None:
        """Message 3: check the gateway."""
        self._server = check(
            Authentication.parse(body, with_dst_id=False),
            self._transcript,
            label=SERVER_SIGNATURE_LABEL,
            traffic_secret=self._handshake.server,
            verify_chain=lambda chain: self._validator.verify_server(
                chain, self._surroundings.validation_time, self._server_name
            ),
        )


class ClientConnection(ProofConnection):
    """The user's end of a tunnel. The first message waits in ``data_to_send()`` at once.

    Raises ProtocolViolationError for settings that the messages cannot carry.
    """

    def __init__(self, settings: ClientSettings, surroundings: Surroundings) -> None:
        claim(settings.identity, settings.dst_id)  # fails here, not in the middle of a handshake
        super().__init__(settings.server_name, settings.validator, surroundings)
        self._settings = settings
        self._tunnel_id = b""

    def _handle_handshake(self, body: bytes) -> None:
        if self.state is State.CLIENT_EXPECT_AUTHENTICATION:
            self._check_server(body)
            self._show_user()
        else:
            self._handle_ready(body)

    def _show_user(self) -> None:
        """Send message 4, and derive the keys of the tunnel."""
        settings, surroundings = self._settings, self._surroundings
        application = self._schedule.application_secrets(self._transcript.hash())
        proof = prove(
            settings.identity,
            self._transcript,
            label=CLIENT_SIGNATURE_LABEL,
            traffic_secret=self._handshake.client,
            dst_id=settings.dst_id,
            entropy=surroundings.entropy(ENTROPY_PER_SIGNATURE),
        )
        self._send_protected(ContentType.HANDSHAKE, proof)
        self._tunnel_id = self._schedule.tunnel_id(self._transcript.hash())
        self._opener = Opener(application.server)
        self._sealer = Sealer(application.client)
        # Forward secrecy: nothing is kept that could derive the traffic secrets again.
        del self._ephemeral, self._schedule, self._handshake, self._transcript

    def _handle_ready(self, body: bytes) -> None:
        """Message 5: the gateway has accepted us, and has derived the same name for the tunnel."""
        if Ready.parse(body).tunnel_id != self._tunnel_id:
            raise BadSignatureError("the gateway derived another tunnel id")
        self._events.append(Opened(self._server, self._tunnel_id))

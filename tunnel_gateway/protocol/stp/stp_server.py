"""The gateway's side of STP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

from tunnel_gateway.errors import (
    BadSignatureError,
    ProtocolViolationError,
    TunnelGatewayError,
    UnsupportedVersionError,
)
from tunnel_gateway.gost.curves import Curve
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.pki.trust.validation import VerifiedPeer
from tunnel_gateway.protocol.events import ClientAuthenticated
from tunnel_gateway.protocol.stp.stp_connection import StpConnection, StpSurroundings
from tunnel_gateway.protocol.stp.stp_constants import (
    ACCEPTED,
    DEFAULT_MODES,
    HOLD_AFTER_DATA,
    HOLD_AFTER_REFUSAL,
    MAX_CLIENT_BLOCKS,
    NONCE_SIZE,
    PROOF_SIZE,
    PROVEN,
    SUCCESS,
    VERSION,
    Mode,
)
from tunnel_gateway.protocol.stp.stp_errors import CurveNotServedError, RepeatableModeError
from tunnel_gateway.protocol.stp.stp_messages import Finish, Params, Proof
from tunnel_gateway.protocol.stp.stp_refusals import StpRefusal
from tunnel_gateway.protocol.stp.stp_states import StpState, StpStep, next_stp_state

_S: Final = StpState


@dataclass(frozen=True, slots=True)
class StpDomain:
    """A domain that the gateway serves, and its certificate; one domain may have several."""

    name: str
    identity: Identity


@dataclass(frozen=True, slots=True)
class StpServerSettings:
    """Whom the gateway trusts, what it shows to whom, and which ciphers it takes.

    ``verify_client`` proves a user's certificate (DER, alone: the client sends no other) at an
    aware time, or raises CertificateError. ``domain_for`` gives the domain with a certificate on
    the user's curve for a dst_id, or None; what else it raises refuses the user too. ``modes``
    are those that a client may use. With one of REPEATABLE_MODES among them, a listener who
    recorded a tunnel in it can pass for its user.
    """

    verify_client: Callable[[bytes, datetime], VerifiedPeer]
    domain_for: Callable[[Curve, int], StpDomain | None]
    modes: frozenset[Mode] = DEFAULT_MODES


class StpServerConnection(StpConnection):
    """The gateway's end of an STP tunnel.

    After ClientAuthenticated the caller decides: ``accept()`` opens the tunnel, ``abort()``
    ends it and tells the client a number or a text. Data may be sent from ``accept()`` on. Set
    TCP_QUICKACK before each read of the socket: the client writes eight bytes at a time and waits
    for the acknowledgement.
    """

    max_blocks: ClassVar[int] = MAX_CLIENT_BLOCKS
    hold_after_data: ClassVar[float] = HOLD_AFTER_DATA

    def __init__(self, settings: StpServerSettings, surroundings: StpSurroundings) -> None:
        super().__init__(_S.SERVER_EXPECT_PARAMS, surroundings)
        self._settings = settings
        self._user: VerifiedPeer
        self.server_name: str | None = None

    def accept(self) -> None:
        """Let the user in: messages 5 and 6. Raises ProtocolViolationError when nobody waits."""
        following = next_stp_state(self.state, StpStep.SEND_FINISH)
        self._answer(Finish(SUCCESS))
        self._enter(following)

    def _check_first_byte(self, number: int) -> None:
        if number != VERSION:
            raise UnsupportedVersionError(f"a first byte of {number}, not that of STP version 1")

    def _handle_params(self, params: Params) -> None:
        """Message 1: answer with message 2, the user still unproven."""
        following = next_stp_state(self.state, StpStep.RECEIVE_PARAMS)
        settings, at = self._settings, self._surroundings.validation_time
        dst_id = params.dst_id
        if params.mode not in settings.modes:
            raise RepeatableModeError(f"the client drew the mode {params.mode.name}")
        self._user = settings.verify_client(params.certificate, at)
        curve = self._user.leaf.public_key.curve
        domain = settings.domain_for(curve, dst_id)
        if domain is None or domain.identity.private_key.curve is not curve:
            raise CurveNotServedError(f"no certificate on {curve.name} for the dst_id {dst_id}")
        own = self._own_params(domain.identity.leaf.der)
        answer = bytes((ACCEPTED,)) + own.serialize()
        self.server_name = domain.name
        self._own, self._peer = own, params
        self._agree(domain.identity.private_key, self._user.leaf.public_key)
        self._name_tunnel(params, own)
        self._to_send.append(answer)
        self._enter(following)

    def _handshake_size(self, received: bytes) -> int:
        if self.state is _S.SERVER_EXPECT_PROOF:
            return PROOF_SIZE
        if self.state is _S.SERVER_EXPECT_FINISH:
            return Finish.size(received)
        raise ProtocolViolationError(f"bytes of the client while {self.state.value}")

    def _handle_handshake(self, message: bytes) -> None:
        if self.state is _S.SERVER_EXPECT_PROOF:
            self._handle_proof(message)
        else:
            self._handle_finish(message)

    def _handle_proof(self, message: bytes) -> None:
        """Message 4: the user is proven; whether it may pass is for the caller to say."""
        following = next_stp_state(self.state, StpStep.RECEIVE_PROOF)
        if not Proof.parse(message).answers(self._own.iv):
            raise BadSignatureError("the client's proof is wrong: it does not have the shared key")
        self._enter(following)
        dst_id = str(self._peer.dst_id)
        event = ClientAuthenticated(self._user, self.server_name or "", dst_id, self._tunnel_id)
        self._events.append(event)

    def _handle_finish(self, message: bytes) -> None:
        """Message 7."""
        following = next_stp_state(self.state, StpStep.RECEIVE_FINISH)
        code = Finish.parse(message).code
        if code != SUCCESS:
            raise ProtocolViolationError(f"the client's finish has the code {code}")
        self._enter(following)

    def _answer(self, finish: Finish) -> None:
        """Send messages 5 and 6 together: the client waits for both in the same way."""
        proof = Proof.of(self._surroundings.entropy(NONCE_SIZE), self._peer.iv)
        self._send_frames(bytes((PROVEN,)) + proof.serialize() + finish.serialize())

    def _tell(self, error: TunnelGatewayError) -> float:
        refusal = StpRefusal.from_error(error)
        match self.state:
            case _S.SERVER_EXPECT_PARAMS:
                self._to_send.append(refusal.first_byte())
                return 0.0
            case _S.SERVER_EXPECT_PROOF:
                self._send_frames(refusal.first_byte())
                return HOLD_AFTER_REFUSAL
            case _S.SERVER_OPENING:
                self._answer(refusal.finish())
                return HOLD_AFTER_REFUSAL
        return 0.0

"""The user's side of STP: for gateways that speak nothing else.

The protocol sends the user's certificate first and in clear, to any machine that answers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

from tunnel_gateway.errors import (
    BadSignatureError,
    CertificateUntrustedError,
    ProtocolViolationError,
    TunnelGatewayError,
)
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.pki.trust.validation import VerifiedPeer
from tunnel_gateway.protocol.events import Opened
from tunnel_gateway.protocol.stp.stp_connection import StpConnection, StpSurroundings
from tunnel_gateway.protocol.stp.stp_constants import (
    ACCEPTED,
    CLIENT_FINISH_TEXT,
    DEFAULT_MODES,
    IV_OF_CIPHER,
    MAX_SERVER_BLOCKS,
    NONCE_SIZE,
    PROOF_SIZE,
    PROVEN,
    SUCCESS,
    VERSION,
    Mode,
)
from tunnel_gateway.protocol.stp.stp_errors import CurveNotServedError, RepeatableModeError
from tunnel_gateway.protocol.stp.stp_messages import Finish, Params, Proof
from tunnel_gateway.protocol.stp.stp_refusals import refusal_of_finish, refusal_of_number
from tunnel_gateway.protocol.stp.stp_states import StpState, StpStep, next_stp_state

_S: Final = StpState
# A path of the gateway's certificate and the trust anchor that issued it, and nothing between.
_DIRECT: Final = 2


@dataclass(frozen=True, slots=True)
class StpClientSettings:
    """The wishes of the user's side: destination and identity, and whom it trusts.

    ``verify_server`` proves the gateway's certificate (DER, alone) for the page's host at an aware
    time, or raises CertificateError. ``modes`` are those that a gateway may answer in.
    """

    dst_id: int
    identity: Identity
    verify_server: Callable[[bytes, datetime], VerifiedPeer]
    modes: frozenset[Mode] = DEFAULT_MODES


class StpClientConnection(StpConnection):
    """The user's end of an STP tunnel. The first message waits in ``data_to_send()`` at once.

    Raises ProtocolViolationError for settings that the messages cannot carry.
    """

    max_blocks: ClassVar[int] = MAX_SERVER_BLOCKS
    hold_after_data: ClassVar[float] = 0.0

    def __init__(self, settings: StpClientSettings, surroundings: StpSurroundings) -> None:
        super().__init__(_S.CLIENT_EXPECT_PARAMS, surroundings)
        if not 0 <= settings.dst_id <= 255:
            raise ProtocolViolationError(f"the dst_id {settings.dst_id}, which is not 0 to 255")
        self._settings = settings
        self._server: VerifiedPeer
        self._own = self._own_params(settings.identity.leaf.der, bytes((settings.dst_id,)))
        self._to_send.append(bytes((VERSION,)) + self._own.serialize())

    def _check_first_byte(self, number: int) -> None:
        if number != ACCEPTED:
            raise refusal_of_number(number)

    def _handle_params(self, params: Params) -> None:
        """Message 2: check the gateway, and answer with message 4."""
        following = next_stp_state(self.state, StpStep.RECEIVE_PARAMS)
        settings, at = self._settings, self._surroundings.validation_time
        if params.mode not in settings.modes:
            raise RepeatableModeError(f"the gateway answers in the mode {params.mode.name}")
        if params.iv[:IV_OF_CIPHER] == self._own.iv[:IV_OF_CIPHER]:
            raise ProtocolViolationError("the gateway sends our own IV back")
        self._server = settings.verify_server(params.certificate, at)
        if len(self._server.path) > _DIRECT:
            raise CertificateUntrustedError("no trust anchor has issued the certificate itself")
        public_key = self._server.leaf.public_key
        if public_key.curve is not settings.identity.private_key.curve:
            raise CurveNotServedError("the gateway's certificate is on another curve than the key")
        self._peer = params
        self._agree(settings.identity.private_key, public_key)
        self._name_tunnel(self._own, params)
        proof = Proof.of(self._surroundings.entropy(NONCE_SIZE), params.iv)
        self._send_proof(proof)
        self._enter(following)

    def _send_proof(self, proof: Proof) -> None:
        """Message 4, in two frames as the client of E-IMZO sends it."""
        self._send_frames(proof.nonce)
        self._send_frames(proof.hash)

    def _handshake_size(self, received: bytes) -> int:
        if self.state is _S.CLIENT_EXPECT_FINISH:
            return Finish.size(received)
        if received[0] != PROVEN:
            raise refusal_of_number(received[0])
        return 1 + PROOF_SIZE

    def _handle_handshake(self, message: bytes) -> None:
        if self.state is _S.CLIENT_EXPECT_PROOF:
            self._handle_proof(message)
        else:
            self._handle_finish(message)

    def _handle_proof(self, message: bytes) -> None:
        """Message 5: the gateway is proven; message 6 follows."""
        following = next_stp_state(self.state, StpStep.RECEIVE_PROOF)
        if not Proof.parse(message[1:]).answers(self._own.iv):
            raise BadSignatureError("the gateway's proof is wrong: it does not have the shared key")
        self._enter(following)

    def _handle_finish(self, message: bytes) -> None:
        """Message 6: the gateway has let the user in. Answer with message 7."""
        following = next_stp_state(self.state, StpStep.RECEIVE_FINISH)
        finish = Finish.parse(message)
        if finish.code != SUCCESS:
            raise refusal_of_finish(finish)
        self._send_frames(Finish(SUCCESS, CLIENT_FINISH_TEXT).serialize())
        self._enter(following)
        self._events.append(Opened(self._server, self._tunnel_id))

    def _tell(self, error: TunnelGatewayError) -> float:  # noqa: ARG002 (there is no way to)
        return 0.0

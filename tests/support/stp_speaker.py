"""A client of STP by the model: it can say anything after its hello."""

from __future__ import annotations

from hashlib import sha256

from tests.support.entropy import Entropy
from tests.support.stp_model import ModelStream, frame
from tests.support.stp_pair import Clock, new_stp_client, new_stp_server, stp_domain, stp_user
from tunnel_gateway.gost.key_agreement import shared_x
from tunnel_gateway.protocol.events import ClientAuthenticated
from tunnel_gateway.protocol.stp.stp_messages import Finish, Params
from tunnel_gateway.protocol.stp.stp_states import StpState


def server_nonce() -> bytes:
    """The nonce of ``new_stp_server``: its second random value."""
    entropy = Entropy("server")
    entropy(32)
    return entropy(32)


class Speaker:
    """A client by the model, which can say anything after the hello."""

    def __init__(self, clock: Clock | None = None) -> None:
        client = new_stp_client()
        self.server = new_stp_server(clock=clock)
        self.server.receive_data(client.data_to_send())
        message_2 = self.server.data_to_send()
        client.receive_data(message_2)
        self.theirs, self.own = Params.parse(message_2[1:]), client._own
        self.wire = client.data_to_send()  # message 4, as it should be
        self._decrypts = self._stream(self.own)
        self.message_4 = self._decrypts.decrypt(self.wire)
        self._encrypts = self._stream(self.own)
        self._reads = self._stream(self.theirs)

    def _stream(self, params: Params) -> ModelStream:
        shared = shared_x(stp_user().private_key, stp_domain().leaf.public_key)
        return ModelStream(sha256(shared).digest(), params.table, params.mode, params.iv)

    def say(self, *frames: bytes) -> None:
        for one in frames:
            self.server.receive_data(self._encrypts.encrypt(one))

    def heard(self) -> bytes:
        return self._reads.decrypt(self.server.data_to_send())

    def proven(self) -> Speaker:
        self.say(self.message_4)
        (event,) = self.server.events_received()
        assert isinstance(event, ClientAuthenticated)
        return self

    def accepted(self) -> Speaker:
        self.proven().server.accept()
        return self

    def opened(self) -> Speaker:
        self.accepted().say(frame(2, Finish(0, b"Success").serialize()))
        assert self.server.state is StpState.OPEN
        self.heard()
        return self

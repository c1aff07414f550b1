"""Recorded sessions of STP, and the package's two roles set up to send the same bytes again."""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.support.stp_model import ModelStream, frame
from tests.vectors import FOLDER
from tunnel_gateway.gost.curves import PrivateKey
from tunnel_gateway.gost.frames import Buffer
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.pki.trust import validation
from tunnel_gateway.pki.trust.validation import VerifiedPeer
from tunnel_gateway.protocol.stp.stp_client import StpClientConnection, StpClientSettings
from tunnel_gateway.protocol.stp.stp_connection import StpConnection, StpSurroundings
from tunnel_gateway.protocol.stp.stp_constants import Mode, Table
from tunnel_gateway.protocol.stp.stp_messages import Finish, Params
from tunnel_gateway.protocol.stp.stp_server import (
    StpDomain,
    StpServerConnection,
    StpServerSettings,
)

ALL_MODES = frozenset(Mode)
RECORDED = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)


def unframed(plain: bytes, sizes: list[int]) -> list[bytes]:
    """The payloads of frames of these sizes, each checked against what it must be."""
    payloads, at = [], 0
    for counter, size in enumerate(sizes):
        end = at + 16 + size + -size % 8
        payload = plain[at + 16 : at + 16 + size]
        assert plain[at:end] == frame(counter, payload), counter
        payloads.append(payload)
        at = end
    assert at == len(plain)
    return payloads


@dataclass(frozen=True)
class Side:
    """One side of a recording: what it showed, and what it sent, in clear and on the wire."""

    params: Params
    identity: Identity
    nonce: bytes
    payloads: list[bytes]
    wire: bytes


@dataclass(frozen=True)
class StpRecording:
    """A recorded session; ``finish`` is the server's, None where it did not come to it."""

    name: str
    key: bytes
    client: Side
    server: Side
    status: int
    finish: Finish | None
    refused_at: int | None

    @property
    def data(self) -> dict[str, bytes]:
        """What the page and the destination wrote."""
        return {
            "client": b"".join(self.client.payloads[3:]),
            "server": b"".join(self.server.payloads[4:]),
        }


@functools.cache
def recordings() -> dict[str, StpRecording]:
    """All of them by their names."""
    found = (_read(path.stem, path.read_bytes()) for path in sorted((FOLDER / "stp").glob("*")))
    return {one.name: one for one in found}


def _read(name: str, text: bytes) -> StpRecording:
    entry = json.loads(text)
    key = bytes.fromhex(entry["key"])
    sides = {side: _side(side, key, entry) for side in ("client", "server")}
    finish = entry["finish"].get("server")
    return StpRecording(
        name=name,
        key=key,
        client=sides["client"],
        server=sides["server"],
        status=entry["status_2"],
        finish=Finish(finish["code"], bytes.fromhex(finish["text"])) if finish else None,
        refused_at={"tunnel": None, "refused in message 2": 2, "refused in message 6": 6}[
            entry["ends"]
        ],
    )


def _side(side: str, key: bytes, entry: dict[str, Any]) -> Side:
    fields = entry[side]
    iv, extra, der = (bytes.fromhex(fields[name]) for name in ("iv", "extra", "certificate"))
    params = Params(der, Table(fields["table"]), Mode(fields["mode"]), iv, extra)
    leaf = Certificate.from_der(der)
    d = bytes.fromhex(fields["private_key"])
    wire = b"".join(bytes.fromhex(run) for sender, run in entry["bytes"] if sender == side)
    payloads = []
    if fields["frames"]:
        stream = ModelStream(key, params.table, params.mode, iv)
        plain = stream.decrypt(wire[1 + len(params.serialize()) :])
        payloads = unframed(plain, fields["frames"])
    # The plaintext as the recorder had it: the model has found the same in the recorded bytes.
    assert hashlib.sha256(b"".join(payloads)).hexdigest() == fields["payload_sha256"]
    return Side(
        params,
        Identity(PrivateKey(leaf.public_key.curve, d), (leaf,)),
        bytes.fromhex(fields.get("nonce", "")),
        payloads,
        wire,
    )


def believed(der: bytes) -> VerifiedPeer:
    """What a validation would say: the authorities of the recordings are not kept."""
    leaf = Certificate.from_der(der)
    proof = validation._PROOF
    return VerifiedPeer(leaf, (leaf, leaf), leaf.not_before, leaf.not_after, proof)


class Recorded(StpConnection):
    """Sends with the cipher, the random values and the frames of a recording."""

    def replay(self, side: Side) -> None:
        self.side = side
        self.sizes = iter([len(payload) for payload in side.payloads])

    def _own_params(self, certificate: bytes, extra: bytes = b"") -> Params:
        assert certificate == self.side.params.certificate
        self._surroundings.entropy(32)
        return self.side.params

    def _send_frames(self, payload: Buffer) -> None:
        """Cut the bytes as they were cut then; an empty frame is one that we never send."""
        start, written = 0, b""
        writer = self._writer
        assert writer is not None
        while start < len(payload) or not payload:
            size = next(self.sizes)
            if size:
                written += bytes(writer.write(payload[start : start + size]))
            else:
                written += bytes(writer._stream.encrypt(frame(writer._counter, b"")))
                writer._counter += 1
                if not payload:
                    break
            start += size
        assert start == len(payload)
        self._to_send.append(written)


class RecordedServer(Recorded, StpServerConnection):
    """The server's side of a recording, with its finish."""

    finish: Finish

    def _answer(self, finish: Finish) -> None:
        assert (finish.code == 0) == (self.finish.code == 0)
        super()._answer(self.finish)


class RecordedClient(Recorded, StpClientConnection):
    """The client's side of a recording."""


def _surroundings(side: Side) -> StpSurroundings:
    answers = iter((side.params.iv, side.nonce))
    return StpSurroundings(lambda size: next(answers), RECORDED, itertools.count().__next__)


def recorded_server(
    recording: StpRecording, modes: frozenset[Mode] = ALL_MODES
) -> StpServerConnection:
    """A server that has its side of the recording still to say."""
    domain = StpDomain("localhost", recording.server.identity)
    settings = StpServerSettings(lambda der, at: believed(der), lambda curve, dst_id: domain, modes)
    server = RecordedServer(settings, _surroundings(recording.server))
    server.replay(recording.server)
    server.finish = recording.finish or Finish(0)
    return server


def recorded_client(
    recording: StpRecording, modes: frozenset[Mode] = ALL_MODES
) -> StpClientConnection:
    """A client that has its hello to send already."""
    side = recording.client
    settings = StpClientSettings(
        side.params.extra[0], side.identity, lambda der, at: believed(der), modes
    )
    client = RecordedClient.__new__(RecordedClient)
    client.replay(side)
    client.__init__(settings, _surroundings(side))  # type: ignore[misc]
    return client

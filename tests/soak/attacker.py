"""One stranger after the other, as cheap for himself as can be: see strangers.py for the kinds."""

from __future__ import annotations

import itertools
import os
import socket
import struct
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from tunnel_gateway.gost.curves import CRYPTOPRO_A, PrivateKey
from tunnel_gateway.gost.signature import sign
from tunnel_gateway.protocol.authentication import signed_digest
from tunnel_gateway.protocol.connection import peer_key_share, shared_secret
from tunnel_gateway.protocol.constants import CLIENT_SIGNATURE_LABEL, SUITE, ContentType
from tunnel_gateway.protocol.key_schedule import (
    KeySchedule,
    TrafficSecrets,
    Transcript,
    finished_value,
)
from tunnel_gateway.protocol.messages import ClientHello
from tunnel_gateway.protocol.record import Opener, Sealer

SECONDS: Final = 60.0
_RESET: Final = struct.pack("ii", 1, 0)
_SILENT_AT_ONCE: Final = 40


@dataclass
class Met:
    """A connection after the hellos: the gateway has proven itself, and waits for a proof."""

    socket: socket.socket
    transcript: Transcript
    secrets: TrafficSecrets
    application: TrafficSecrets
    sealer: Sealer

    def send(self, content: int, payload: bytes) -> None:
        """Send a record under the handshake's key."""
        self.socket.sendall(self.sealer.seal(ContentType(content), payload))

    def prove(self, claim: bytes, key: PrivateKey | None, *, finished: bytes | None = None) -> None:
        """Send message 4; without a ``key`` its signature is noise."""
        self.transcript.add(claim)
        signature = bytes(range(64))
        if key is not None:
            text = signed_digest(CLIENT_SIGNATURE_LABEL, self.transcript.hash())
            signature = sign(key, text, os.urandom(32))
        self.transcript.add(signature)
        right = finished_value(self.secrets.client, self.transcript.hash())
        self.send(ContentType.HANDSHAKE, claim + signature + (finished or right))
        self.sealer = Sealer(self.application.client)


class Attacker:
    """Connects to ``address`` from one of ``sources`` after the other.

    What does not change is made once: the hello with its ephemeral key, and every claim.
    """

    def __init__(self, address: tuple[str, int], sources: Sequence[str], domain: str) -> None:
        self._address = address
        self._sources = itertools.cycle(sources)
        self._random = os.urandom(32)
        self._ephemeral = PrivateKey.generate(CRYPTOPRO_A, os.urandom)
        self._silent: deque[socket.socket] = deque()
        self.hello = self.hello_for(domain)
        self.name = ""  # of the last connection

    def hello_for(self, domain: str, share: bytes | None = None) -> bytes:
        """Return the body of message 1."""
        own = self._ephemeral.public_key().encoded
        return ClientHello((SUITE,), self._random, share or own, domain).serialize()

    def connect(self) -> socket.socket:
        """Connect from the next address."""
        connection = socket.socket()
        connection.settimeout(SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.bind((next(self._sources), 0))
        connection.connect(self._address)
        host, port = connection.getsockname()
        self.name = f"{host}:{port}"
        return connection

    def say(self, data: bytes, then: str = "listen") -> None:
        """Send something and wait for the end; ``then`` may be to ``end`` or to ``reset``."""
        with self.connect() as connection:
            connection.sendall(data)
            if then == "reset":
                reset(connection)
            else:
                listen_to_end(connection, end=then == "end")

    def drip(self, data: bytes) -> None:
        """Send byte for byte, each in a segment of its own, and wait for the end."""
        with self.connect() as connection, suppress(OSError):
            for byte in data:
                connection.sendall(bytes((byte,)))
            listen_to_end(connection)

    def be_silent(self, data: bytes) -> None:
        """Say no more than this until the gateway has had enough, which is waited for later."""
        connection = self.connect()
        connection.sendall(data)
        self._silent.append(connection)
        if len(self._silent) > _SILENT_AT_ONCE:
            with self._silent.popleft() as oldest:
                listen_to_end(oldest)

    def close(self) -> None:
        """Wait for the end of those who are silent."""
        for connection in self._silent:
            with connection:
                listen_to_end(connection)
        self._silent.clear()

    def meet(self) -> Met:
        """Go through the hellos; who the gateway is, is not checked."""
        connection = self.connect()
        connection.sendall(record(1, self.hello))
        answer = receive_record(connection)[3:]
        proof = receive_record(connection)
        transcript = Transcript()
        transcript.add(self.hello)
        transcript.add(answer)
        share = peer_key_share(answer[35:])
        schedule = KeySchedule(shared_secret(self._ephemeral, share, self._random, answer[3:35]))
        secrets = schedule.handshake_secrets(transcript.hash())
        opened = Opener(secrets.server).open(proof).other
        assert opened is not None
        transcript.add(opened[1])
        application = schedule.application_secrets(transcript.hash())
        return Met(connection, transcript, secrets, application, Sealer(secrets.client))


def record(number: int, fragment: bytes) -> bytes:
    """Return a record of any type."""
    return bytes((number,)) + len(fragment).to_bytes(2, "big") + fragment


def receive_record(connection: socket.socket) -> bytes:
    """Receive a whole record, its header included."""
    header = _exactly(connection, 3)
    return header + _exactly(connection, int.from_bytes(header[1:], "big"))


def _exactly(connection: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        data = connection.recv(size - len(found))
        if not data:
            raise ConnectionResetError("the gateway has no time for one more")
        found += data
    return found


def listen_to_end(connection: socket.socket, *, end: bool = False) -> None:
    """Take what comes until the gateway has ended it too."""
    with suppress(ConnectionResetError, BrokenPipeError):
        if end:
            connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass


def reset(connection: socket.socket) -> None:
    """Let the connection end with a reset when it is closed."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)

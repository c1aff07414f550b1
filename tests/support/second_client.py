"""A second implementation of the client, from docs/protocol.md alone, on a blocking socket.

It shares the digest, the cipher and the signature with the package, and nothing of its protocol.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Sequence
from typing import Self

from tests.support import reference_protocol as reference
from tests.support.pki import ders
from tests.support.processes import TIME_LIMIT
from tests.support.reference_curve import encode, multiply
from tunnel_gateway.gost.cipher import MagmaMGM
from tunnel_gateway.gost.curves import CRYPTOPRO_A
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.gost.signature import sign
from tunnel_gateway.pki.files.keyfiles import Identity

HANDSHAKE, DATA, CLOSE, ALERT = 1, 2, 3, 4
RECORDS_PER_KEY = 256
MAX_PAYLOAD = 16384


class Direction:
    """The records of one direction: numbered, and under another secret after every 256."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._number = 0
        self._use()

    def _use(self) -> None:
        keys = reference.keys(self._secret)
        self._cipher, self._iv = MagmaMGM(keys.key), keys.iv

    def _nonce(self) -> bytes:
        if self._number == RECORDS_PER_KEY:
            self._secret = reference.update(self._secret)
            self._number = 0
            self._use()
        self._number += 1
        return reference.nonce(self._iv, self._number - 1)

    def seal(self, content: int, payload: bytes) -> bytes:
        """Return a record."""
        nonce = self._nonce()
        header = b"\x02" + (1 + len(payload) + 8).to_bytes(2, "big")
        return header + self._cipher.encrypt(nonce, bytes((content,)) + payload, header)

    def open(self, record: bytes) -> tuple[int, bytes]:
        """Return content and payload of a record."""
        nonce = self._nonce()
        opened = self._cipher.decrypt(nonce, record[3:], record[:3])
        return opened[0], opened[1:]


class SecondClient:
    """One tunnel. What comes in is received by whoever calls ``receive``."""

    def __init__(self, address: tuple[str, int], identity: Identity, domain: str) -> None:
        self.socket = socket.create_connection(address, TIME_LIMIT)
        self._identity = identity
        self._domain = domain
        self.sending: Direction
        self.receiving: Direction

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def record(self) -> bytes:
        """Receive a whole record with its header; ``b""`` at the end of TCP."""
        header = self._exactly(3)
        return header + self._exactly(int.from_bytes(header[1:], "big")) if header else b""

    def _exactly(self, size: int) -> bytes:
        found = bytearray()
        while len(found) < size and (data := self.socket.recv(size - len(found))):
            found += data
        assert len(found) in (0, size), f"TCP ended after {len(found)} bytes of {size}"
        return bytes(found)

    def meet(self) -> reference.Messages:
        """Exchange the hellos, and read who the gateway says it is."""
        own, random = secrets.randbelow(CRYPTOPRO_A.n - 1) + 1, os.urandom(32)
        hello = reference.client_hello(random, reference.key_share(own), self._domain)
        self.socket.sendall(reference.clear_record(1, hello))
        answer = self.record()[3:]
        x, y = (int.from_bytes(answer[at : at + 32], "little") for at in (35, 67))
        ukm = reference.user_keying_material(random, answer[3:35])
        shared = multiply(CRYPTOPRO_A, own * ukm % CRYPTOPRO_A.n, (x, y))
        self._shared = digest(encode(shared))
        messages = reference.Messages(hello, answer, b"", b"", b"", b"")
        known = reference.schedule(messages, self._shared)
        self.sending = Direction(known["c hs"])
        content, proof = Direction(known["s hs"]).open(self.record())
        assert content == HANDSHAKE
        met = reference.Messages(hello, answer, proof[:-96], proof[-96:-32], b"", b"")
        self.receiving = Direction(reference.schedule(met, self._shared)["s ap"])
        return met

    def prove(
        self, met: reference.Messages, dst_id: str, chain: Sequence[bytes] | None = None
    ) -> None:
        """Show who the user is, and change both directions to the application's secrets."""
        known = reference.schedule(met, self._shared)
        claim = reference.claim(chain or ders(self._identity), dst_id)
        before = met.client_hello + met.server_hello + met.server_claim + met.server_signature
        so_far = before + known["server finished"] + claim
        text = digest(reference.signed_text("client", digest(so_far)))
        signature = sign(self._identity.private_key, text, os.urandom(32))
        proven = reference.Messages(
            met.client_hello,
            met.server_hello,
            met.server_claim,
            met.server_signature,
            claim,
            signature,
        )
        known = reference.schedule(proven, self._shared)
        self.send(HANDSHAKE, claim + signature + known["client finished"])
        self.sending = Direction(known["c ap"])
        self._tunnel_id = known["tunnel id"]

    def open(self, dst_id: str) -> None:
        """Go through the whole handshake."""
        self.prove(self.meet(), dst_id)
        assert self.receive() == (HANDSHAKE, self._tunnel_id)

    def send(self, content: int, payload: bytes = b"") -> None:
        """Send a record."""
        self.socket.sendall(self.sending.seal(content, payload))

    def send_data(self, data: bytes) -> None:
        """Send data in as many records as they take."""
        for start in range(0, len(data), MAX_PAYLOAD):
            self.send(DATA, data[start : start + MAX_PAYLOAD])

    def receive(self) -> tuple[int, bytes] | None:
        """Receive a record and return its content and payload; None at the end of TCP."""
        record = self.record()
        if not record:
            return None
        assert record[0] == 2, record
        return self.receiving.open(record)

    def data_to_close(self) -> bytes:
        """Receive data to the close, which must be the gateway's last record."""
        found = bytearray()
        while received := self.receive():
            content, payload = received
            if content == CLOSE:
                assert self.record() == b""
                return bytes(found)
            assert content == DATA, (content, payload)
            found += payload
        raise AssertionError(f"TCP ended after {len(found)} bytes without a close")

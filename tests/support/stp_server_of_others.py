"""A server of STP as the vendor's may be, on a blocking socket, from the description alone.

It takes any table and mode for its own direction, cuts its messages anywhere, refuses with any
number or text, and closes early or late: the test says each step.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from typing import Self

from tests.support import stp_words_of_others as words
from tests.support.processes import TIME_LIMIT
from tests.support.stp_client_of_others import CURVES, public_point
from tunnel_gateway.gost.curves import PrivateKey


class StpServerOfOthers:
    """A listening socket, and what its certificate is."""

    def __init__(self, certificate: bytes, private_key: int | PrivateKey) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.listening.settimeout(TIME_LIMIT)
        self.certificate = certificate
        if isinstance(private_key, PrivateKey):
            private_key = int.from_bytes(private_key.to_bytes(), "big")
        self.private_key = private_key

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        host, port = self.listening.getsockname()
        return host, port

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.listening.close()

    def accept(
        self,
        *,
        table: int = 1,
        mode: int = words.GCFB,
        iv: bytes | None = None,
        extra: bytes = b"",
        nonce: bytes | None = None,
    ) -> ServedStp:
        """Take the next client, and answer in this way."""
        connection, _ = self.listening.accept()
        connection.settimeout(TIME_LIMIT)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        own = words.Params(self.certificate, table, mode, iv or os.urandom(32), extra)
        return ServedStp(connection, own, self.private_key, nonce or os.urandom(32))


class ServedStp:
    """One client of the server."""

    def __init__(
        self, connection: socket.socket, own: words.Params, private_key: int, nonce: bytes
    ) -> None:
        self.socket = connection
        self.own = own
        self._private_key = private_key
        self._nonce = nonce
        self.other: words.Params
        self.writer: words.FrameWriter
        self.reader: words.FrameReader

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    @property
    def dst_id(self) -> int:
        """What the client asks for."""
        return self.other.extra[0]

    def open(self, cut: int | None = None, first_data: bytes = b"", text: bytes = b"") -> Self:
        """Make the tunnel; messages 5 and 6 and the data after them in frames of ``cut`` bytes."""
        self.receive_hello()
        self.send_params()
        self.receive_proof()
        self.send_cut(self.proof() + finish(0, text) + first_data, cut)
        self.receive_finish()
        return self

    def receive_hello(self) -> None:
        """Message 1; the key is known then."""
        assert words.exactly(self.socket, 1) == words.VERSION
        self.other = words.params(*words.certificate_and_tail(self.socket))
        dotted, point = public_point(self.other.certificate)
        x, y = (int.from_bytes(half, "little") for half in (point[:32], point[32:]))
        self.key = words.session_key(CURVES[dotted], self._private_key, (x, y))
        self.writer = words.FrameWriter(self.key, self.own)
        self.reader = words.FrameReader(self.key, self.other)

    def send_params(self) -> None:
        """Message 2."""
        self.socket.sendall(b"\x00" + self.own.to_bytes())

    def refuse_at_once(self, number: int) -> None:
        """A refusal in place of message 2."""
        self.socket.sendall(bytes((number,)))

    def receive_proof(self) -> None:
        """Message 4, which must be right."""
        found = self.reader.exactly(self.socket, 64)
        assert found == words.proof(found[:32], self.own.iv)

    def proof(self) -> bytes:
        """Message 5."""
        return words.PROVEN + words.proof(self._nonce, self.other.iv)

    def send_cut(self, data: bytes, cut: int | None = None) -> None:
        """Send data in frames of ``cut`` bytes each, or in one."""
        size = cut or len(data)
        self.send_frames([data[at : at + size] for at in range(0, len(data), size)])

    def send_frames(self, payloads: Sequence[bytes]) -> None:
        """Send frames together."""
        self.socket.sendall(b"".join(self.writer.frame(payload) for payload in payloads))

    def receive_finish(self) -> None:
        """Message 7."""
        code, size = self.reader.exactly(self.socket, 2)
        assert code == 0, code
        self.reader.exactly(self.socket, size)

    def receive(self, size: int) -> bytes:
        """So much data of the client."""
        return self.reader.exactly(self.socket, size)

    def is_closed(self) -> bool:
        """Whether nothing comes any more until the client's close."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True


def finish(code: int, text: bytes = b"") -> bytes:
    """Message 6."""
    return bytes((code, len(text))) + text

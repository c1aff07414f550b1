"""A client of STP that does over the wire what E-IMZO 4.57 does, on a blocking socket.

It is written from the description of the protocol alone. It writes small pieces with Nagle's
algorithm on, has no time limits of its own (the test's socket has one), and refuses what E-IMZO
refuses, in its words.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, Self

from asn1crypto import x509
from cryptography.exceptions import InvalidSignature

from tests.support import stp_words_of_others as words
from tests.support.processes import TIME_LIMIT
from tunnel_gateway.gost import signature
from tunnel_gateway.gost.curves import (
    CRYPTOPRO_A,
    CRYPTOPRO_B,
    CRYPTOPRO_C,
    Curve,
    PrivateKey,
    PublicKey,
)
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.encoding import oids

BIGGEST_CERTIFICATE: Final = 10240
PIPE: Final = 1024
CURVES: Final = {
    "1.2.860.3.15.1.1.2.1.1": CRYPTOPRO_A,
    "1.2.860.3.15.1.1.2.1.2": CRYPTOPRO_B,
    "1.2.860.3.15.1.1.2.1.3": CRYPTOPRO_C,
    "1.2.860.3.15.1.1.2.1.5": CRYPTOPRO_A,
    "1.2.860.3.15.1.1.2.1.6": CRYPTOPRO_C,
}
_KEY: Final = "1.2.860.3.15.1.1.2.1"
_SIGNATURE: Final = "1.2.860.3.15.1.1.2.2.2.2"
_KNOWN_EXTENSIONS: Final = {"2.5.29.15", "2.5.29.17", "2.5.29.19", "2.5.29.32", "2.5.29.37"}
# Only importing it makes asn1crypto know these keys.
assert _KEY in oids.FAMILY_BY_KEY_OID


class RefusedByClientError(Exception):
    """What the page is told, as class and reason."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(f"{kind}: {reason}")
        self.kind = kind
        self.reason = reason


def public_point(certificate: bytes) -> tuple[str, bytes]:
    """The parameter set of a certificate's key, and the 64 bytes of its point."""
    parsed = x509.Certificate.load(certificate)
    info = parsed.public_key
    if info["algorithm"]["algorithm"].dotted != _KEY:
        raise RefusedByClientError("CertificatePathBuildException", "KeyFactory not available")
    parameters = info["algorithm"]["parameters"].dump()
    point = bytes(info["public_key"])  # an OCTET STRING of 64 bytes
    if parameters[:2] != bytes((0x30, len(parameters) - 2)) or point[:2] != b"\x04\x40":
        raise RefusedByClientError("IOException", "no key of this kind")
    dotted = x509.ObjectIdentifier.load(parameters[2:]).dotted
    return dotted, point[2:]


class StpClientOfOthers:
    """One tunnel. Table and mode are drawn where they are not given, and so is the rest.

    ``root`` is the one root that is trusted, in DER; without it no certificate is checked.
    With ``polls`` what was received reaches the page as late as E-IMZO's pipe makes it.
    """

    def __init__(
        self,
        address: tuple[str, int],
        certificate: bytes,
        private_key: int | PrivateKey,
        *,
        host: str = "example.uz",
        root: bytes | None = None,
        dst_id: int = 0,
        table: int | None = None,
        mode: int | None = None,
        iv: bytes | None = None,
        nonce: bytes | None = None,
        polls: float = 0.0,
    ) -> None:
        self.socket = socket.create_connection(address, TIME_LIMIT)
        self.own = words.Params(
            certificate,
            secrets.choice(words.TABLES) if table is None else table,
            secrets.choice(words.MODES) if mode is None else mode,
            iv or os.urandom(32),
            bytes((dst_id,)),
        )
        if isinstance(private_key, PrivateKey):
            private_key = int.from_bytes(private_key.to_bytes(), "big")
        self._private_key = private_key
        self._host = host
        self._root = root
        self._nonce = nonce or os.urandom(32)
        self._polls = polls
        self._in_pipe = b""
        self.wire = b""  # what a listener has seen of the frames
        self.other: words.Params
        self.writer: words.FrameWriter
        self.reader: words.FrameReader

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def open(self) -> Self:
        """Make the tunnel, or be refused."""
        self.open_without_finish()
        self.send_frame(words.SUCCESS)
        return self

    def open_without_finish(self) -> None:
        """All of it but message 7."""
        self.send_hello()
        self.receive_params()
        self.send_proof()
        self.receive_success()

    def send_hello(self) -> None:
        """Message 1 in five writes."""
        made = words.VERSION + self.own.to_bytes()
        at = 0
        for size in (1, 2, len(self.own.certificate), 1, 36):
            self.socket.sendall(made[at : at + size])
            at += size
        assert at == len(made)

    def receive_params(self) -> None:
        """Message 2, with the checks in E-IMZO's order; then the key is known."""
        try:
            refusal = words.exactly(self.socket, 1)[0]
            if refusal:
                raise _phase_fail(refusal)
            size = int.from_bytes(words.exactly(self.socket, 2), "big")
            if size > BIGGEST_CERTIFICATE:
                raise _argument("Bad certificate size")
            certificate = words.exactly(self.socket, size)
            tail = words.exactly(self.socket, words.exactly(self.socket, 1)[0])
        except EOFError:
            raise RefusedByClientError("EOFException", "EOFException") from None
        except ConnectionResetError:
            raise RefusedByClientError("SocketException", "Connection reset") from None
        self.other = _checked_params(certificate, tail)
        if self._root is not None:
            check_certificate(certificate, self._root, self._host)
        self._agree()

    def _agree(self) -> None:
        _, point = public_point(self.other.certificate)
        x, y = (int.from_bytes(half, "little") for half in (point[:32], point[32:]))
        own_set, _ = public_point(self.own.certificate)
        # On the own curve, whatever the server's is.
        self.key = words.session_key(CURVES[own_set], self._private_key, (x, y))
        self.writer = words.FrameWriter(self.key, self.own)
        self.reader = words.FrameReader(self.key, self.other)

    def send_proof(self) -> None:
        """Message 4 in two frames."""
        made = words.proof(self._nonce, self.other.iv)
        self.send_frame(made[:32])
        self.send_frame(made[32:])

    def receive_success(self) -> None:
        """Messages 5 and 6."""
        self.receive_proof()
        self.receive_finish()

    def receive_proof(self) -> None:
        """Message 5."""
        status = self._payload(1)[0]
        if status != words.PROVEN[0]:
            raise _phase_fail(status)
        nonce, found = self._payload(32), self._payload(32)
        if nonce + found != words.proof(nonce, self.own.iv):
            raise _argument("Phase2 verify fail")

    def receive_finish(self) -> None:
        """Message 6."""
        code, size = self._payload(2)
        text = self._payload(size).decode("utf-8", "replace")
        if code:
            raise RefusedByClientError("Exception", f"Ошибка установления туннеля: {text}")

    def _payload(self, size: int) -> bytes:
        try:
            return self.reader.exactly(self.socket, size)
        except EOFError:
            raise RefusedByClientError("IOException", "Pipe broken") from None
        except words.WrongHeaderError as error:
            raise RefusedByClientError("IOException", str(error)) from None

    def send_frame(self, payload: bytes) -> None:
        """One frame: 16 bytes, and then every 8 bytes a write of its own."""
        made = self.writer.frame(payload)
        self.wire += made
        self.socket.sendall(made[: words.FRAME_HEADER])
        for at in range(words.FRAME_HEADER, len(made), 8):
            self.socket.sendall(made[at : at + 8])

    def send(self, data: bytes) -> None:
        """What the page has written, in frames of at most 4096 bytes."""
        for at in range(0, len(data), words.BIGGEST_FRAME):
            self.send_frame(data[at : at + words.BIGGEST_FRAME])

    def receive(self, size: int) -> bytes:
        """So much data for the page; less where the connection ends."""
        found = b""
        while len(found) < size and (data := self.some()):
            found += data
        return found

    def some(self) -> bytes:
        """The next data for the page, or nothing where the tunnel has ended.

        With ``polls``, up to 1024 bytes wait in the pipe, and are lost where the end comes sooner.
        """
        if not self._polls:
            return self._next()
        while len(self._in_pipe) <= PIPE:
            if self._in_pipe and not self._comes_before_next_look():
                found, self._in_pipe = self._in_pipe, b""
                return found
            data = self._next()
            if not data:
                self._in_pipe = b""
                return b""
            self._in_pipe += data
        whole = (len(self._in_pipe) - 1) // PIPE * PIPE
        found, self._in_pipe = self._in_pipe[:whole], self._in_pipe[whole:]
        return found

    def _comes_before_next_look(self) -> bool:
        self.socket.settimeout(self._polls)
        try:
            self.socket.recv(1, socket.MSG_PEEK)
        except TimeoutError:
            return False
        finally:
            self.socket.settimeout(TIME_LIMIT)
        return True

    def _next(self) -> bytes:
        try:
            return self.reader.some(self.socket)
        except (EOFError, ConnectionResetError, words.WrongHeaderError):
            return b""

    def seconds_until_closed(self) -> float:
        """Drop what comes until the server closes, and tell how long it took."""
        since = time.monotonic()
        while self._next():
            pass
        return time.monotonic() - since


def _phase_fail(number: int) -> RefusedByClientError:
    signed = number - 256 if number > 127 else number
    return RefusedByClientError("PhaseFaiException", f"Phase fail with reason code: {signed}")


def _argument(reason: str) -> RefusedByClientError:
    return RefusedByClientError("IllegalArgumentException", reason)


def _checked_params(certificate: bytes, tail: bytes) -> words.Params:
    if len(tail) < 35:
        raise RefusedByClientError("ArrayIndexOutOfBoundsException", str(len(tail)))
    found = words.params(certificate, tail)
    if found.key_exchange:
        raise _argument("Bad KeyExchange value")
    if found.table not in words.TABLES:
        raise _argument("Bad CipherEngine value")
    if found.mode not in words.MODES:
        raise _argument("Mode")
    if not any(found.iv):
        raise _argument("Bad IV value")
    return found


def check_certificate(certificate: bytes, root: bytes, host: str) -> None:
    """Raise unless the root itself has signed the leaf, and the leaf names the host."""
    try:
        parsed, anchor = x509.Certificate.load(certificate), x509.Certificate.load(root)
        extensions = _critical(parsed) | _critical(anchor)
        lifetimes = [(made.not_valid_before, made.not_valid_after) for made in (parsed, anchor)]
        names: Sequence[Any] = parsed.subject_alt_name_value or ()
        texts = [name.native for name in names if name.name in ("dns_name", "ip_address")]
    except (ValueError, TypeError) as error:
        raise RefusedByClientError("IOException", str(error)) from None
    now = datetime.now(UTC)
    if (
        parsed.issuer.dump() != anchor.subject.dump()
        or not _signed(parsed, root)
        or extensions - _KNOWN_EXTENSIONS
        or not all(first <= now <= last for first, last in lifetimes)
        or public_point(certificate)[0] not in CURVES
    ):
        raise RefusedByClientError(
            "CertificatePathBuildException", "java.security.cert.CertPathBuilderException"
        )
    if host not in texts:  # character by character
        raise RefusedByClientError(
            "Exception", f"Несоответствующий сертификат туннела к домену {host}"
        )


def _critical(certificate: x509.Certificate) -> set[str]:
    listed = certificate["tbs_certificate"]["extensions"]
    return {each["extn_id"].dotted for each in listed if each["critical"].native}


def _signed(certificate: x509.Certificate, root: bytes) -> bool:
    dotted, point = public_point(root)
    curve: Curve = CURVES[dotted]
    if certificate["signature_algorithm"]["algorithm"].dotted != _SIGNATURE:
        return False
    body = certificate["tbs_certificate"].dump()
    try:
        signature.verify(
            PublicKey(curve, point), bytes(certificate["signature_value"].native), digest(body)
        )
    except InvalidSignature:
        return False
    return True

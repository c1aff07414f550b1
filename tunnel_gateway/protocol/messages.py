"""The handshake messages: one frozen dataclass each, with ``parse`` and ``serialize``.

Every parser raises ProtocolViolationError for a message that is too long or too short, or has bytes
left over. The limits of ``constants`` bound everything that a parser allocates.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from tunnel_gateway.errors import (
    NoCommonSuiteError,
    ProtocolViolationError,
    UnsupportedVersionError,
)
from tunnel_gateway.protocol.constants import (
    FINISHED_SIZE,
    KEY_SHARE_SIZE,
    MAGIC,
    MAX_CERTIFICATES,
    MAX_DST_ID,
    MAX_PAYLOAD,
    RANDOM_SIZE,
    SIGNATURE_SIZE,
    SUITE,
    TUNNEL_ID_SIZE,
    VERSION,
)

_LABEL: Final = r"(?!-)[a-z0-9-]{1,63}(?<!-)"
_SERVER_NAME: Final = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*\Z")


class Reader:
    """Takes fields off the front of a message; running out is a protocol violation."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.position = 0

    def take(self, size: int) -> bytes:
        """Return the next ``size`` bytes."""
        end = self.position + size
        if end > len(self._data):
            raise ProtocolViolationError("a message ends too early")
        field = self._data[self.position : end]
        self.position = end
        return field

    def number(self, size: int) -> int:
        """Return the next ``size`` bytes as a big-endian number."""
        return int.from_bytes(self.take(size), "big")

    def byte(self) -> int:
        """Return the next byte."""
        return self.take(1)[0]

    def finish(self) -> None:
        """Refuse bytes after the last field."""
        if self.position != len(self._data):
            raise ProtocolViolationError("a message has bytes left over")


@dataclass(frozen=True, slots=True)
class ClientHello:
    """Message 1: ``magic 4 ‖ version u8 ‖ suites ‖ random 32 ‖ key share 64 ‖ server name``."""

    suites: tuple[int, ...]
    random: bytes
    key_share: bytes
    server_name: str

    @classmethod
    def parse(cls, body: bytes) -> ClientHello:
        """Parse message 1.

        Raises UnsupportedVersionError before it looks at what another version may lay out
        differently, NoCommonSuiteError, and ProtocolViolationError.
        """
        reader = Reader(body)
        if reader.take(len(MAGIC)) != MAGIC:
            raise ProtocolViolationError("the first record is not a hello of this protocol")
        version = reader.byte()
        if version != VERSION:
            raise UnsupportedVersionError(f"the client speaks version {version}")
        suites = tuple(reader.number(2) for _ in range(reader.byte()))
        hello = cls(
            suites=suites,
            random=reader.take(RANDOM_SIZE),
            key_share=reader.take(KEY_SHARE_SIZE),
            server_name=_server_name(reader.take(reader.byte())),
        )
        reader.finish()
        if SUITE not in suites:
            raise NoCommonSuiteError(f"the client offers only the suites {suites}")
        return hello

    def serialize(self) -> bytes:
        """Return message 1, at most 866 bytes; raises ProtocolViolationError for the name."""
        name = self.server_name.encode("ascii", "replace")
        _server_name(name)
        return (
            MAGIC
            + bytes((VERSION, len(self.suites)))
            + b"".join(suite.to_bytes(2, "big") for suite in self.suites)
            + self.random
            + self.key_share
            + bytes((len(name),))
            + name
        )


@dataclass(frozen=True, slots=True)
class ServerHello:
    """Message 2: ``version u8 ‖ suite u16 ‖ random 32 ‖ key share 64``."""

    suite: int
    random: bytes
    key_share: bytes

    @classmethod
    def parse(cls, body: bytes) -> ServerHello:
        """Parse message 2; raises UnsupportedVersionError and ProtocolViolationError."""
        reader = Reader(body)
        version = reader.byte()
        if version != VERSION:
            raise UnsupportedVersionError(f"the gateway answers with version {version}")
        hello = cls(
            suite=reader.number(2),
            random=reader.take(RANDOM_SIZE),
            key_share=reader.take(KEY_SHARE_SIZE),
        )
        reader.finish()
        if hello.suite != SUITE:
            raise ProtocolViolationError("the gateway chose a suite that was not offered")
        return hello

    def serialize(self) -> bytes:
        """Return message 2, 99 bytes."""
        return bytes((VERSION,)) + self.suite.to_bytes(2, "big") + self.random + self.key_share


@dataclass(frozen=True, slots=True)
class Authentication:
    """Messages 3 and 4: ``chain ‖ [dst_id] ‖ signature 64 ‖ finished 32``.

    The chain is ``count u8 ‖ (length u16 ‖ DER)…``, leaf first. Only the client's message
    carries ``dst_id`` (``length u8 ‖ UTF-8``); in the server's message the field holds None.
    """

    chain: tuple[bytes, ...]
    dst_id: str | None
    signature: bytes
    finished: bytes

    @classmethod
    def parse(cls, body: bytes, *, with_dst_id: bool) -> Authentication:
        """Parse message 4 (``with_dst_id``) or 3; raises ProtocolViolationError."""
        reader = Reader(body)
        count = reader.byte()
        if not 1 <= count <= MAX_CERTIFICATES:
            raise ProtocolViolationError(f"a chain of {count} certificates, not 1 to 8")
        message = cls(
            chain=tuple(reader.take(reader.number(2)) for _ in range(count)),
            dst_id=_text(reader.take(reader.byte())) if with_dst_id else None,
            signature=reader.take(SIGNATURE_SIZE),
            finished=reader.take(FINISHED_SIZE),
        )
        reader.finish()
        return message

    def signed_part(self) -> bytes:
        """Return what precedes the signature: the chain and the dst_id."""
        if not 1 <= len(self.chain) <= MAX_CERTIFICATES:
            raise ProtocolViolationError("a chain holds 1 to 8 certificates")
        part = bytes((len(self.chain),)) + b"".join(
            len(der).to_bytes(2, "big") + der for der in self.chain
        )
        if self.dst_id is not None:
            text = self.dst_id.encode("utf-8", "surrogatepass")
            _text(text)
            if len(text) > MAX_DST_ID:
                raise ProtocolViolationError(f"a dst_id of {len(text)} bytes, over {MAX_DST_ID}")
            part += bytes((len(text),)) + text
        if len(part) > MAX_PAYLOAD - SIGNATURE_SIZE - FINISHED_SIZE:
            raise ProtocolViolationError("the certificate chain is longer than 16 KiB")
        return part

    def serialize(self) -> bytes:
        """Return the whole message."""
        return self.signed_part() + self.signature + self.finished


@dataclass(frozen=True, slots=True)
class Ready:
    """Message 5: the tunnel id, 16 bytes, which the client has derived as well."""

    tunnel_id: bytes

    @classmethod
    def parse(cls, body: bytes) -> Ready:
        """Parse message 5; raises ProtocolViolationError."""
        reader = Reader(body)
        message = cls(reader.take(TUNNEL_ID_SIZE))
        reader.finish()
        return message

    def serialize(self) -> bytes:
        """Return the 16 bytes."""
        return self.tunnel_id


def _server_name(field: bytes) -> str:
    name = field.decode("ascii", "replace")
    if not _SERVER_NAME.match(name):
        raise ProtocolViolationError("the server name is not a lower-case domain name")
    return name


def _text(field: bytes) -> str:
    try:
        return field.decode()
    except UnicodeDecodeError:
        raise ProtocolViolationError("the dst_id is not UTF-8") from None

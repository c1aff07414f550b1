"""The events by which a connection tells the code around it what happened."""

from __future__ import annotations

from dataclasses import dataclass

from tunnel_gateway.errors import TunnelGatewayError
from tunnel_gateway.pki.trust.validation import VerifiedPeer


@dataclass(frozen=True, slots=True)
class ClientAuthenticated:
    """Server only: the user is proven. Answer with ``accept()`` or ``abort()``."""

    peer: VerifiedPeer
    server_name: str
    dst_id: str
    tunnel_id: bytes


@dataclass(frozen=True, slots=True)
class ServerProven:
    """Client that shows no user: the gateway has proven its domain."""

    peer: VerifiedPeer


@dataclass(frozen=True, slots=True)
class Opened:
    """Client only: the gateway is proven, has let the user in and is ready for data."""

    peer: VerifiedPeer
    tunnel_id: bytes


@dataclass(frozen=True, slots=True)
class DataReceived:
    """Bytes of the stream, authenticated and in order; never empty, and cut anywhere."""

    data: bytes | bytearray


@dataclass(frozen=True, slots=True)
class CloseReceived:
    """The authenticated end of the peer's data; ours may go on."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The connection is over: nothing more is received or sent after ``data_to_send()``."""

    error: TunnelGatewayError


Proven = ClientAuthenticated | ServerProven | Opened
Event = Proven | DataReceived | CloseReceived | Failed

"""A browser's upgrade request, and what differs from it."""

from __future__ import annotations

from tunnel_gateway.transport.wire.upgrade import UpgradeReader, UpgradeRequest

# The example of RFC 6455, section 1.3, as Firefox would send it.
LINES = (
    "GET /chat?room=1 HTTP/1.1",
    "Host: 127.0.0.1:49152",
    "User-Agent: Mozilla/5.0",
    "Origin: https://example.uz",
    "Cookie: session=secret",
    "Connection: keep-alive, Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Extensions: permessage-deflate",
    "Sec-WebSocket-Protocol: chat, superchat",
)


def head(*lines: str) -> bytes:
    return ("\r\n".join(lines) + "\r\n\r\n").encode("iso-8859-1")


def with_lines(*more: str) -> bytes:
    return head(*LINES, *more)


def with_line(name: str, line: str | None) -> bytes:
    """The example with the line of header ``name`` replaced, or left out."""
    lines = [line if known.startswith(f"{name}:") else known for known in LINES]
    assert lines != list(LINES)
    return head(*(known for known in lines if known is not None))


def read(data: bytes) -> UpgradeRequest:
    request = UpgradeReader().receive_data(data)
    assert request is not None
    return request

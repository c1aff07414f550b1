"""The page's side of a tunnel: the bytes that tell the page why the tunnel ended."""

from __future__ import annotations

import asyncio
import socket

import pytest
from websockets.frames import Close, Frame, Opcode

from tests.support.destination import SWITCHED
from tests.support.loopback import LOOPBACK, receive_all
from tunnel_gateway.agent.pages.page_stream import PageStream, refusal
from tunnel_gateway.errors import (
    AlertReceivedError,
    ShuttingDownError,
    TimedOutError,
    TruncatedError,
)
from tunnel_gateway.transport.streams.relay import RelayEnd
from tunnel_gateway.transport.wire.websocket_frames import close_frame

TEXT = Frame(Opcode.TEXT, b"salom").serialize(mask=False)
LOST = RelayEnd("truncated", TruncatedError("the connection was lost"))


async def page() -> tuple[PageStream, socket.socket]:
    with socket.create_server((LOOPBACK, 0)) as listening:
        plain = socket.create_connection(listening.getsockname())
        accepted, _ = listening.accept()
    plain.setblocking(False)
    loop = asyncio.get_running_loop()
    _, stream = await loop.connect_accepted_socket(PageStream, accepted)
    return stream, plain


async def said_after(before: bytes, end: RelayEnd) -> bytes:
    """Return the bytes that the page reads after ``before`` when the tunnel ends like this."""
    stream, plain = await page()
    stream.write(before)
    stream.write(stream.farewell(end))
    stream.close()
    received = await receive_all(plain)
    plain.close()
    await stream.wait_closed()
    assert received.startswith(before)
    return received[len(before) :]


@pytest.mark.parametrize(
    ("end", "code", "reason"),
    [
        (LOST, 1011, "gateway_lost: the connection to the gateway broke off"),
        (RelayEnd("timed_out", TimedOutError("late")), 1001, "timed_out: late"),
        (
            RelayEnd("alert_received", AlertReceivedError("shutting_down", "stopping")),
            1001,
            "shutting_down: stopping",
        ),
        (
            RelayEnd("alert_received", AlertReceivedError("destination_unreachable", "it is off")),
            1011,
            "destination_unreachable: it is off",
        ),
        (RelayEnd("shutting_down", ShuttingDownError("bye")), 1001, "shutting_down: bye"),
    ],
)
async def test_the_close_frame_says_why(end: RelayEnd, code: int, reason: str) -> None:
    for before in (SWITCHED, SWITCHED + TEXT):
        frame = await said_after(before, end)
        assert frame[0] == 0x88
        assert frame[1] == len(frame) - 2
        assert Close.parse(frame[2:]) == Close(code, reason)


async def test_an_application_that_just_leaves() -> None:
    for before in (SWITCHED, SWITCHED + TEXT):
        frame = await said_after(before, RelayEnd("completed"))
        assert Close.parse(frame[2:]).code == 1011
        assert Close.parse(frame[2:]).reason.startswith("destination_ended: ")


@pytest.mark.parametrize(
    "before",
    [
        SWITCHED + TEXT[:1],
        SWITCHED + TEXT[:-1],
        SWITCHED + close_frame(1000, ""),
        b"HTTP/1.1 403 Forbidden\r\n\r\n",
        b"HTTP/1.1 101 Switching",
    ],
    ids=["in a header", "in a payload", "after a close frame", "no WebSocket", "in the answer"],
)
async def test_nothing_is_put_in_where_it_would_do_harm(before: bytes) -> None:
    assert await said_after(before, LOST) == b""


async def test_without_an_answer_the_page_gets_one() -> None:
    assert await said_after(b"", LOST) == refusal(LOST)


@pytest.mark.parametrize(
    ("end", "status", "body"),
    [
        (
            RelayEnd("alert_received", AlertReceivedError("not_permitted", "this page may not")),
            "403 Forbidden",
            "not_permitted: the other side ended the tunnel: not_permitted (this page may not)",
        ),
        (
            RelayEnd("alert_received", AlertReceivedError("not_websocket", "x")),
            "400 Bad Request",
            "not_websocket: the other side ended the tunnel: not_websocket (x)",
        ),
        (
            RelayEnd("alert_received", AlertReceivedError("shutting_down", "x")),
            "503 Service Unavailable",
            "shutting_down: the other side ended the tunnel: shutting_down (x)",
        ),
        (RelayEnd("timed_out", TimedOutError("late")), "504 Gateway Timeout", "timed_out: late"),
        (RelayEnd("peer_lost", OSError("o‘ldi")), "502 Bad Gateway", "peer_lost: o‘ldi"),
        (RelayEnd("completed"), "502 Bad Gateway", "completed"),
    ],
)
def test_what_the_page_sees(end: RelayEnd, status: str, body: str) -> None:
    head, _, text = refusal(end).partition(b"\r\n\r\n")
    line, *fields = head.decode("ascii").split("\r\n")
    assert line == f"HTTP/1.1 {status}"
    assert f"Content-Length: {len(text)}" in fields
    assert "Connection: close" in fields
    assert text.decode() == f"{body}\n"

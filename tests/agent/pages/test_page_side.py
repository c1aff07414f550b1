"""The last words to a page through a running relay, whoever carries the bytes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from websockets.frames import Close, Frame, Opcode

from tests.support import joined as joined_module
from tests.support.daemons import Log
from tests.support.destination import SWITCHED
from tests.support.joined import KINDS, Carrier, Joined, carrier_of, joined, receive_all
from tests.support.loopback import send
from tunnel_gateway.agent.pages.page_stream import PAGE_SIDE, PageStream
from tunnel_gateway.dataplane.joining import PageSide
from tunnel_gateway.errors import OperatorClosedError, PageLostError, ShuttingDownError
from tunnel_gateway.transport.wire.websocket_frames import close_frame

TEXT = Frame(Opcode.TEXT, b"salom").serialize(mask=False)


@pytest_asyncio.fixture(params=KINDS)
async def carrier(request: pytest.FixtureRequest) -> AsyncIterator[Carrier]:
    with carrier_of(request.param) as carrier:
        yield carrier


async def alert(pair: Joined) -> None:
    pair.client.connection.abort(OperatorClosedError("closed"))
    await pair.client.flush()


async def cut(pair: Joined) -> None:
    pair.client.reset()


async def stop(pair: Joined) -> None:
    pair.relay.stop(ShuttingDownError("bye"))


async def forge(pair: Joined) -> None:
    await send(pair.client.socket, b"\xff\0\0")


End = Callable[[Joined], object]
ENDS: list[tuple[End, int, str]] = [
    (alert, 1001, "closed_by_operator: an operator of the gateway has closed the tunnel"),
    (cut, 1011, "gateway_lost: the connection to the gateway broke off"),
    (stop, 1001, "shutting_down: bye"),
    (forge, 1011, "protocol_error: a record of the unknown type 255"),
]


async def said_after(carrier: Carrier, before: bytes, end: End) -> bytes:
    """Return what the page reads after ``before``, when the tunnel ends like this."""
    async with joined(carrier, plain_side=PageStream) as pair:
        received = b""
        if before:
            await pair.client.send(before)
            while len(received) < len(before):
                received += await pair.plain.receive()
        assert received == before
        await end(pair)  # type: ignore[misc]
        return await receive_all(pair.plain)


@pytest.mark.parametrize(("end", "code", "reason"), ENDS)
@pytest.mark.parametrize("before", [SWITCHED, SWITCHED + TEXT], ids=["switched", "a frame"])
async def test_the_close_frame_says_why(
    before: bytes, end: End, code: int, reason: str, carrier: Carrier
) -> None:
    frame = await said_after(carrier, before, end)
    assert frame[0] == 0x88
    assert Close.parse(frame[2:]) == Close(code, reason)


async def test_an_application_that_just_leaves(carrier: Carrier) -> None:
    async def leave(pair: Joined) -> None:
        await pair.client.finish()

    for before in (SWITCHED, SWITCHED + TEXT):
        assert await said_after(carrier, before, leave) == PAGE_SIDE.close
    assert await said_after(carrier, SWITCHED + TEXT[:3], leave) == b""
    assert await said_after(carrier, b"", leave) == b""


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
async def test_nothing_is_put_in_where_it_would_do_harm(before: bytes, carrier: Carrier) -> None:
    assert await said_after(carrier, before, stop) == b""


async def test_without_an_answer_the_page_gets_one(carrier: Carrier) -> None:
    answer = await said_after(carrier, b"", alert)
    assert answer.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert b"\r\n\r\nclosed_by_operator: " in answer


async def test_a_page_that_is_lost_is_told_nothing(carrier: Carrier) -> None:
    async with joined(carrier, plain_side=PageStream) as pair:
        await pair.client.send(SWITCHED)
        while not pair.relay.bytes_from_channel:
            await pair.plain.receive()
        pair.plain.reset()
        assert (await pair.end()).reason == "destination_lost"
        await pair.relay.wait_closed()


async def test_last_words_that_cannot_be_made(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tunnel is closed all the same, and the operator hears of it."""

    def fail(*_: object) -> bytes:
        raise ZeroDivisionError

    monkeypatch.setattr(joined_module, "PAGE_SIDE", PageSide(PAGE_SIDE.close, fail))
    with carrier_of("native") as carrier:
        assert await said_after(carrier, SWITCHED, stop) == PAGE_SIDE.close
    assert '"loop": "tunnel_news"' in log.getvalue()


def test_the_close_frame_fits_where_the_plane_keeps_it() -> None:
    assert len(PAGE_SIDE.close) <= 127
    assert PageLostError.code == "page_lost"

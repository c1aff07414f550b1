"""The inbox on a real stream: waits, limits, hands over."""

from __future__ import annotations

import asyncio
import socket
from functools import partial

import pytest

from tests.support.loopback import TIME_LIMIT, Witness, receive, reset, send, stream_and_socket
from tunnel_gateway.errors import TimedOutError, TruncatedError
from tunnel_gateway.transport.streams.inbox import LIMIT
from tunnel_gateway.transport.streams.stream import SocketStream


async def close(stream: SocketStream, plain: socket.socket) -> None:
    plain.close()
    stream.close()
    await stream.wait_closed()


async def test_it_waits_for_data_and_for_the_end() -> None:
    stream, plain = await stream_and_socket()
    waiting = asyncio.create_task(stream.inbox.receive())
    await send(plain, b"salom")
    assert await waiting == b"salom"
    waiting = asyncio.create_task(stream.inbox.receive())
    before = stream.inbox.silent
    plain.shutdown(socket.SHUT_WR)
    assert await waiting == b""
    assert await stream.inbox.receive() == b""
    assert (before, stream.inbox.silent) == (True, False)
    stream.inbox.check()
    await close(stream, plain)


async def test_it_waits_for_its_own_stream_and_for_another() -> None:
    stream, plain = await stream_and_socket()
    inbox = stream.inbox
    other: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    waiting = asyncio.create_task(inbox.wait(other))
    await send(plain, b"salom")
    await waiting
    assert inbox.take() == b"salom"
    waiting = asyncio.create_task(inbox.wait(other))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait((waiting,))
    assert waiting.cancelled()
    waiting = asyncio.create_task(inbox.wait(other))
    await asyncio.sleep(0)
    other.set_result(None)
    await waiting
    assert inbox.silent
    await inbox.wait(other)  # which is done already
    await send(plain, b"xayr")
    assert await inbox.receive() == b"xayr"
    plain.shutdown(socket.SHUT_WR)
    await inbox.wait(asyncio.get_running_loop().create_future())
    assert await inbox.receive() == b""
    await close(stream, plain)


async def test_what_came_before_a_reset_is_still_there() -> None:
    stream, plain = await stream_and_socket()
    await send(plain, b"oxirgi")
    first = await stream.inbox.receive()
    empty = stream.inbox.silent
    stream.inbox.unread(first)
    assert (empty, stream.inbox.silent) == (True, False)
    reset(plain)
    await stream.wait_closed()
    assert await stream.inbox.receive() == b"oxirgi"
    with pytest.raises(ConnectionResetError):
        await stream.inbox.receive()
    with pytest.raises(ConnectionResetError):
        stream.inbox.check()


async def test_a_stream_lost_without_a_reason() -> None:
    stream, plain = await stream_and_socket()
    stream.abort(TruncatedError("of no use here"))
    with pytest.raises(TruncatedError, match="the connection was lost"):
        await stream.inbox.receive()
    plain.close()


async def test_a_full_one_slows_the_peer_down() -> None:
    stream, plain = await stream_and_socket()
    sent = 0
    while sent < 64 * LIMIT:  # far more than the inbox holds, so it has to be paused
        try:
            sent += plain.send(bytes(LIMIT))
        except BlockingIOError:
            break
        await asyncio.sleep(0)
    sending = asyncio.create_task(send(plain, bytes(64 * LIMIT)))
    total = sent + 64 * LIMIT
    taken = 0
    async with asyncio.timeout(TIME_LIMIT):
        while taken < total:
            piece = await stream.inbox.receive()
            assert len(piece) <= LIMIT + 512 * 1024  # one read of the loop over the limit
            taken += len(piece)
    await sending
    assert taken == total
    await close(stream, plain)


@pytest.mark.parametrize("put_back", [False, True])
async def test_small_steps_let_no_more_in_than_it_holds(*, put_back: bool) -> None:
    stream, plain = await stream_and_socket()
    sending = asyncio.create_task(send(plain, bytes(128 * LIMIT)))
    async with asyncio.timeout(TIME_LIMIT):
        await stream.inbox.receive_exactly(LIMIT)
        for _ in range(200):
            if put_back:
                stream.inbox.unread(await stream.inbox.receive())
            else:
                await stream.inbox.receive_exactly(1)
            await asyncio.sleep(0)
        held = len(stream.inbox.take())
        sending.cancel()
        await asyncio.wait((sending,))
    await close(stream, plain)
    assert held <= LIMIT + 512 * 1024  # as above


async def test_handing_over_loses_nothing() -> None:
    stream, plain = await stream_and_socket()
    await send(plain, b"birinchi ")
    stream.inbox.unread(await stream.inbox.receive())
    witness = Witness()
    stream.inbox.hand_over(witness)
    assert witness.data == b"birinchi "
    await send(plain, b"ikkinchi")
    plain.shutdown(socket.SHUT_WR)
    await witness.saw("eof")
    assert witness.data == b"birinchi ikkinchi"
    stream.write(b"javob")
    assert await receive(plain) == b"javob"
    await close(stream, plain)


async def test_handing_over_the_end() -> None:
    stream, plain = await stream_and_socket()
    plain.shutdown(socket.SHUT_WR)
    assert await stream.inbox.receive() == b""
    witness = Witness()
    stream.inbox.hand_over(witness)
    assert witness.calls == ["eof"]
    await close(stream, plain)


async def test_handing_over_a_loss() -> None:
    stream, plain = await stream_and_socket()
    reset(plain)
    await stream.wait_closed()
    witness = Witness()
    stream.inbox.hand_over(witness)
    assert witness.calls == ["lost"]
    assert isinstance(witness.error, ConnectionResetError)


async def test_back_pressure_on_what_it_writes_is_not_its_business() -> None:
    stream, plain = await stream_and_socket()
    stream.inbox.pause_writing()
    stream.inbox.resume_writing()
    await close(stream, plain)


# --- time limits -----------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [0.01, 0, -1])
async def test_a_wait_that_takes_longer_ends_with_our_words(seconds: float) -> None:
    stream, plain = await stream_and_socket()
    never: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    inbox = stream.inbox
    for wait in (inbox.receive, partial(inbox.receive_exactly, 2), partial(inbox.wait, never)):
        limit = inbox.within(seconds, "no request in time")
        with pytest.raises(TimedOutError, match="no request in time"), limit:
            await wait()
    await send(plain, b"salom")
    assert await inbox.receive() == b"salom"  # the limit ended with its block
    await close(stream, plain)


async def test_a_limit_that_was_reached_meanwhile_ends_the_next_wait() -> None:
    stream, plain = await stream_and_socket()
    never: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    await send(plain, b"salom")
    await stream.inbox.wait(never)
    with stream.inbox.within(TIME_LIMIT, "no request in time"):
        stream.inbox.expire("no request in time")
        assert await stream.inbox.receive_exactly(4) == b"salo"  # what is there takes no wait
        await stream.inbox.wait(never)
        with pytest.raises(TimedOutError):
            await stream.inbox.receive_exactly(2)
        assert stream.inbox.take() == b"m"
        with pytest.raises(TimedOutError):
            await stream.inbox.wait(never)
    await close(stream, plain)


async def test_the_loss_of_a_stream_is_told_although_the_time_is_over() -> None:
    stream, plain = await stream_and_socket()
    with stream.inbox.within(TIME_LIMIT, "no request in time"):
        reset(plain)
        await stream.wait_closed()
        stream.inbox.expire("no request in time")
        with pytest.raises(OSError, match="reset"):
            await stream.inbox.receive()


async def test_a_task_that_is_cancelled_within_a_limit_stays_cancelled() -> None:
    stream, plain = await stream_and_socket()

    async def wait() -> None:
        with stream.inbox.within(TIME_LIMIT, "no request in time"):
            await stream.inbox.receive()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await close(stream, plain)

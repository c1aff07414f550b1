"""Accepting, and making a stream of a connection: cancelled at any moment, nothing is left."""

from __future__ import annotations

import asyncio
import socket

import pytest

from tests.support.garbage import cycles
from tests.support.loopback import LOOPBACK, TIME_LIMIT, receive
from tunnel_gateway.config.values import Address
from tunnel_gateway.transport.streams.accepting import accept
from tunnel_gateway.transport.streams.connecting import connect_within
from tunnel_gateway.transport.streams.stream import SocketStream


async def test_those_who_wait_and_those_who_come_later() -> None:
    with socket.create_server((LOOPBACK, 0)) as listening:
        listening.setblocking(False)
        for _ in range(2):
            accepting = asyncio.create_task(accept(listening))
            with socket.create_connection(listening.getsockname()) as plain:
                connection, address = await asyncio.wait_for(accepting, TIME_LIMIT)
                assert address == plain.getsockname()
                assert connection.gettimeout() == 0  # does not block
                connection.close()
            await asyncio.sleep(0)


@pytest.mark.parametrize("steps", range(4))
async def test_who_comes_while_the_task_is_cancelled_waits_for_the_next(steps: int) -> None:
    with socket.create_server((LOOPBACK, 0)) as listening:
        listening.setblocking(False)
        accepting = asyncio.create_task(accept(listening))
        await asyncio.sleep(0.01)
        with socket.create_connection(listening.getsockname()) as plain:
            for _ in range(steps):
                await asyncio.sleep(0)
            taken = accepting.done()
            accepting.cancel()
            await asyncio.wait((accepting,))
            connection, address = accepting.result() if taken else await accept(listening)
            assert address == plain.getsockname()
            connection.close()


@pytest.mark.parametrize("steps", range(1, 5))
@pytest.mark.parametrize("accepted", [True, False])
async def test_a_stream_that_is_given_up_leaves_nothing(steps: int, accepted: bool) -> None:
    made: list[SocketStream] = []

    async def give_up() -> None:
        with socket.create_server((LOOPBACK, 0)) as listening:
            address = listening.getsockname()
            if accepted:
                plain = socket.create_connection(address)
                making = asyncio.create_task(SocketStream.of(listening.accept()[0]))
            else:
                making = asyncio.create_task(connect_within(Address(*address), TIME_LIMIT))
                await asyncio.sleep(0)
                plain, _ = listening.accept()
            for _ in range(steps):
                await asyncio.sleep(0)
            making.cancel()
            await asyncio.wait((making,))
            if not making.cancelled():
                made.append(making.result())
                made[-1].close()
            with plain:
                plain.setblocking(False)
                assert await receive(plain) == b""

    await give_up()
    await asyncio.sleep(0.05)
    with cycles() as left:
        await give_up()
        await asyncio.sleep(0.05)
    assert not left

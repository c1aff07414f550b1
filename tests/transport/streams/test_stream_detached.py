"""A socket that gets a new owner: its peer sees nothing of it, and no byte is lost."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.garbage import cycles
from tests.support.loopback import (
    TIME_LIMIT,
    Witness,
    receive,
    receive_all,
    reset,
    send,
    stream_and_socket,
)
from tunnel_gateway.transport.streams.byte_stream import NOBODY
from tunnel_gateway.transport.streams.stream import SocketStream

pytestmark = pytest.mark.both_loops

MIB = 2**20


async def detached(stream: SocketStream) -> tuple[socket.socket, asyncio.Future[None]]:
    """Detach and wait until the old owner is through; returns the socket of the new one."""
    descriptor, closed = stream.detach()
    await stream.wait_closed()
    return socket.socket(fileno=descriptor), closed


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


async def test_the_new_owner_goes_on() -> None:
    stream, plain = await stream_and_socket()
    await send(plain, b"birinchi")
    assert await stream.inbox.receive() == b"birinchi"
    await send(plain, b"ikkinchi")
    own, _ = await detached(stream)
    with own, plain:
        assert not os.get_blocking(own.fileno())
        assert not os.get_inheritable(own.fileno())
        found = stream.inbox.take()
        while len(found) < 8:
            found += await receive(own)
        assert found == b"ikkinchi"
        await send(own, b"javob")
        assert await receive(plain) == b"javob"
        await send(plain, b"yana")
        assert await receive(own) == b"yana"
        own.shutdown(socket.SHUT_WR)
        assert await receive_all(plain) == b""


async def test_what_was_written_is_with_the_system_first() -> None:
    stream, plain = await stream_and_socket()
    witness = Witness()
    stream.observe(witness)
    stream.write(bytes(16 * MIB))
    draining = asyncio.create_task(stream.drained())
    taken = 0
    while not draining.done():
        taken += len(await receive(plain, MIB))
    assert witness.calls == ["pause", "resume"]
    await stream.drained()  # at once
    own, _ = await detached(stream)
    with own, plain:
        await asyncio.get_running_loop().sock_sendall(own, b"oxiri")
        own.shutdown(socket.SHUT_WR)
        assert taken + len(await receive_all(plain)) == 16 * MIB + 5


async def test_a_buffer_that_drained_has_its_limits_again() -> None:
    stream, plain = await stream_and_socket()
    stream.write(b"a")
    await stream.drained()
    witness = Witness()
    stream.observe(witness)
    stream.write(bytes(2 * MIB))
    stream.write(bytes(16 * MIB))
    assert witness.calls == ["pause"]
    reset(plain)
    await stream.wait_closed()


async def test_a_stream_that_is_lost_drains_no_more() -> None:
    stream, plain = await stream_and_socket()
    stream.write(bytes(16 * MIB))
    draining = asyncio.create_task(stream.drained())
    await receive(plain)
    reset(plain)
    async with asyncio.timeout(TIME_LIMIT):
        await draining
        await stream.drained()
        await stream.wait_closed()


async def test_a_wait_for_the_buffer_that_is_given_up() -> None:
    stream, plain = await stream_and_socket()
    stream.write(bytes(16 * MIB))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await stream.drained()
    taken = 0
    while taken < 16 * MIB:
        taken += len(await receive(plain, MIB))
    await stream.drained()
    plain.close()
    stream.close()
    await stream.wait_closed()


async def test_the_end_of_the_data_is_seen_again() -> None:
    stream, plain = await stream_and_socket()
    await send(plain, b"oxiri")
    plain.shutdown(socket.SHUT_WR)
    assert await stream.inbox.receive_exactly(6) == b""  # the end came before the sixth byte
    own, _ = await detached(stream)
    with own, plain:
        assert stream.inbox.take() == b"oxiri"
        assert await receive(own) == b""


async def test_who_waits_for_the_end_waits_for_the_new_owner() -> None:
    stream, plain = await stream_and_socket()
    calls: list[str] = []
    stream.call_when_lost(lambda: calls.append("lost"))
    waiting = asyncio.create_task(stream.wait_closed())
    await asyncio.sleep(0)
    own, closed = await detached(stream)
    plain.close()
    own.close()
    await asyncio.sleep(0)
    assert not waiting.done()
    assert calls == []
    closed.set_result(None)
    await waiting
    assert calls == ["lost"]


async def test_without_a_descriptor_nothing_changes() -> None:
    stream, plain = await stream_and_socket()
    with no_descriptor_left(), pytest.raises(OSError, match="Too many open files"):
        stream.detach()
    await send(plain, b"savol")
    assert await stream.inbox.receive() == b"savol"
    stream.write(b"javob")
    assert await receive(plain) == b"javob"
    plain.close()
    stream.close()
    await stream.wait_closed()


async def test_it_leaves_no_cycle() -> None:
    async def once() -> None:
        stream, plain = await stream_and_socket()
        await send(plain, b"savol")
        await stream.inbox.receive()
        stream.inbox.hand_over(NOBODY)
        own, closed = await detached(stream)
        own.close()
        plain.close()
        closed.set_result(None)

    for _ in range(2):
        await once()
    with cycles() as left:
        await once()
        await asyncio.sleep(0.05)
    # A transport of asyncio always refers to itself; what matters is that it has nothing of ours.
    assert not [name for name in left if name.startswith("tunnel_gateway")]

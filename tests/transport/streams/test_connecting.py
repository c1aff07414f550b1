"""Connecting: numbers of names, bounded attempts, and the time that addresses share."""

from __future__ import annotations

import asyncio
import socket

import pytest

from tests.support.loopback import LOOPBACK
from tests.support.processes import ReservedPort
from tunnel_gateway.config.values import Address
from tunnel_gateway.transport.streams.connecting import connect_in_turn, connect_within, look_up
from tunnel_gateway.transport.streams.stream import SocketStream

ADDRESSES = [Address(f"192.0.2.{number}", 1) for number in range(4)]


async def test_numbers() -> None:
    assert await look_up(Address(LOOPBACK, 7)) == (Address(LOOPBACK, 7),)
    assert Address(LOOPBACK, 7) in await look_up(Address("localhost", 7))
    with pytest.raises(UnicodeError):
        await look_up(Address("a..b", 7))


async def test_one_that_answers_one_that_refuses_one_that_is_silent() -> None:
    with socket.create_server((LOOPBACK, 0), backlog=0) as listening:
        address = Address(*listening.getsockname())
        stream = await connect_within(address, 60)
        stream.close()
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(listening.getsockname())
        with pytest.raises(TimeoutError, match=r"^did not answer in 0\.1 s$"):
            await connect_within(address, 0.1)
        for one in waiting:
            one.close()
    port = ReservedPort()
    with pytest.raises(ConnectionRefusedError) as refused:
        await connect_within(Address(LOOPBACK, port.number), 60)
    assert refused.value.strerror == "Connection refused"  # no "Connect call failed"
    port.close()


async def test_the_time_is_shared() -> None:
    """What a quick one leaves goes to those that follow, and the last has all that is left."""
    shares: list[float] = []
    fair: list[float] = []
    loop = asyncio.get_running_loop()

    async def attempt(address: Address, seconds: float) -> SocketStream | str:
        shares.append(seconds)
        fair.append((deadline - loop.time()) / max(1, len(ADDRESSES) - len(fair)))
        if address != ADDRESSES[1]:
            await asyncio.sleep(seconds)
        return f"fault of {address.host}"

    deadline = loop.time() + 0.8
    found = await connect_in_turn(ADDRESSES, deadline, attempt)
    assert found == {one: f"fault of {one.host}" for one in ADDRESSES}
    assert shares == pytest.approx([max(share, 0.0) for share in fair], abs=0.02)
    assert shares[2] > shares[1]
    late = await connect_in_turn(ADDRESSES[:1], deadline - 10, attempt)
    assert late == {ADDRESSES[0]: "fault of 192.0.2.0"}
    assert shares[-1] == 0.0
    assert await connect_in_turn([], deadline, attempt) == {}

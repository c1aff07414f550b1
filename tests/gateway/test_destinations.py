"""Destinations: found by dst_id, connected to in time."""

from __future__ import annotations

import socket
from contextlib import ExitStack

import pytest

from tests.support.loopback import LOOPBACK, receive
from tunnel_gateway.config_destinations import Destination
from tunnel_gateway.errors import DestinationUnreachableError, UnknownDestinationError
from tunnel_gateway.gateway.destinations import connect, find_destination


def test_by_its_identifier() -> None:
    destination = Destination("0", "127.0.0.1", 8080)
    assert find_destination({"0": destination}, "0") is destination


@pytest.mark.parametrize("dst_id", ["", "1", "00", " 0"])
def test_an_unknown_one(dst_id: str) -> None:
    with pytest.raises(UnknownDestinationError, match=f"no destination {dst_id!r}: set tunnel"):
        find_destination({"0": Destination("0", "127.0.0.1", 8080)}, dst_id)


async def test_connecting() -> None:
    with socket.create_server((LOOPBACK, 0)) as listening:
        destination = Destination("0", "localhost", listening.getsockname()[1])
        stream = await connect(destination, 5)
        plain, _ = listening.accept()
        plain.setblocking(False)
        stream.write(b"salom")
        assert await receive(plain) == b"salom"
        plain.close()
        stream.close()
        await stream.wait_closed()


async def test_nobody_listens() -> None:
    with socket.socket() as bound:
        bound.bind((LOOPBACK, 0))
        port = bound.getsockname()[1]
        expected = rf"destination 7 \(127.0.0.1:{port}\): Connection refused"
        with pytest.raises(DestinationUnreachableError, match=expected):
            await connect(Destination("7", LOOPBACK, port), 5)


async def test_a_name_that_is_none() -> None:
    with pytest.raises(DestinationUnreachableError, match=r"7 \(no such name.invalid:80"):
        await connect(Destination("7", "no such name.invalid", 80), 5)


@pytest.mark.parametrize("host", ["a..b", "x" * 70, "\udcff.uz"])
async def test_a_name_that_cannot_be_one(host: str) -> None:
    with pytest.raises(DestinationUnreachableError, match=r"correct tunnel.destination.7.host"):
        await connect(Destination("7", host, 80), 5)


async def test_nobody_answers() -> None:
    with ExitStack() as stack:
        full = stack.enter_context(socket.create_server((LOOPBACK, 0), backlog=0))
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        destination = Destination("7", LOOPBACK, full.getsockname()[1])
        with pytest.raises(DestinationUnreachableError, match=r"did not answer in 0.1 s"):
            await connect(destination, 0.1)

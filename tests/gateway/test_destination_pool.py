"""Destinations: looked up by dst_id, connected to in time, at an address that answers."""

from __future__ import annotations

import asyncio
import errno
import io
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from dataclasses import replace

import pytest

from tests.support.held import holding
from tests.support.log_lines import read_records
from tests.support.loopback import LOOPBACK, TIME_LIMIT, receive
from tests.support.processes import ReservedPort
from tunnel_gateway.config.destinations import Destination
from tunnel_gateway.config.values import Address
from tunnel_gateway.errors import (
    DestinationBusyError,
    DestinationUnreachableError,
    UnknownDestinationError,
)
from tunnel_gateway.gateway import circuit, destination_pool
from tunnel_gateway.gateway.circuit import FAILURES_TO_OPEN, AddressState
from tunnel_gateway.gateway.destination_pool import Destinations, find_destination
from tunnel_gateway.limit_keys import Limit
from tunnel_gateway.observability.logs import configure_logs
from tunnel_gateway.transport.streams.stream import SocketStream, format_address

Listen = Callable[..., Address]


def at(*addresses: Address | tuple[str, int]) -> Destination:
    return Destination(
        "7", tuple(Address(*one) if isinstance(one, tuple) else one for one in addresses)
    )


@pytest.fixture
async def known() -> AsyncIterator[Destinations]:
    made = Destinations()
    yield made
    await made.close()


@pytest.fixture
def listen() -> object:
    with ExitStack() as stack:

        def start(port: int = 0, host: str = LOOPBACK) -> Address:
            listening = stack.enter_context(socket.create_server((host, port), backlog=100))
            return Address(host, listening.getsockname()[1])

        yield start


@pytest.fixture
def dead() -> object:
    """An address that refuses."""
    port = ReservedPort()
    yield Address(LOOPBACK, port.number)
    port.close()


@pytest.fixture
def black_hole() -> object:
    """An address that does not answer: its backlog is full."""
    with ExitStack() as stack:
        full = stack.enter_context(socket.create_server((LOOPBACK, 0), backlog=0))
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        yield Address(LOOPBACK, full.getsockname()[1])


async def reached(known: Destinations, destination: Destination, seconds: float = 60) -> str:
    """Connect, and return the address that answered."""
    stream = await known.connect(destination, seconds)
    peer = format_address(stream.peer)
    stream.abort(DestinationUnreachableError("the test has seen it"))
    await stream.wait_closed()
    return peer


async def open_circuit(known: Destinations, destination: Destination) -> None:
    for _ in range(FAILURES_TO_OPEN):
        with pytest.raises(DestinationUnreachableError):
            await known.connect(destination, 5)


async def state(known: Destinations, address: Address, *, answers: bool) -> AddressState:
    async with asyncio.timeout(TIME_LIMIT):
        while True:
            (found,) = (one for one in known.states() if one.address == address)
            if found.answers is answers:
                return found
            await asyncio.sleep(0.01)


def test_by_its_identifier() -> None:
    destination = at(("127.0.0.1", 8080))
    assert find_destination({"7": destination}, "7") is destination


@pytest.mark.parametrize("dst_id", ["", "1", "00", " 0"])
def test_an_unknown_one(dst_id: str) -> None:
    with pytest.raises(UnknownDestinationError, match=f"no destination {dst_id!r}: set tunnel"):
        find_destination({"7": at(("127.0.0.1", 8080))}, dst_id)


async def test_connecting(known: Destinations) -> None:
    with socket.create_server((LOOPBACK, 0)) as listening:
        stream = await known.connect(at(("localhost", listening.getsockname()[1])), 5)
        plain, _ = listening.accept()
        plain.setblocking(False)
        stream.write(b"salom")
        assert await receive(plain) == b"salom"
        assert sum(one.tunnels for one in known.states()) == 1
        plain.close()
        stream.close()
        await stream.wait_closed()
        assert sum(one.tunnels for one in known.states()) == 0


async def test_nobody_listens(known: Destinations, dead: Address) -> None:
    expected = rf"destination 7 \({dead}\): Connection refused$"
    with pytest.raises(DestinationUnreachableError, match=expected):
        await known.connect(at(dead), 5)


async def test_a_name_that_cannot_be_a_host_name(known: Destinations) -> None:
    with pytest.raises(DestinationUnreachableError, match=r"7 \(no such name.invalid:80"):
        await known.connect(at(("no such name.invalid", 80)), 5)


@pytest.mark.parametrize("host", ["a..b", "x" * 70, "\udcff.uz"])
async def test_a_name_that_cannot_be_one(known: Destinations, host: str) -> None:
    with pytest.raises(DestinationUnreachableError, match=r"correct tunnel.destination.7.host"):
        await known.connect(at((host, 80)), 5)


async def test_nobody_answers(known: Destinations, black_hole: Address) -> None:
    with pytest.raises(DestinationUnreachableError, match=r"did not answer in 0\.(1|0\d) s"):
        await known.connect(at(black_hole), 0.1)


class TestSeveralAddresses:
    async def test_each_has_its_turn(self, known: Destinations, listen: Listen) -> None:
        addresses = [listen() for _ in range(3)]
        found = [await reached(known, at(*addresses)) for _ in range(6)]
        assert found[:3] == found[3:]
        assert sorted(found[:3]) == sorted(map(str, addresses))

    async def test_the_next_is_tried_when_one_refuses(
        self, known: Destinations, listen: Listen, dead: Address
    ) -> None:
        good = listen()
        for _ in range(2 * FAILURES_TO_OPEN):
            assert await reached(known, at(dead, good)) == str(good)

    async def test_and_when_one_does_not_answer(
        self, known: Destinations, listen: Listen, black_hole: Address
    ) -> None:
        good = listen()
        for _ in range(2):
            assert await reached(known, at(black_hole, good), 1.0) == str(good)

    async def test_all_that_a_name_resolves_to(
        self, known: Destinations, listen: Listen, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = listen()
        second = listen(first.port, "127.0.0.2")

        async def look_up(name: Address) -> tuple[Address, ...]:
            assert name == Address("app.invalid", first.port)
            return first, second

        monkeypatch.setattr(destination_pool, "look_up", look_up)
        destination = at(("app.invalid", first.port))
        found = {await reached(known, destination) for _ in range(2)}
        assert found == {str(first), str(second)}

        async def fail(_: Address) -> tuple[Address, ...]:
            raise socket.gaierror(socket.EAI_AGAIN, "no name server answers")

        monkeypatch.setattr(destination_pool, "look_up", fail)  # the last addresses still hold
        assert {await reached(known, destination) for _ in range(2)} == found

    async def test_a_destination_that_a_reload_removes_meanwhile(
        self, known: Destinations, listen: Listen, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        place = listen()

        async def look_up(_: Address) -> tuple[Address, ...]:
            known.configure({})
            return (place,)

        monkeypatch.setattr(destination_pool, "look_up", look_up)
        stream = await known.connect(at(("example.uz", place.port)), TIME_LIMIT)
        stream.close()
        await stream.wait_closed()

    async def test_the_error_names_all(
        self, known: Destinations, dead: Address, black_hole: Address
    ) -> None:
        with pytest.raises(DestinationUnreachableError) as caught:
            await known.connect(at(dead, black_hole), 0.9)
        assert f"({dead}): Connection refused" in str(caught.value)
        assert f"({black_hole}): did not answer in 0." in str(caught.value)


class TestCircuits:
    async def test_it_opens_is_skipped_and_closes_again(
        self,
        known: Destinations,
        listen: Listen,
        dead: Address,
        monkeypatch: pytest.MonkeyPatch,
        log: io.StringIO,
    ) -> None:
        monkeypatch.setattr(circuit, "FIRST_PROBE_SECONDS", 0.05)
        configure_logs("json", "debug", log)
        destination = at(dead)
        await open_circuit(known, destination)
        found = await state(known, dead, answers=False)
        assert (found.dst_id, found.failures >= FAILURES_TO_OPEN) == ("7", True)
        assert found.since is not None
        expected = r"Connection refused.*; down since 20.* UTC"
        with pytest.raises(DestinationUnreachableError, match=expected):
            await known.connect(destination, 5)
        listen(dead.port)
        assert (await state(known, dead, answers=True)).failures == 0
        assert await reached(known, destination) == str(dead)
        lines = read_records(log.getvalue())
        assert [line["event"] for line in lines] == ["destination_down", "destination_up"]
        assert lines[0]["address"] == str(dead)
        assert "refused" in lines[0]["detail"]

    async def test_nobody_waits_for_a_dead_address(
        self, known: Destinations, black_hole: Address
    ) -> None:
        destination = at(black_hole)
        for _ in range(FAILURES_TO_OPEN):
            with pytest.raises(DestinationUnreachableError):
                await known.connect(destination, 0.01)
        async with asyncio.timeout(TIME_LIMIT):
            with pytest.raises(DestinationUnreachableError, match="down since"):
                await known.connect(destination, 10 * TIME_LIMIT)

    async def test_an_error_of_this_machine_opens_no_circuit(
        self, known: Destinations, listen: Listen, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        good = listen()

        async def lack(_: Address, __: float) -> SocketStream:
            raise OSError(errno.EMFILE, "Too many open files")

        with monkeypatch.context() as patch:
            patch.setattr(destination_pool, "connect_within", lack)
            for _ in range(2 * FAILURES_TO_OPEN):
                with pytest.raises(DestinationUnreachableError, match="Too many open files"):
                    await known.connect(at(good), 5)
        assert await reached(known, at(good)) == str(good)

    async def test_a_name_that_does_not_resolve_is_not_asked_for_again(
        self, known: Destinations, listen: Listen, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(circuit, "FIRST_PROBE_SECONDS", 0.05)
        asked = []

        async def fail(name: Address) -> tuple[Address, ...]:
            asked.append(name)
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        good = listen()
        name = Address("localhost", good.port)
        with monkeypatch.context() as patch:
            patch.setattr(destination_pool, "look_up", fail)
            for _ in range(FAILURES_TO_OPEN):
                with pytest.raises(DestinationUnreachableError, match="not known"):
                    await known.connect(at(name), 5)
            with pytest.raises(DestinationUnreachableError, match="down since"):
                await known.connect(at(name), 5)
            assert len(asked) == FAILURES_TO_OPEN
        await state(known, name, answers=True)
        assert await reached(known, at(name)) == str(good)

    async def test_a_reload_keeps_what_stays_and_forgets_the_rest(
        self, known: Destinations, listen: Listen, dead: Address
    ) -> None:
        good = listen()
        known.configure({"7": at(dead, good)})
        assert {one.address for one in known.states()} == {dead, good}
        await open_circuit(known, at(dead))
        known.configure({"7": at(good, dead)})
        await state(known, dead, answers=False)
        known.configure({"7": at(good)})
        assert [one.address for one in known.states()] == [good]
        known.configure({"7": at(good, dead)})
        await state(known, dead, answers=True)
        known.configure({})
        assert known.states() == ()

    async def test_an_address_forgotten_meanwhile_is_not_tried_on(
        self, known: Destinations, dead: Address
    ) -> None:
        known.configure({"7": at(dead)})
        await open_circuit(known, at(dead))
        (probe,) = known._probes.values()
        known.configure({})
        await asyncio.wait((probe,), timeout=TIME_LIMIT)
        assert probe.cancelled()
        assert not known._probes


class TestLimits:
    async def test_tunnels(self, known: Destinations, listen: Listen) -> None:
        destination = replace(at(listen()), tunnel_limit=1)
        with holding(known.tunnel, destination):
            assert known.tunnels("7") == 1
            with (
                pytest.raises(DestinationBusyError, match=r"tunnel\.destination\.7\.limit") as no,
                holding(known.tunnel, destination),
            ):
                pytest.fail("there was no place")
            assert no.value.limit is Limit.DESTINATION_TUNNELS
        assert known.tunnels("7") == 0
        with ExitStack() as stack:
            for _ in range(100):
                stack.enter_context(holding(known.tunnel, at(listen())))

    async def test_connects_in_progress(self, known: Destinations, black_hole: Address) -> None:
        destination = replace(at(black_hole), connect_limit=1)
        waiting = asyncio.create_task(known.connect(destination, 10 * TIME_LIMIT))
        await asyncio.sleep(0)
        with pytest.raises(DestinationBusyError, match=r"7\.connect\.limit") as caught:
            await known.connect(destination, 5)
        assert caught.value.limit is Limit.DESTINATION_CONNECTS
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        with pytest.raises(DestinationUnreachableError):  # the place is back
            await known.connect(destination, 0.01)

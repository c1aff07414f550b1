"""The same events for the relay in Python and for the data plane: the ends see no difference."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import uvloop
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.joined import End, Joined, TunnelEnd, carrier_of, joined
from tests.support.loopback import TIME_LIMIT, send
from tunnel_gateway.errors import (
    AlertReceivedError,
    OperatorClosedError,
    ShuttingDownError,
    TunnelGatewayError,
)
from tunnel_gateway.protocol.constants import ContentType

Event = tuple[str, Any]

# What a client that has the keys may send, and what it takes to make it.
FORGED: tuple[Callable[[TunnelEnd], bytes], ...] = (
    lambda _: b"\xff\0\0",
    lambda _: b"\x01\0\0",
    lambda _: b"\x02\xff\xff",
    lambda _: b"\x02\0\x09123456789",
    lambda _: b"\x03\0\x02\x11\0",
    lambda end: _sealed(end, ContentType.HANDSHAKE, b"x"),
    lambda end: _sealed(end, ContentType.DATA, b""),
    lambda end: _sealed(end, ContentType.CLOSE, b"x"),
    lambda end: _sealed(end, ContentType.ALERT, b"\x11\x03bye"),
    lambda end: _sealed(end, ContentType.ALERT, b"\x11\x04bye"),
    lambda end: _sealed(end, 77, b"x"),
)


def _sealed(end: TunnelEnd, content: int, payload: bytes) -> bytes:
    assert end.connection._sealer is not None
    return bytes(end.connection._sealer.seal(content, payload))  # type: ignore[arg-type]


SIDES = st.sampled_from(["client", "plain"])
SIZES = st.one_of(
    st.integers(1, 100),
    st.sampled_from([16383, 16384, 16385, 65536, 262144]),
    st.integers(1, 400_000),
)
PASSING = st.one_of(
    st.tuples(st.just("send"), st.tuples(SIDES, SIZES)),
    st.tuples(st.just("finish"), SIDES),
    st.tuples(st.just("pause"), SIDES),
    st.tuples(st.just("go on"), SIDES),
)
LAST = st.one_of(
    st.tuples(st.just("nothing"), st.none()),
    st.tuples(st.just("reset"), SIDES),
    st.tuples(st.just("stop"), st.none()),
    st.tuples(st.just("alert"), st.none()),
    st.tuples(st.just("cut"), st.none()),
    st.tuples(st.just("forge"), st.integers(0, len(FORGED) - 1)),
)


@dataclass
class Reader:
    """Reads at one end, unless it pauses, and remembers how the data ended."""

    end: End
    data: bytearray = field(default_factory=bytearray)
    outcome: str = ""

    def __post_init__(self) -> None:
        self.going = asyncio.Event()
        self.going.set()
        self.changed = asyncio.Event()
        self.task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            while True:
                await self.going.wait()
                data = await self.end.receive()
                if not data:
                    self.outcome = "end"
                    return
                self.data += data
                self.changed.set()
        except AlertReceivedError as error:
            self.outcome = f"alert {error.name}"
        except TunnelGatewayError as error:
            self.outcome = str(error)
        except OSError as error:
            self.outcome = type(error).__name__
        finally:
            self.changed.set()

    async def until(self, size: int) -> None:
        """Read on until so many bytes have come, or the end."""
        self.going.set()
        while len(self.data) < size and not self.outcome:
            self.changed.clear()
            await self.changed.wait()


class Play:
    """The events on one running relay."""

    def __init__(self, pair: Joined) -> None:
        self.pair = pair
        self.ends: dict[str, End] = {"client": pair.client, "plain": pair.plain}
        self.readers = {name: Reader(end) for name, end in self.ends.items()}
        self.sent = dict.fromkeys(self.ends, 0)
        self.finished: set[str] = set()
        self.lines: dict[str, asyncio.Task[None]] = {}  # what each end still sends, in order

    def queue(self, side: str, doing: Callable[[], Any]) -> None:
        before = self.lines.get(side)

        async def then() -> None:
            if before is not None:
                await before
            with suppress(OSError):
                await doing()

        self.lines[side] = asyncio.create_task(then())

    async def settle(self) -> None:
        """Wait until everything that was sent is at the other end."""
        for reader in self.readers.values():
            reader.going.set()
        for line in self.lines.values():
            await line
        await self.readers["plain"].until(self.sent["client"])
        await self.readers["client"].until(self.sent["plain"])
        for side in self.finished:
            other = self.readers["plain" if side == "client" else "client"]
            while not other.outcome:
                other.changed.clear()
                await other.changed.wait()

    async def passing(self, kind: str, what: Any) -> None:
        if kind == "send" and what[0] not in self.finished:
            side, size = what
            data = bytes((self.sent[side] + number) % 251 for number in range(1024))
            data = (data * (size // 1024 + 1))[:size]
            self.sent[side] += size
            self.queue(side, lambda: self.ends[side].send(data))
        elif kind == "finish" and what not in self.finished:
            self.finished.add(what)
            self.queue(what, self.ends[what].finish)
        elif kind == "pause":
            self.readers[what].going.clear()
        elif kind == "go on":
            self.readers[what].going.set()

    async def last(self, kind: str, what: Any) -> None:
        client = self.pair.client
        with suppress(OSError):
            if kind == "reset":
                self.readers[what].task.cancel()
                await asyncio.wait((self.readers[what].task,))
                self.ends[what].reset()
            elif kind == "stop":
                self.pair.relay.stop(OperatorClosedError("an operator has closed it"))
            elif kind == "alert" and "client" not in self.finished:
                client.connection.abort(ShuttingDownError("bye"))
                await client.flush()
            elif kind == "cut":
                client.socket.shutdown(1)
            elif kind == "forge" and "client" not in self.finished:
                await send(client.socket, FORGED[what](client))
            else:
                for side in ("client", "plain"):
                    await self.passing("finish", side)


async def outcome_of(kind: str, events: list[Event], last: Event) -> tuple[Any, ...]:
    with carrier_of(kind) as carrier:
        async with asyncio.timeout(TIME_LIMIT), joined(carrier) as pair:
            play = Play(pair)
            for event in events:
                await play.passing(*event)
                await asyncio.sleep(0)
            await play.settle()
            await play.last(*last)
            if play.lines:
                await asyncio.wait(play.lines.values())
            end = await pair.end() if not _may_go_on(play, last) else None
            pair.relay.stop(ShuttingDownError("the test is over"))
            tasks = [reader.task for reader in play.readers.values()]
            await asyncio.wait(tasks)
            counts = pair.relay.bytes_from_channel, pair.relay.bytes_from_socket
            return (
                end and (end.reason, str(end.error)),
                counts,
                *(
                    (len(reader.data), hash(bytes(reader.data)), reader.outcome)
                    for reader in play.readers.values()
                ),
            )


def _may_go_on(play: Play, last: Event) -> bool:
    """Tell whether the tunnel need not end after this: nobody writes, so nobody notices."""
    kind, what = last
    if len(play.finished) == 2:
        return False
    return (kind == "cut" and "client" in play.finished) or (
        kind == "reset" and what in play.finished
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(PASSING, max_size=8), LAST)
@example([("send", ("plain", 262144)), ("pause", "client")], ("stop", None))
@example([("finish", "plain"), ("send", ("client", 100))], ("forge", 0))
@example([("finish", "client"), ("finish", "plain")], ("nothing", None))
def test_nobody_can_tell_them_apart(events: list[Event], last: Event) -> None:
    found = {kind: uvloop.run(outcome_of(kind, events, last)) for kind in ("python", "native")}
    assert found["python"] == found["native"]

"""No end of a connection leaves a cycle of objects behind, of ours or of a library."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.soak.attacker import Attacker
from tests.soak.strangers import Stranger, strangers
from tests.support.credentials import FIRST_DOMAIN, Credentials
from tests.support.garbage import cycles
from tests.support.house import House, house
from tests.support.loopback import LOOPBACK, TIME_LIMIT, receive_all, reset, send
from tests.support.peer import UPGRADE
from tests.support.revocation import make_list
from tunnel_gateway.errors import (
    AlertReceivedError,
    OperatorClosedError,
    TruncatedError,
    TunnelGatewayError,
)
from tunnel_gateway.gateway import opening
from tunnel_gateway.protocol.constants import ContentType
from tunnel_gateway.transport.streams import stream

Exit = Callable[[House], Awaitable[object]]
SETTLE_SECONDS = 0.05


@pytest.fixture(autouse=True)
def short_linger(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait only a moment for peers that do not close: these tests are about the garbage."""
    monkeypatch.setattr(stream, "LINGER_SECONDS", 0.1)


async def check(home: House, leave: Exit, count: int = 3) -> None:
    """Go the way out some times, and look at what the last times have left."""

    async def one() -> None:
        await leave(home)
        async with asyncio.timeout(20):
            await home.sessions.wait_ended()

    for _ in range(2):  # what is made once only
        await one()
    with cycles() as left:
        for _ in range(count):
            await one()
        await asyncio.sleep(SETTLE_SECONDS)
    assert not left


# --- strangers ----------------------------------------------------------------------------------


async def test_no_stranger_leaves_one(credentials: Credentials, tmp_path: Path) -> None:
    """Each kind of the soak, most of which come from another thread."""
    settings = {"destination_closed_host": LOOPBACK, "destination_closed_port": 1}
    async with house(credentials, tmp_path, handshake_timeout=0.5, **settings) as home:
        address = LOOPBACK, home.listener.port
        failed = {}
        kinds: dict[str, Stranger] = {one.name: one for one in strangers(credentials)}
        for name, stranger in kinds.items():

            async def come(_: House, stranger: Stranger = stranger) -> None:
                attacker = Attacker(address, [LOOPBACK], FIRST_DOMAIN)
                await asyncio.to_thread(stranger.come, attacker)
                await asyncio.to_thread(attacker.close)

            try:
                await check(home, come, 1)
            except AssertionError as error:
                failed[name] = str(error)[:500]
    assert not failed


async def connect(home: House) -> socket.socket:
    plain = socket.socket()
    plain.setblocking(False)
    await asyncio.get_running_loop().sock_connect(plain, (LOOPBACK, home.listener.port))
    return plain


def says(data: bytes, *, ends: bool = False) -> Exit:
    async def leave(home: House) -> None:
        with await connect(home) as plain:
            await send(plain, data)
            if ends:
                plain.shutdown(socket.SHUT_WR)
            await receive_all(plain)

    return leave


@pytest.mark.parametrize(
    "leave",
    [
        says(b"\x01"),
        says(b"PROXY TCP4 1.2.3.4\r\n"),
        says(b"PROXY TCP4 ", ends=True),
        says(b"PROXY TCP4 "),
        says(b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nGET /"),
        says(b"", ends=True),
    ],
)
async def test_a_balancers_header(leave: Exit, credentials: Credentials, tmp_path: Path) -> None:
    settings = {"proxy_from": LOOPBACK, "handshake_timeout": 0.3}
    async with house(credentials, tmp_path, **settings) as home:
        await check(home, leave)


@pytest.mark.parametrize("limit", ["limit", "handshake_limit", "source_limit", "source_handshakes"])
async def test_a_limit(limit: str, credentials: Credentials, tmp_path: Path) -> None:
    settings = {limit: 1, "source_networks": "192.0.2.1 free", "handshake_timeout": 0.5}

    async def two(home: House) -> None:
        with await connect(home), await connect(home) as second:
            await send(second, b"\x01")
            await receive_all(second)

    async with house(credentials, tmp_path, **settings) as home:
        await check(home, two)


@pytest.mark.parametrize(
    "settings",
    [
        {"memory_limit": 1},
        {"source_networks": "192.0.2.1 free", "source_rate": 1, "source_burst": 1},
    ],
)
async def test_a_full_gateway(
    settings: dict[str, object], credentials: Credentials, tmp_path: Path
) -> None:
    # Of a source that comes more than once a second some are let in, and wait for a whole hello.
    async with house(credentials, tmp_path, handshake_timeout=0.1, **settings) as home:
        await check(home, says(b"\x01"))
        assert any("limit" in line for line in home.lines())


@pytest.mark.parametrize(
    "settings",
    [
        {"certificate_limit": 1},
        {"destination_raw_limit": 1},
        {"destination_raw_deny_pinfl": "10000000000001"},
    ],
)
async def test_a_user_who_is_refused(
    settings: dict[str, object], credentials: Credentials, tmp_path: Path
) -> None:
    async def two(home: House) -> None:
        plain = []
        for _ in range(2):
            with suppress(AlertReceivedError):
                await home.client()
                plain.append(await home.destination())
        for one in plain:
            one.close()
        assert len(plain) < 2
        await home.leave()

    async with house(credentials, tmp_path, **settings) as home:
        await check(home, two)


async def test_a_revoked_user(credentials: Credentials, tmp_path: Path) -> None:
    lists = tmp_path / "lists"
    lists.mkdir()
    authority, serial = credentials.authority, credentials.citizen.identity.leaf.serial
    (lists / "root.crl").write_bytes(make_list(authority.root))
    (lists / "centre.crl").write_bytes(make_list(authority.centre, serial))

    async def come(home: House) -> None:
        with pytest.raises(AlertReceivedError, match="certificate_revoked"):
            await home.client()
        await home.leave()

    async with house(credentials, tmp_path, revocation="hard", crl_dir=lists) as home:
        await check(home, come)


async def test_a_stop_in_the_handshake(credentials: Credentials, tmp_path: Path) -> None:
    async def stopped(home: House) -> None:
        with await connect(home) as plain:
            await asyncio.sleep(0.02)
            for session in home.sessions:
                session.stop(OperatorClosedError("closed"))
            await receive_all(plain)

    async with house(credentials, tmp_path) as home:
        await check(home, stopped)


# --- users who are proven -----------------------------------------------------------------------


async def refused(home: House, dst_id: str) -> None:
    with pytest.raises(AlertReceivedError):
        await home.client(dst_id)


async def with_page(home: House, data: bytes, *, end: bool = False, lose: bool = False) -> None:
    tunnel, page = await home.client()
    with await home.destination():
        if data:
            tunnel.channel.write(data)
        if end:
            tunnel.channel.write_eof()
        if lose:
            tunnel.channel._stream.abort(TruncatedError("no matter"))
        await page.until(lambda: "lost" in page.calls or "eof" in page.calls)
        await home.leave()


async def with_answer(home: House, answer: bytes, *, lose: bool = False) -> None:
    _, page, destination = await home.asked()
    if answer:
        await send(destination, answer)
    if lose:
        reset(destination)
    destination.close()
    await page.until(lambda: "lost" in page.calls or "eof" in page.calls)
    await home.leave()


async def stopped_while_opening(home: House) -> None:
    _, page = await home.client()
    with await home.destination():
        for session in home.sessions:
            session.stop(OperatorClosedError("closed"))
        await page.saw("lost")
        await home.leave()


OPENINGS: dict[str, Exit] = {
    "an unknown destination": lambda home: refused(home, "none"),
    "a dead destination": lambda home: refused(home, "dead"),
    "no WebSocket": lambda home: with_page(home, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    "a request too large": lambda home: with_page(
        home, UPGRADE[:-2] + b"A: " + bytes(20_000).replace(b"\0", b"a") + b"\r\n\r\n"
    ),
    "another origin": lambda home: with_page(
        home, UPGRADE.replace(b"example.uz\r\n\r\n", b"a\r\n\r\n")
    ),
    "no request": lambda home: with_page(home, b"GET /", end=True),
    "a lost page": lambda home: with_page(home, b"", lose=True),
    "a lost page after its request": lambda home: with_page(home, UPGRADE, lose=True),
    "silence": lambda home: with_page(home, b""),
    "no answer in time": lambda home: with_page(home, UPGRADE),
    "a refusal": lambda home: with_answer(home, b"HTTP/1.1 403 Forbidden\r\n\r\n"),
    "a refusal that breaks off": lambda home: with_answer(
        home, b"HTTP/1.1 403 Forbidden\r\n\r\n", lose=True
    ),
    "no answer": lambda home: with_answer(home, b""),
    "a lost answer": lambda home: with_answer(home, b"HTTP/1.1 1", lose=True),
    "nonsense": lambda home: with_answer(home, b"nonsense\r\n\r\n"),
    "a stop": stopped_while_opening,
}


# The time limit ends these, and would end the others too on a busy machine.
WAITING = [OPENINGS[name] for name in ("no request", "silence", "no answer in time", "a lost page")]


@pytest.mark.parametrize("leave", OPENINGS.values(), ids=OPENINGS)
async def test_an_opening(
    leave: Exit, credentials: Credentials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "REFUSAL_SECONDS", 0.2)
    settings = {"destination_dead_host": LOOPBACK, "destination_dead_port": 1}
    seconds = 0.4 if leave in WAITING else TIME_LIMIT
    async with house(credentials, tmp_path, upgrade_timeout=seconds, **settings) as home:
        await check(home, leave)


async def test_a_fault_of_ours(
    credentials: Credentials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(opening, "check_origin", fail)
    async with house(credentials, tmp_path) as home:
        await check(home, lambda home: with_page(home, UPGRADE))
        assert "internal_error" in {one["event"] for one in home.lines()}


# --- open tunnels -------------------------------------------------------------------------------


async def one_tunnel(home: House, end: str) -> None:
    tunnel, page, destination = await home.open()
    connection = tunnel.channel._connection
    if end == "completed":
        tunnel.channel.write_eof()
        destination.close()
        await page.saw("eof")
    elif end == "page":
        tunnel.channel.close()
    elif end == "an alert":
        tunnel.channel.abort(TunnelGatewayError("an internal error"))
    elif end == "a forged record":
        tunnel.channel._stream.write(b"\x02\x00\x09123456789")
        await page.saw("lost")
    elif end == "out of place":
        connection._send_protected(ContentType.HANDSHAKE, b"again")
        tunnel.channel.flush()
        await page.saw("lost")
    elif end == "cut off":
        tunnel.channel._stream.write_eof()
        await page.saw("lost")
    elif end == "lost":
        tunnel.channel._stream.abort(TruncatedError("no matter"))
    elif end == "a stop":
        for session in home.sessions:
            session.stop(OperatorClosedError("closed"))
        await page.saw("lost")
    elif end == "idle":
        await page.saw("lost")
    elif end == "destination lost":
        reset(destination)
        await page.saw("lost")
    else:
        destination.close()
        await page.saw("eof")
    await home.leave()
    destination.close()


ENDS = (
    "completed",
    "page",
    "destination",
    "an alert",
    "a forged record",
    "out of place",
    "cut off",
    "lost",
    "a stop",
    "idle",
    "destination lost",
)


@pytest.mark.parametrize("end", ENDS)
async def test_an_open_tunnel(end: str, credentials: Credentials, tmp_path: Path) -> None:
    idle = 1 if end == "idle" else 60
    async with house(credentials, tmp_path, bandwidth=10_000_000, idle_timeout=idle) as home:
        await check(home, lambda home: one_tunnel(home, end))

from __future__ import annotations

import asyncio
import io
from base64 import b64encode

import pytest

from tests.support.log_lines import read_records
from tests.support.rest import LOOPBACK, Echo, Running, running, until
from tunnel_gateway.rest import receiving
from tunnel_gateway.rest.call import Wanted
from tunnel_gateway.rest.callers import CallerRules
from tunnel_gateway.rest.receiving import BodyMemory
from tunnel_gateway.rest.statuses import Reason, Refusal

HEAD = b"POST /frontend/join HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
MIB = 1024 * 1024


def methods() -> list[Echo]:
    document = Wanted(("document",))
    return [Echo("/frontend/join", document, "POST"), Echo("/backend/auth", document, "POST")]


async def begin(run: Running, size: int, user: str = "") -> None:
    """Begin a call whose body does not end, with ``size`` bytes."""
    client = await run.connect()
    head = HEAD % (2 * MIB)
    if user:
        head = head.replace(b"\r\n\r\n", f"\r\nX-Real-IP: {user}\r\n\r\n".encode())
    await client.send(head + b64encode(bytes(size)))


async def test_a_slow_body_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "_BODY_SECONDS", 0.3)
    async with running(methods()) as run:
        client = await run.connect()
        await client.send(HEAD % 1000 + b"MIAG")
        reply = await client.reply()
        assert (reply.code, reply.json["reason"]) == (408, "too_slow")
        assert run.server.handler.memory.held == 0


async def test_a_slow_line_gets_more_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "_BODY_SECONDS", 0.3)
    monkeypatch.setattr(receiving, "_SLOWEST", 4)
    async with running(methods()) as run:
        client = await run.connect()
        await client.send(HEAD % 20)
        for _ in range(5):
            await client.send(b"MIAG")
            await asyncio.sleep(0.15)
        assert (await client.reply()).json["sizes"] == [15]


CHUNKED = b"POST /frontend/join HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


async def test_tiny_chunks_are_refused() -> None:
    async with running(methods()) as run:
        client = await run.connect()
        client.writer.write(CHUNKED + b"1\r\nA\r\n" * 400_000)
        reply = await client.reply()
        assert (reply.code, reply.json["reason"]) == (400, "bad_body")
        assert "larger chunks" in reply.json["detail"]
        await until(lambda: not run.server._connections)  # nothing more is read


@pytest.mark.parametrize("size", [40, 1000, 65_536])
async def test_usual_chunks_are_taken(size: int) -> None:
    async with running(methods(), body_limit=16 * MIB) as run:
        client = await run.connect()
        count = 8 * MIB // size // 4 * 4
        client.writer.write(CHUNKED + (b"%x\r\n%b\r\n" % (size, b"A" * size)) * count)
        client.writer.write(b"0\r\n\r\n" + HEAD % 400_000 + b"A" * 400_000)
        assert (await client.reply()).json["sizes"] == [size * count // 4 * 3]
        assert (await client.reply()).json["sizes"] == [300_000]  # which came meanwhile


async def test_some_tiny_chunks_are_taken() -> None:
    async with running(methods()) as run:
        client = await run.connect()
        client.writer.write(CHUNKED + b"1\r\nA\r\n" * 80_000 + b"0\r\n\r\n")
        assert (await client.reply()).json["sizes"] == [60_000]


async def test_the_memory_is_given_back_when_a_client_goes() -> None:
    async with running(methods()) as run:
        await begin(run, MIB)
        memory = run.server.handler.memory
        await until(lambda: memory.held >= 3 * (MIB - 3))
        run.clients[0].writer.close()
        await until(lambda: memory.held == 0)
        await until(lambda: run.server.handler.in_progress == 0)


async def test_a_client_that_goes_is_no_fault_of_this_program(log: io.StringIO) -> None:
    async with running(methods()) as run:
        await begin(run, MIB)
        await until(lambda: run.server.handler.memory.held)
        run.clients[0].writer.transport.abort()
        await until(lambda: len(run.server) == 0)
        await until(lambda: run.server.handler.in_progress == 0)
    assert read_records(log.getvalue()) == []


async def test_bodies_of_strangers_leave_room_for_the_application() -> None:
    rules = CallerRules(LOOPBACK, LOOPBACK, None)
    async with running(methods(), rules=rules, memory=10 * MIB) as run:
        await begin(run, MIB, user="192.0.2.1")
        await until(lambda: run.server.handler.memory.held >= 3 * (MIB - 3))
        body = b64encode(bytes(MIB))
        refused = await run.call("POST", "/frontend/join", body, X_Real_IP="192.0.2.2")
        assert (refused.code, refused.json["reason"]) == (503, "overloaded")
        assert "body.memory" in refused.json["detail"]
        assert (await run.call("POST", "/backend/auth", body)).json["sizes"] == [MIB]
        small = await run.call("POST", "/frontend/join", b"MIAG", X_Real_IP="192.0.2.2")
        assert small.code == 200


def test_the_memory_is_counted() -> None:
    memory = BodyMemory(100)
    with memory.share(stranger=False) as own, memory.share(stranger=True) as other:
        own.grow_to(10)
        own.grow_to(5)  # it never shrinks before the end
        other.grow_to(10)
        assert memory.held == 60
        with pytest.raises(Refusal) as caught:
            other.grow_to(20)
        assert caught.value.reason is Reason.OVERLOADED
        own.grow_to(20)
        with pytest.raises(Refusal):
            own.grow_to(30)
        assert memory.held == 90
    assert memory.held == 0

"""What a client that has the keys may send: each fault of an open tunnel, and its alert."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.dataplane.test_relaying import alert_at, received
from tests.support.joined import Carrier, TunnelEnd, joined, receive_all
from tests.support.loopback import send
from tests.support.pair import record
from tunnel_gateway.errors import BadRecordError, ProtocolViolationError
from tunnel_gateway.protocol.constants import ContentType

Forge = Callable[[TunnelEnd], bytes]


def sealed(content: int, payload: bytes) -> Forge:
    def forge(end: TunnelEnd) -> bytes:
        assert end.connection._sealer is not None
        return bytes(end.connection._sealer.seal(content, payload))  # type: ignore[arg-type]

    return forge


def raw(data: bytes) -> Forge:
    return lambda _: data


VIOLATIONS: list[tuple[Forge, str]] = [
    (raw(b"\xff\0\0"), "a record of the unknown type 255"),
    (raw(b"\0\0\0"), "a record of the unknown type 0"),
    (raw(b"GET / HTTP/1.1\r\n"), "a record of the unknown type 71"),
    (raw(record(1, b"")), "a hello is out of place while open"),
    (raw(record(3, b"\x01\x00")), "an alert in the clear is out of place while open"),
    (raw(b"\x01\xff\xff"), "a HELLO record of 65535 bytes"),
    (raw(b"\x02\xff\xff"), "a PROTECTED record of 65535 bytes"),
    (raw(b"\x03\xff\xff"), "a ALERT record of 65535 bytes"),
    (sealed(ContentType.HANDSHAKE, b"x"), "a handshake message is out of place while open"),
    (sealed(9, b"x"), "a record of the unknown content 9"),
    (sealed(255, b""), "a record of the unknown content 255"),
    (sealed(ContentType.DATA, b""), "a data record without data"),
    (sealed(ContentType.CLOSE, b"x"), "a close record with a payload"),
    (sealed(ContentType.ALERT, b""), "an alert of the wrong length"),
    (sealed(ContentType.ALERT, b"\x01"), "an alert of the wrong length"),
    (sealed(ContentType.ALERT, b"\x01\x05abcd"), "an alert of the wrong length"),
    (sealed(ContentType.ALERT, b"\x01\x03abcd"), "an alert of the wrong length"),
]


@pytest.mark.parametrize(("forge", "text"), VIOLATIONS, ids=[text for _, text in VIOLATIONS])
async def test_a_violation(forge: Forge, text: str, carrier: Carrier) -> None:
    async with joined(carrier) as pair:
        await pair.client.send(b"savol")
        await send(pair.client.socket, forge(pair.client))
        assert await receive_all(pair.plain) == b"savol"
        end = await pair.end()
        assert (end.reason, str(end.error)) == ("protocol_error", text)
        assert isinstance(end.error, ProtocolViolationError)
        assert (await alert_at(pair.client)).name == "protocol_error"


@pytest.mark.parametrize("size", [0, 1, 8, 9, 32, 16393])
async def test_a_record_of_somebody_else(size: int, carrier: Carrier) -> None:
    async with joined(carrier) as pair:
        await send(pair.client.socket, record(2, bytes(size)))
        end = await pair.end()
        assert (end.reason, str(end.error)) == ("bad_record", "a record does not open")
        assert isinstance(end.error, BadRecordError)
        assert (await alert_at(pair.client)).name == "bad_record"
        assert await pair.plain.receive() == b""


async def test_a_record_that_comes_twice(carrier: Carrier) -> None:
    async with joined(carrier) as pair:
        once = sealed(ContentType.DATA, b"bir")(pair.client)
        await send(pair.client.socket, once + once)
        assert await receive_all(pair.plain) == b"bir"
        assert (await pair.end()).reason == "bad_record"


@pytest.mark.parametrize(
    ("content", "payload", "text"),
    [
        (ContentType.DATA, b"x", "data is out of place"),
        (ContentType.DATA, b"", "data is out of place"),
        (ContentType.CLOSE, b"", "a close is out of place"),
        (ContentType.ALERT, b"\x01\x00", "an alert is out of place"),
    ],
)
async def test_nothing_may_follow_a_close(
    content: ContentType, payload: bytes, text: str, carrier: Carrier
) -> None:
    async with joined(carrier) as pair:
        closed = sealed(ContentType.CLOSE, b"")(pair.client)
        await send(pair.client.socket, closed + sealed(content, payload)(pair.client))
        end = await pair.end()
        assert str(end.error) == f"{text} while closed on the other side"
        assert (await alert_at(pair.client)).name == "protocol_error"


async def test_after_our_close_even_an_alert_is_not_sent(carrier: Carrier) -> None:
    async with joined(carrier) as pair:
        await pair.plain.finish()
        assert await receive_all(pair.client) == b""
        await send(pair.client.socket, b"\xff\0\0")
        assert str((await pair.end()).error) == "a record of the unknown type 255"
        loop = asyncio.get_running_loop()
        assert await loop.sock_recv(pair.client.socket, 100) == b""


async def test_data_after_our_close_still_pass(carrier: Carrier) -> None:
    async with joined(carrier) as pair:
        await pair.plain.finish()
        assert await receive_all(pair.client) == b""
        await pair.client.send(b"hali ham")
        assert await received(pair.plain, 8) == b"hali ham"


async def test_an_alert_of_a_later_version(carrier: Carrier) -> None:
    async with joined(carrier) as pair:
        body = bytes((200, 255)) + "ta'rif\x1b‘".encode() + b"\xff" * 247
        await send(pair.client.socket, sealed(ContentType.ALERT, body[:257])(pair.client))
        end = await pair.end()
        assert end.reason == "alert_received"
        assert "alert_200 (ta'rif?‘" in str(end.error)

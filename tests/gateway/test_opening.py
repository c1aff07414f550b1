"""The request of the page and the application's answer, inside one process."""

from __future__ import annotations

import asyncio
import errno
import socket
from pathlib import Path

import pytest

from tests.support.credentials import Credentials
from tests.support.destination import SWITCHED
from tests.support.house import head, house
from tests.support.loopback import RESET, TIME_LIMIT, receive, reset, send
from tests.support.peer import UPGRADE
from tunnel_gateway.errors import ShuttingDownError
from tunnel_gateway.gateway import opening
from tunnel_gateway.pki.authority import Person

# A time-out of the system is an OSError and a TimeoutError at once.
UNACKNOWLEDGED = OSError(errno.ETIMEDOUT, "Connection timed out")
STOP = ShuttingDownError("the gateway is stopping")


@pytest.mark.parametrize("how", ["end", "reset", "silence"])
async def test_a_refusal_of_the_destination_is_bounded(
    how: str, credentials: Credentials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "REFUSAL_SECONDS", 0.2)
    async with house(credentials, tmp_path) as home:
        _, page, destination = await home.asked()
        answer = b"HTTP/1.1 403 Forbidden\r\n\r\n"
        await send(destination, answer)
        assert await page.received(len(answer)) == answer
        if how == "end":
            destination.shutdown(socket.SHUT_WR)
        elif how == "reset":
            reset(destination)
        await page.saw("lost" if how == "reset" else "eof")
        destination.close()
        assert (await home.ended())["reason"] == "upgrade_refused"


async def test_a_refusal_without_end(credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path) as home:
        _, page, destination = await home.asked()
        page_bytes = b"HTTP/1.1 200 OK\r\n\r\n" + bytes(10_000_000)
        sending = asyncio.create_task(send(destination, page_bytes))
        await page.saw("lost")  # an end would say that this is all
        assert "eof" not in page.calls
        assert len(page.data) == opening._REFUSAL_BYTES
        destination.shutdown(socket.SHUT_RDWR)
        await asyncio.gather(sending, return_exceptions=True)
        destination.close()
        assert (await home.ended())["reason"] == "upgrade_refused"


@pytest.mark.parametrize("how", ["reset", "silent", "cut off"])
async def test_the_client_is_gone_before_the_answer(
    how: str, credentials: Credentials, tmp_path: Path
) -> None:
    """Its place, descriptors and connection to the application do not wait for a time-out."""
    async with house(credentials, tmp_path, upgrade_timeout=60) as home:
        tunnel, page, destination = await home.asked()
        stream = tunnel.channel._stream
        if how == "silent":
            assert home.first._entrance is not None
            home.first._entrance._channel.connection_lost(UNACKNOWLEDGED)
        else:
            if how == "reset":
                plain = stream._transport.get_extra_info("socket")
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            stream.abort(STOP)
        await page.saw("lost")
        assert await receive(destination) == b""
        destination.close()
        line = await home.ended()
        assert line["event"] == "tunnel_refused"
        assert line["reason"] == ("peer_lost" if how in ("reset", "silent") else "truncated")


async def test_a_client_that_has_closed_is_answered_all_the_same(
    credentials: Credentials, tmp_path: Path
) -> None:
    async with house(credentials, tmp_path) as home:
        tunnel, page = await home.client()
        destination = await home.destination()
        tunnel.channel.write(UPGRADE)
        tunnel.channel.write_eof()
        tunnel.channel._stream.write_eof()
        await head(destination)
        await send(destination, SWITCHED + b"javob")
        destination.close()
        await page.saw("eof")
        assert page.data == SWITCHED + b"javob"
        assert (await home.ended())["reason"] == "completed"


async def test_a_destination_that_gave_up_waiting(credentials: Credentials, tmp_path: Path) -> None:
    """It has answered before there was a request, and perhaps its end is still on the way."""
    async with house(credentials, tmp_path) as home:
        tunnel, page = await home.client()
        impatient = await home.destination()
        await send(impatient, b"HTTP/1.1 408 Request Timeout\r\n\r\n")
        (session,) = home.sessions
        way = session._entrance
        assert way is not None
        async with asyncio.timeout(TIME_LIMIT):
            while way._socket is None or way._socket.inbox.silent:  # noqa: ASYNC110 (no event)
                await asyncio.sleep(0.01)
        tunnel.channel.write(UPGRADE)
        destination = await home.destination()
        await head(destination)
        await send(destination, SWITCHED)
        assert await page.received(len(SWITCHED)) == SWITCHED
        assert await receive(impatient) == b""
        impatient.close()
        destination.close()
        await home.ended()


async def test_the_client_leaves_during_a_refusal(
    credentials: Credentials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "REFUSAL_SECONDS", 60)
    async with house(credentials, tmp_path) as home:
        tunnel, page, destination = await home.asked()
        await send(destination, b"HTTP/1.1 403 Forbidden\r\n\r\n")
        await page.received(1)
        tunnel.channel._stream.abort(STOP)
        assert await receive(destination) == b""
        destination.close()
        assert (await home.ended())["reason"] == "upgrade_refused"


async def test_the_answer_may_come_in_pieces(credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path) as home:
        _, page, destination = await home.asked(UPGRADE + b"erta")
        await send(destination, SWITCHED[:5])
        assert home.first.open is False
        await send(destination, SWITCHED[5:])
        assert await page.received(len(SWITCHED)) == SWITCHED
        assert await receive(destination) == b"erta"
        reset(destination)
        await page.saw("lost")
        assert "destination_unreachable" in str(page.error)
        assert (await home.ended())["reason"] == "destination_lost"


async def test_interim_answers_are_passed_over(credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path) as home:
        _, page, destination = await home.asked(UPGRADE + b"erta")
        await send(destination, b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLi")
        await send(destination, b"nk: </a>\r\n\r\n" + SWITCHED)
        assert await page.received(len(SWITCHED)) == SWITCHED
        assert await receive(destination) == b"erta"
        reset(destination)
        await page.saw("lost")
        assert (await home.ended())["event"] == "tunnel_closed"


async def test_a_refusal_after_interim_answers(credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path) as home:
        _, page, destination = await home.asked()
        answer = b"HTTP/1.1 403 Forbidden\r\n\r\n"
        await send(destination, b"HTTP/1.1 102 Processing\r\n\r\n" + answer)
        destination.close()
        await page.saw("eof")
        assert bytes(page.data) == answer
        assert (await home.ended())["reason"] == "upgrade_refused"


@pytest.mark.parametrize("how", ["number", "time"])
async def test_interim_answers_without_end(
    how: str, credentials: Credentials, tmp_path: Path
) -> None:
    async with house(credentials, tmp_path, upgrade_timeout=0.5) as home:
        _, page, destination = await home.asked()
        await send(destination, b"HTTP/1.1 100 Continue\r\n\r\n" * (40 if how == "number" else 1))
        await page.saw("lost")
        destination.close()
        line = await home.ended()
        assert line["reason"] == {"number": "destination_unreachable", "time": "timed_out"}[how]


@pytest.mark.parametrize("own", ["", "ichki.uz:8080"])
async def test_the_host_that_the_application_reads(
    own: str, credentials: Credentials, tmp_path: Path
) -> None:
    async with house(credentials, tmp_path, destination_raw_host_header=own) as home:
        tunnel, page = await home.client()
        destination = await home.destination()
        tunnel.channel.write(UPGRADE.replace(b"Host: example.uz", b"Host: boshqa.uz"))
        lines = (await head(destination)).split(b"\r\n")
        expected = own.encode() or b"example.uz"
        assert [one for one in lines if b"ost:" in one] == [b"Host: " + expected]
        reset(destination)
        await page.saw("lost")
        await home.ended()


@pytest.mark.parametrize("allowed", ["no", "yes"])
async def test_a_plain_http_page(allowed: str, credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path, http_pages=allowed) as home:
        tunnel, page = await home.client()
        destination = await home.destination()
        tunnel.channel.write(UPGRADE.replace(b"https://", b"http://"))
        if allowed == "yes":
            assert b"Origin: http://example.uz\r\n" in await head(destination)
            reset(destination)
        else:
            assert await receive(destination) == b""
            destination.close()
        await page.saw("lost")
        line = await home.ended()
        assert line["reason"] == {"yes": "destination_unreachable", "no": "not_permitted"}[allowed]
        assert line.get("rule") == (None if allowed == "yes" else "tunnel.http.pages")


async def test_a_text_that_is_not_a_number_is_left_out_and_logged(
    credentials: Credentials, tmp_path: Path
) -> None:
    odd = Person("X Y", pinfl="1000000000000 1", uid="40000000", inn="30000000\uff11")
    identity = credentials.user("raqamsiz", odd).identity
    async with house(credentials, tmp_path) as home:
        tunnel, page = await home.client(identity=identity)
        destination = await home.destination()
        tunnel.channel.write(UPGRADE)
        sent = await head(destination)
        assert b"X-EIMZO-CN: X Y" in sent
        assert b"X-EIMZO-PINFL" not in sent
        assert b"X-EIMZO-INN" not in sent
        reset(destination)
        await page.saw("lost")
        await home.ended()
        lines = [one for one in home.lines() if one["event"] == "identity_header_left_out"]
        assert [one["header"] for one in lines] == ["X-EIMZO-PINFL", "X-EIMZO-INN"]
        assert lines[0]["detail"] == "the text in the certificate is not 14 digits"
        assert "1000000000000 1" not in str(lines)

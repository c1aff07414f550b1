"""No end of an STP connection leaves a cycle of objects behind, as tests/gateway/test_cycles.py has
it for our own protocol."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.gateway.test_cycles import check, says, short_linger
from tests.support.credentials import Credentials
from tests.support.destination import SWITCHED
from tests.support.house import House, head
from tests.support.peer import UPGRADE
from tests.support.stp_home import Client, client
from tests.support.stp_sessions import recordings
from tunnel_gateway.errors import AlertReceivedError, OperatorClosedError
from tunnel_gateway.protocol.stp import stp_server
from tunnel_gateway.protocol.stp.stp_server import StpServerConnection

HELLO = recordings()["01-e-test-cfb"].client.wire
Way = Callable[[Client], Awaitable[object]]

__all__ = ["short_linger"]  # a fixture of every test here too


@pytest.fixture(autouse=True)
def _short_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stp_server, "HOLD_AFTER_REFUSAL", 0.1)
    monkeypatch.setattr(StpServerConnection, "hold_after_data", 0.1)


@pytest.mark.parametrize("stp", ["yes", "no"])
@pytest.mark.parametrize("size", [1, 4, 700, len(HELLO)])
@pytest.mark.parametrize("ends", [False, True])
async def test_a_stranger(
    size: int,
    stp: str,
    ends: bool,
    credentials: Credentials,
    tmp_path: Path,
) -> None:
    """The recorded user's centre is not known here; a part of the hello is awaited in vain."""
    async with client(credentials, tmp_path, stp, handshake_timeout=0.3) as made:
        await check(made.home, says(HELLO[:size], ends=ends))


async def wrong_destination(made: Client) -> None:
    with suppress(AlertReceivedError):
        await made.tunnel(dst_id=9)


async def nothing_listens(made: Client) -> None:
    made.application.close()
    with suppress(AlertReceivedError):
        await made.tunnel()


async def another_curve(made: Client) -> None:
    identity, made.identity = made.identity, made.home.credentials.citizen.identity
    with suppress(AlertReceivedError):
        await made.tunnel()
    made.identity = identity


async def the_client_leaves(made: Client) -> None:
    channel, _ = await made.tunnel()
    with await made.accept() as application:
        channel.write(UPGRADE)
        await head(application)
        channel.close()
        await channel.wait_closed()


async def the_application_ends(made: Client) -> None:
    channel, page = await made.tunnel()
    with await made.accept() as application:
        channel.write(UPGRADE)
        await head(application)
        application.send(SWITCHED + b"data")
        await page.received(len(SWITCHED) + 4)
    await page.saw("lost")
    await channel.wait_closed()


async def an_operator_ends(made: Client) -> None:
    channel, page = await made.tunnel()
    with await made.accept() as application:
        channel.write(UPGRADE)
        await head(application)
        application.send(SWITCHED)
        await page.received(len(SWITCHED))
        for session in list(made.home.sessions):
            session.stop(OperatorClosedError("enough"))
        await page.saw("lost")
        await channel.wait_closed()


async def noise_in_the_data(made: Client) -> None:
    channel, page = await made.tunnel()
    with await made.accept():
        channel._stream.write(b"noise" * 16)
        await page.saw("lost")
        await channel.wait_closed()


@pytest.mark.parametrize(
    "way",
    [
        wrong_destination,
        nothing_listens,
        another_curve,
        the_client_leaves,
        the_application_ends,
        an_operator_ends,
        noise_in_the_data,
    ],
)
async def test_a_user(way: Way, credentials: Credentials, tmp_path: Path) -> None:
    async with client(credentials, tmp_path) as made:

        async def leave(_: House) -> None:
            await way(made)

        await check(made.home, leave)

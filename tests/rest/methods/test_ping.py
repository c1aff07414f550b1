from __future__ import annotations

from datetime import UTC, datetime

from tunnel_gateway.rest.answers import success
from tunnel_gateway.rest.call import Call, Caller
from tunnel_gateway.rest.methods.ping import Ping

NOW = datetime(2022, 10, 6, 11, 47, 29, 500, UTC)


async def test_it_tells_the_time_of_tashkent_and_the_callers_address() -> None:
    ping = Ping(lambda: NOW)
    answer = success(await ping.answer(Call("/ping", Caller("127.0.0.1", "192.0.2.7"))))
    assert b"".join(answer.pieces()) == (
        b'{"serverDateTime":"2022-10-06 16:47:29","serverDateTimeUtc":"2022-10-06T11:47:29Z",'
        b'"yourIP":"192.0.2.7"}'
    )
    assert (ping.path, ping.verbs) == ("/ping", ("GET",))

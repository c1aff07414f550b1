from __future__ import annotations

import json

from tunnel_gateway.rest.answers import success
from tunnel_gateway.rest.call import Call, Caller
from tunnel_gateway.rest.challenges import OwnChallenges
from tunnel_gateway.rest.methods.challenge import Challenge


async def test_it_gives_a_challenge_that_can_be_taken() -> None:
    store = OwnChallenges(90.5, 10, lambda: 0.0)
    method = Challenge(store, 90.5)
    answer = success(await method.answer(Call(method.path, Caller("192.0.2.1"))))
    told = json.loads(b"".join(answer.pieces()))
    assert list(told) == ["challenge", "ttl", "status", "message"]
    assert (told["ttl"], told["status"], told["message"]) == (90, 1, "")
    assert await store.take(told["challenge"])
    assert method.verbs == ("GET", "POST")

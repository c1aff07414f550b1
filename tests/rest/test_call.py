from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from tunnel_gateway.rest.call import Call, Caller, Method, Wanted
from tunnel_gateway.rest.statuses import Fields
from tunnel_gateway.user_language import Language


class Echo:
    path = "/frontend/echo"
    verbs = ("POST",)
    wanted = Wanted(("document",))

    async def answer(self, call: Call) -> Fields:
        return {"document": call.parts[0].decode()}


async def test_a_method_is_a_class_with_its_path() -> None:
    method: Method = Echo()
    call = Call(method.path, Caller("192.0.2.1"), (b"text",))
    assert await method.answer(call) == {"document": "text"}


def test_a_call_without_more_has_nothing_of_strangers() -> None:
    call = Call("/ping", Caller("192.0.2.1"))
    assert (call.parts, call.body, dict(call.query)) == ((), b"", {})
    assert (dict(call.texts), call.came) == ({}, ())
    assert call.language is Language.UZBEK
    with pytest.raises(FrozenInstanceError):
        call.path = "/info"  # type: ignore[misc]

"""Which arguments a function of the browser API takes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tunnel_gateway.agent.calls import Caller, Function
from tunnel_gateway.errors import CallRefusedError

PAGE = Caller("https://example.uz", "example.uz")


async def repeat(caller: Caller, arguments: Sequence[str]) -> dict[str, object]:
    return {"heard": [caller.origin, *arguments]}


TUNNEL = Function("tunnel", "create_tunnel", ("dst_id", "id"), "makes a tunnel", repeat)


async def test_as_many_texts_as_it_names() -> None:
    assert await TUNNEL(PAGE, ["0", "k1"]) == {"heard": ["https://example.uz", "0", "k1"]}


@pytest.mark.parametrize("arguments", [[], ["0"], ["0", "k1", "x"], ["0", 1], ["0", None]])
async def test_other_arguments_are_refused(arguments: list[object]) -> None:
    with pytest.raises(CallRefusedError, match="dst_id, id") as caught:
        await TUNNEL(PAGE, arguments)
    assert caught.value.name == "bad_arguments"

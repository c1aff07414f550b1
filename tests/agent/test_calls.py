"""Which arguments a function of the browser API takes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tunnel_gateway.agent.calls import Caller, Function, FunctionTable
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


async def test_what_may_be_left_out_is_empty() -> None:
    function = Function("pkcs7", "sign", ("data",), "signs", repeat, ("detached",))
    assert await function(PAGE, ["a"]) == {"heard": [PAGE.origin, "a", ""]}
    assert await function(PAGE, ["a", "yes"]) == {"heard": [PAGE.origin, "a", "yes"]}
    for arguments in ([], ["a", "b", "c"]):
        with pytest.raises(CallRefusedError, match=r"data, \[detached\]"):
            function.check_count(arguments)


def test_the_functions_of_a_plugin() -> None:
    table = FunctionTable("tunnel")
    table.add(repeat, "repeats", ("what",), ("more",))
    (function,) = table.functions
    assert (function.plugin, function.name) == ("tunnel", "repeat")
    assert (function.parameters, function.optional) == (("what",), ("more",))

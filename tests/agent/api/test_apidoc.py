"""The list of functions in E-IMZO's form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tunnel_gateway.agent.api.apidoc import PLUGINS, describe
from tunnel_gateway.agent.calls import Caller, Function, Result


async def nothing(caller: Caller, arguments: Sequence[str]) -> Result:
    return {}


def test_functions_stand_with_their_plugins() -> None:
    functions = [
        Function("tunnel", "create_tunnel", ("dst_id", "id"), "makes a tunnel", nothing),
        Function("pfx", "list_disks", (), "lists disks", nothing),
        Function("yoq", "hear", ("what",), "hears", nothing),
    ]
    listed: Any = describe(functions)
    assert [group["name"] for group in listed] == ["", "pfx", "tunnel", "yoq"]
    assert [group["description"] for group in listed[:3]] == [
        PLUGINS[name] for name in ("", "pfx", "tunnel")
    ]
    (tunnel,) = listed[2]["functions"]
    assert tunnel["plugin"] == "tunnel"
    assert [argument["optional"] for argument in tunnel["arguments"]] == [False, False]
    apikey = listed[0]["functions"][-1]
    assert [argument["optional"] for argument in apikey["arguments"]] == [False, False, True]

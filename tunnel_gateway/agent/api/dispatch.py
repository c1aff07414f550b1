"""The calls of pages and their answers: one JSON call, one JSON answer.

::

    {"plugin": "tunnel", "name": "create_tunnel", "arguments": ["0", "c0ffee"]}
    {"name": "apikey", "arguments": ["example.uz", "96D0…"]}

    {"success": true, "status": 1, "address": "127.0.0.1:49152", …}
    {"success": false, "status": -1020, "reason": "…", "code": "api_key_required"}

``version``, ``apidoc`` and ``apikey`` belong to no plugin. The answer tells anything that is wrong
with a call. An unknown function and a wrong number of arguments are told to everybody, because
pages ask in this way what a version of E-IMZO can do. This module has no sockets: they are in
sockets.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from tunnel_gateway.agent.api.apidoc import describe
from tunnel_gateway.agent.api.apikey import ApiKeys
from tunnel_gateway.agent.calls import Caller, Function, Result
from tunnel_gateway.agent.reasons import SUCCESS, number_of, refused
from tunnel_gateway.errors import CallRefusedError
from tunnel_gateway.observability.few_lines import FewLines
from tunnel_gateway.observability.logs import get_logger

log = get_logger(__name__)

# Pages want a version that is new enough. From 4.86 on, E-IMZO has every function of this API.
VERSION: Final[Mapping[str, str]] = {
    "major": "4",
    "minor": "86",
    "patch": "0",
    "edition": "tunnel-gateway",
}

# More than the longest list of API-KEYs that a page may send.
_MAX_ARGUMENTS: Final = 256
_MAX_NAME: Final = 64
# A longer call has a document in BASE64. Other text can take many times its size in memory: as a
# list of empty lists, or with one character that makes every character wide.
_MAX_TEXT: Final = 64 * 1024
_MAX_MARKS: Final = 1024


@dataclass(frozen=True, slots=True)
class _Call:
    plugin: str
    name: str
    arguments: list[object]


class Dispatcher:
    """Calls the functions of the API for the pages that may call them.

    A page from another machine by plain http may only ask for the version and for the list of
    functions, unless ``http_pages``.
    """

    def __init__(
        self, functions: Iterable[Function], api_keys: ApiKeys, *, http_pages: bool = False
    ) -> None:
        self._api_keys = api_keys
        self._http_pages = http_pages
        self._lines = FewLines()
        self._functions = {(function.plugin, function.name): function for function in functions}

    def is_open_to(self, caller: Caller | None) -> bool:
        """Tell whether the caller may do more than install an API-KEY."""
        return caller is not None and self._api_keys.is_open_to(caller)

    def describe(self) -> list[dict[str, object]]:
        """Return the list of ``apidoc``."""
        return describe(self._functions.values())

    async def answer(self, caller: Caller | None, message: str | bytes) -> str:
        """Answer a call. A file or a program has no origin, so there is no ``caller``."""
        call = None
        try:
            call = _parse(message)
            result = await self._call(caller, call)
        except CallRefusedError as error:
            if (more := self._lines.admit()) is not None:
                log.warning(
                    "call_refused",
                    origin=caller.origin if caller else None,
                    function=self._known_name(call),
                    code=error.name,
                    **more,
                )
            return failure(error)
        except Exception:
            log.exception("internal_error", function=self._known_name(call))
            return failure(refused("internal_error"))
        return json.dumps({"success": True, "status": SUCCESS, **result})

    async def _call(self, caller: Caller | None, call: _Call) -> Result:
        if (call.plugin, call.name) == ("", "version"):
            return VERSION
        if (call.plugin, call.name) == ("", "apidoc"):
            return {"apidoc": self.describe()}
        function = self._functions.get((call.plugin, call.name))
        if function is not None:
            function.check_count(call.arguments)
        elif (call.plugin, call.name) != ("", "apikey"):
            raise refused("unknown_function")
        if caller is None:
            raise refused("origin_required")
        if not (caller.trustworthy or self._http_pages):
            raise refused("https_required", origin=caller.origin)
        if function is None:
            self._api_keys.install(caller, call.arguments)
            log.info("api_key_installed", origin=caller.origin)
            return {"message": caller.origin}
        if not self._api_keys.is_open_to(caller):
            raise refused("api_key_required", domain=caller.domain)
        # A page that writes ``dst_id`` as 0 means "0". The exact type, since a bool is an int too.
        arguments = [str(each) if type(each) is int else each for each in call.arguments]
        return await function(caller, arguments)

    def _known_name(self, call: _Call | None) -> str | None:
        """Return the function's name for the log; None if there is no such function."""
        if call is None or (call.plugin, call.name) not in self._functions:
            return call.name if call and call.name in ("version", "apidoc", "apikey") else None
        return f"{call.plugin}.{call.name}"


def _parse(message: str | bytes) -> _Call:
    if not isinstance(message, str):
        raise refused("bad_call", fault="it must be a text message")
    if len(message) > _MAX_TEXT and not _is_plain(message):
        raise refused("bad_call", fault="a large call must have few arguments, in ASCII")
    try:
        read = json.loads(message)
    except (ValueError, RecursionError):
        raise refused("bad_call", fault="it is not JSON") from None
    if not isinstance(read, dict):
        raise refused("bad_call", fault="it must be an object")
    plugin, name, arguments = read.get("plugin"), read.get("name"), read.get("arguments")
    if not isinstance(name, str) or not isinstance(plugin, str | None):
        raise refused("bad_call", fault="name, and plugin if there is one, must be text")
    if len(name) > _MAX_NAME or len(plugin or "") > _MAX_NAME:
        raise refused("unknown_function")
    if not isinstance(arguments, list | None) or len(arguments or []) > _MAX_ARGUMENTS:
        raise refused("bad_call", fault=f"arguments must be a list of at most {_MAX_ARGUMENTS}")
    return _Call(plugin or "", name, arguments or [])


def _is_plain(message: str) -> bool:
    r"""Tell whether a call has few values, none with a wide character, also as ``\\uXXXX``."""
    return (
        message.isascii() and sum(map(message.count, "[{,")) <= _MAX_MARKS and "\\u" not in message
    )


def failure(error: CallRefusedError) -> str:
    """Return the answer to a refused call."""
    return json.dumps(
        {
            "success": False,
            "status": number_of(error.name),
            "reason": str(error),
            "code": error.name,
        }
    )

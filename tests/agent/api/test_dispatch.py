"""Calls and answers, without a socket; tests/scenarios/test_agent_service.py has the sockets."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any

import pytest

from tests.support.log_lines import read_records
from tests.support.page import VENDOR_KEYS
from tunnel_gateway.agent.api.apikey import ApiKeys
from tunnel_gateway.agent.api.dispatch import Dispatcher
from tunnel_gateway.agent.calls import Caller, Function, Result
from tunnel_gateway.errors import CallRefusedError

PAGE = Caller("http://localhost", "localhost")


async def heard(caller: Caller, arguments: Sequence[str]) -> Result:
    if arguments[0] == "yoq":
        raise CallRefusedError("key_not_found", "no such key")
    if arguments[0] == "xato":
        raise ZeroDivisionError("secret")
    return {"heard": [caller.domain, *arguments]}


DISPATCHER = Dispatcher([Function("test", "hear", ("what",), "hears", heard)], ApiKeys())


async def call(caller: Caller | None, name: str, *arguments: object, plugin: str = "") -> Any:
    message = json.dumps({"plugin": plugin, "name": name, "arguments": arguments})
    return json.loads(await DISPATCHER.answer(caller, message))


async def opened() -> None:
    answer = await call(PAGE, "apikey", *VENDOR_KEYS)
    assert answer == {"success": True, "status": 1, "message": PAGE.origin}


async def test_a_function_hears_its_caller_and_numbers_as_text() -> None:
    await opened()
    assert await call(PAGE, "hear", 7, plugin="test") == {
        "success": True,
        "status": 1,
        "heard": ["localhost", "7"],
    }
    odd: object
    for odd in (True, 1.5, None, [], {}):
        assert (await call(PAGE, "hear", odd, plugin="test"))["code"] == "bad_arguments"


async def test_refusals_and_failures_are_answers(log: io.StringIO) -> None:
    await opened()
    assert await call(PAGE, "hear", "yoq", plugin="test") == {
        "success": False,
        "status": -1010,
        "reason": "no such key",
        "code": "key_not_found",
    }
    failed = await call(PAGE, "hear", "xato", plugin="test")
    assert failed["code"] == "internal_error"
    assert "secret" not in failed["reason"]
    lines = read_records(log.getvalue())
    refused = next(line for line in lines if line["event"] == "call_refused")
    assert (refused["origin"], refused["function"]) == (PAGE.origin, "test.hear")


async def test_the_log_has_no_word_of_a_pages_own(log: io.StringIO) -> None:
    await call(PAGE, "soxta", "sir", plugin="soxta")
    await call(None, "apikey", "sir")
    assert "soxta" not in log.getvalue()
    assert "sir" not in log.getvalue()
    assert '"function": "apikey"' in log.getvalue()


async def test_the_list_has_every_function() -> None:
    """A page asks before it has an API-KEY, and also a page without an address."""
    for caller in (PAGE, None):
        listed = (await call(caller, "apidoc"))["apidoc"]
        names = [(each["plugin"], each["name"]) for group in listed for each in group["functions"]]
        assert names == [("", "version"), ("", "apidoc"), ("", "apikey"), ("test", "hear")]


async def test_pages_probe_for_functions_before_all_else() -> None:
    plain = Caller("http://example.uz", "example.uz", trustworthy=False)
    for caller in (None, plain, PAGE):
        for plugin, name, arguments in (
            ("ftjc", "list_all_keys", [""]),
            ("", "yoq", []),
            ("test", "hear", []),
            ("test", "hear", ["1", "2"]),
        ):
            answer = await call(caller, name, *arguments, plugin=plugin)
            assert (answer["success"], answer["status"]) == (False, 0)
            assert answer["reason"].startswith(
                "Функция не найдена или версия E-IMZO устарела. Обновите E-IMZO."
            )
    assert (await call(None, "hear", "1", plugin="test"))["status"] == -1021
    assert (await call(plain, "hear", "1", plugin="test"))["status"] == -1022


async def test_names_and_lists_have_bounds() -> None:
    await opened()
    assert (await call(PAGE, "x" * 65))["code"] == "unknown_function"
    assert (await call(PAGE, "x", plugin="x" * 65))["code"] == "unknown_function"
    assert (await call(PAGE, "apidoc", *["x"] * 257))["code"] == "bad_call"


async def test_a_plain_http_page_may_ask_who_is_there_and_no_more() -> None:
    """Anybody on the way could pose as this page, with the same origin and API-KEY."""
    page = Caller("http://example.uz", "example.uz", trustworthy=False)
    assert (await call(page, "version"))["success"] is True
    assert (await call(page, "apidoc"))["success"] is True
    for name, plugin, arguments in (("apikey", "", ()), ("hear", "test", ("x",))):
        answer = await call(page, name, *arguments, plugin=plugin)
        assert answer["code"] == "https_required"
        assert page.origin in answer["reason"]
    allowing = Dispatcher([], ApiKeys(), http_pages=True)
    answer = json.loads(await allowing.answer(page, '{"name":"apikey","arguments":[]}'))
    assert answer["code"] == "api_key_missing"


async def test_a_large_call_is_a_document(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its text may not grow in memory: no list of lists, no wide character."""
    await opened()
    document = "QUJD" * 20_000
    heard_by = await call(PAGE, "hear", document, plugin="test")
    assert heard_by["heard"] == ["localhost", document]

    def read(_: str) -> None:
        raise AssertionError("it was read")

    start = '{"plugin": "test", "name": "hear", "arguments": ['
    for end in ("[]," * 30_000 + "[]]}", f'"{document}𝕏"]}}', f'"{document}\\ud835\\udd4f"]}}'):
        with monkeypatch.context() as reading:
            reading.setattr(json, "loads", read)
            answer = await DISPATCHER.answer(PAGE, start + end)
        assert json.loads(answer)["code"] == "bad_call"

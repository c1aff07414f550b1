"""Calls that overlap: one that waits for the user holds up no other, on any socket."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.support.credentials import Credentials
from tests.support.fake_pinentry import FakePinentry
from tests.support.page import PASSWORD, AgentService, Page
from tests.support.processes import TIME_LIMIT, command, wait_until

Start = Callable[..., AgentService]
DATA = b64encode(b"salom").decode()


@pytest.fixture
def pinentry(tmp_path: Path) -> FakePinentry:
    return FakePinentry(tmp_path)


@pytest.fixture
def service(start_service: Start, credentials: Credentials, pinentry: FakePinentry) -> AgentService:
    """An agent with two keys, which asks for their passwords with the pinentry."""
    program = command(
        "from tunnel_gateway.cli import agent",
        "from tunnel_gateway.agent.keys.pinentry import Pinentry",
        f"agent.find_prompter = lambda *_: Pinentry({str(pinentry.path)!r})",
    )
    users = dict.fromkeys(("birinchi", "ikkinchi"), credentials.citizen.identity)
    return start_service(program=program, users=users)


def load_each(page: Page) -> list[str]:
    keys = page.call("list_all_certificates", plugin="pfx")["certificates"]
    parts = [[key[part] for part in ("disk", "path", "name", "alias")] for key in keys]
    return [page.call("load_key", *each, plugin="pfx")["keyId"] for each in parts]


def sign(page: Page, key_id: str) -> dict[str, Any]:
    return page.call("create_pkcs7", DATA, key_id, "no", plugin="pkcs7")


def test_a_question_that_nobody_answers(service: AgentService, pinentry: FakePinentry) -> None:
    pinentry.script("hang")
    page, other = service.opened(), service.opened("http://localhost", "localhost")
    first, second = load_each(page)
    with page.socket() as asking:
        asking.send(json.dumps({"plugin": "pfx", "name": "verify_password", "arguments": [first]}))
        wait_until(lambda: pinentry.heard("GETPIN"), "the question")
        for caller in (page, other):
            for name, plugin in (
                ("version", None),
                ("apidoc", None),
                ("list_disks", "pfx"),
                ("list_all_certificates", "pfx"),
                ("list_readers", "idcard"),
            ):
                assert caller.call(name, plugin=plugin)["success"] is True
            assert len(load_each(caller)) == 2
        busy = sign(page, second)  # a page has one question at a time
        assert (busy["code"], busy["status"]) == ("busy", -3000)
        assert page.call("unload_key", second, plugin="pfx")["success"] is True
    # The page has closed its socket, which also closes the question.
    pinentry.script(f"pin {PASSWORD.decode()}")
    assert sign(page, first)["success"] is True


def test_many_calls_at_once_with_one_key(service: AgentService, pinentry: FakePinentry) -> None:
    pinentry.script(f"pin {PASSWORD.decode()}")
    page = service.opened()
    key_id = load_each(page)[0]
    with ThreadPoolExecutor(12) as calling:
        answers = list(calling.map(lambda _: sign(page, key_id), range(12), timeout=TIME_LIMIT))
    assert all(answer["success"] for answer in answers)
    assert len(pinentry.heard("GETPIN")) == 1
    assert len({answer["signature_hex"] for answer in answers}) == 12


def test_calls_on_one_socket_are_answered_in_their_order(service: AgentService) -> None:
    page = service.opened()
    with page.socket() as one:
        names = ["version", "apidoc", "version", "yoq"]
        for name in names:
            one.send(json.dumps({"name": name}))
        answers = [json.loads(one.recv(TIME_LIMIT)) for _ in names]
    assert ["major" in answer for answer in answers] == [True, False, True, False]
    assert "apidoc" in answers[1]
    assert answers[3]["status"] == 0

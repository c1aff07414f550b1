"""docs/for-page-developers.md, e-imzo.d.ts and the page say what the agent does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import PROJECT
from tunnel_gateway.agent.api.apidoc import PARAMETERS, PLUGINS
from tunnel_gateway.agent.api.apikey import ApiKeys
from tunnel_gateway.agent.api.dispatch import Dispatcher
from tunnel_gateway.agent.documents.pkcs7_functions import pkcs7_functions
from tunnel_gateway.agent.documents.pkcs10_functions import pkcs10_functions
from tunnel_gateway.agent.documents.tsaclient_functions import tsaclient_functions
from tunnel_gateway.agent.keys.files import KeyFiles
from tunnel_gateway.agent.keys.functions import key_functions
from tunnel_gateway.agent.keys.keyring import Keyring
from tunnel_gateway.agent.keys.passwords import PasswordFile, PasswordQueue
from tunnel_gateway.agent.pages.tunnels import Tunnels
from tunnel_gateway.agent.reasons import REASONS, number_of
from tunnel_gateway.agent.stubs import stub_functions
from tunnel_gateway.errors import GatewayUnreachableError
from tunnel_gateway.protocol.alerts import AlertCode

DOCUMENT = (PROJECT / "docs" / "for-page-developers.md").read_text("utf-8")
TYPES = (PROJECT / "docs" / "e-imzo.d.ts").read_text("utf-8")
TEXTS = PROJECT / "demo" / "page" / "texts"

# An alert about an open tunnel, or what is sent through it, answers no call.
OF_OPEN_TUNNELS = {"not_websocket", "request_too_large", "closed_by_operator", "page_lost"}
# What only the close frame of a tunnel says.
OF_ENDINGS = {"closed_by_operator", "idle_timeout", "gateway_lost", "destination_ended"}


def functions() -> dict[str, list[str]]:
    """Every function of the agent, with its arguments."""
    keyring = Keyring(PasswordQueue(PasswordFile(Path("none"))))
    tunnels = Tunnels({}, None, keyring)
    functions = [
        *key_functions(keyring, KeyFiles([])),
        *pkcs7_functions(keyring, None),
        *pkcs10_functions(keyring),
        *tsaclient_functions(),
        *stub_functions(),
        tunnels.function(),
    ]
    dispatcher = Dispatcher(functions, ApiKeys())
    described: Any = dispatcher.describe()
    return {
        f"{one['plugin']}.{one['name']}".removeprefix("."): [
            argument["name"] for argument in one["arguments"]
        ]
        for group in described
        for one in group["functions"]
    }


def codes() -> set[str]:
    """Every code that a call can be refused with."""
    alerts = {code.name.lower() for code in AlertCode} - OF_OPEN_TUNNELS
    return {*REASONS, *alerts, GatewayUnreachableError.code}


def table_rows(heading: str) -> list[list[str]]:
    section = DOCUMENT.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in row] for row in rows]


def test_every_function_is_documented() -> None:
    rows = {row[0].strip("`"): row[1] for row in table_rows("Functions")}
    assert set(rows) == set(functions())
    for name, arguments in functions().items():
        assert bool(arguments) == bool(rows[name]), name


def test_every_plugin_and_argument_is_described() -> None:
    assert {name.rpartition(".")[0] for name in functions()} == set(PLUGINS)
    assert {argument for one in functions().values() for argument in one} == set(PARAMETERS)


def test_every_number_is_documented() -> None:
    section = DOCUMENT.split("\n## One call\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (-?\d+) \| (.*) \|$", section, re.MULTILINE)
    documented = {
        code: int(number) for number, cell in rows for code in re.findall(r"`(\w+)`", cell)
    }
    assert documented == {code: number_of(code) for code in REASONS if number_of(code) != -9999}


def test_every_refusal_is_documented() -> None:
    documented = [code for row in table_rows("Refusals") for code in re.findall(r"`(\w+)`", row[0])]
    assert len(documented) == len(set(documented))
    assert set(documented) == codes()


SIGNATURE = re.compile(
    r'^  "?([\w.]+)"?: Signature<\s*(?:undefined|"(\w+)"), "(\w+)",\s*(string\[\]|\[.*?\])',
    re.MULTILINE | re.DOTALL,
)


def test_the_types_have_every_function() -> None:
    body = TYPES.split("export interface EImzoFunctions {")[1].split("\n}")[0]
    found = SIGNATURE.findall(body)
    assert {name for name, *_ in found} == set(functions())
    for name, plugin, last, arguments in found:
        assert name == f"{plugin}.{last}".removeprefix(".")
        if name != "apikey":  # it takes as many as one likes
            assert arguments.count(":") == len(functions()[name]), name


@pytest.mark.parametrize("language", ["uz", "ru"])
def test_the_languages_have_the_same_texts(language: str) -> None:
    english, other = (
        dict(
            re.findall(
                r'^  "([\w.]+)": "(.*)",$', (TEXTS / f"{name}.js").read_text("utf-8"), re.MULTILINE
            )
        )
        for name in ("en", language)
    )
    assert list(english) == list(other)
    for key, text in english.items():
        assert sorted(set(re.findall(r"\{\w+\}", text))) == sorted(
            set(re.findall(r"\{\w+\}", other[key]))
        ), key


def test_the_pages_advice_is_about_codes_that_there_are() -> None:
    text = (TEXTS / "en.js").read_text("utf-8")
    own = {
        "unknown",
        "no_agent",
        "not_allowed",
        "agent_lost",
        "site_away",
        "not_opened",
        "file_unreadable",
        "not_begun",
        "phone_failed",
    }  # of the page itself
    advised = set(re.findall(r'"do\.(\w+)"', text))
    assert own <= advised <= codes() | own
    explained = set(re.findall(r'"why\.(\w+)"', text))
    assert codes() | own <= explained <= codes() | own | OF_ENDINGS
    told_by_both = set(re.findall(r'"(?:why|do)\.(\w+)\.gateway"', text))
    assert told_by_both <= explained


def test_uzbek_letters() -> None:
    """O‘ and G‘ are written with U+2018, the sign of the tutuq with U+2019."""
    text = (TEXTS / "uz.js").read_text("utf-8")
    assert not re.search(r"[oOgG]['’ʻ`]", text)
    assert "'" not in text

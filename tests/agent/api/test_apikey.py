"""API-KEYs: the two in the vendor's guide, our own, and texts that are not an API-KEY."""

from __future__ import annotations

import os
import re

import pytest

from tests.support.page import VENDOR_KEYS
from tests.support.processes import PROJECT
from tunnel_gateway.agent.api import apikey
from tunnel_gateway.agent.api.apikey import MAX_LIST, ApiKeys, make_api_key
from tunnel_gateway.agent.calls import Caller
from tunnel_gateway.errors import CallRefusedError
from tunnel_gateway.gost.curves import CRYPTOPRO_C, PrivateKey

PAGE = Caller("https://example.uz", "example.uz")
ISSUER = PrivateKey.generate(CRYPTOPRO_C, os.urandom)


def key(domain: str = "example.uz", issuer: PrivateKey = ISSUER) -> str:
    return make_api_key(issuer, domain, os.urandom(32))


def keys() -> ApiKeys:
    return ApiKeys([ISSUER.public_key()])


def test_the_printed_keys() -> None:
    made = ApiKeys()
    for domain in VENDOR_KEYS[::2]:
        caller = Caller(f"http://{domain}:8000", domain)
        made.install(caller, VENDOR_KEYS)
        assert made.is_open_to(caller)
        made.install(caller, [text.lower() for text in VENDOR_KEYS])
        assert not made.is_open_to(Caller(f"http://{domain}", domain))


def test_the_document_prints_them() -> None:
    text = (PROJECT / "docs" / "from-outside.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w.]+)` \| `([0-9A-F]{128})` \|$", text, re.MULTILINE)
    assert tuple(part for row in rows for part in row) == VENDOR_KEYS


def test_every_digit_counts() -> None:
    domain, good = VENDOR_KEYS[:2]
    caller = Caller(f"http://{domain}", domain)
    for place in range(0, 128, 9):
        digit = "0" if good[place] != "0" else "1"
        with pytest.raises(CallRefusedError):
            ApiKeys().install(caller, [domain, good[:place] + digit + good[place + 1 :]])


def test_another_issuer_only_where_he_is_named() -> None:
    made = keys()
    made.install(PAGE, ["example.uz", key()])
    assert made.is_open_to(PAGE)
    with pytest.raises(CallRefusedError) as caught:
        ApiKeys().install(PAGE, ["example.uz", key()])
    assert caught.value.name == "api_key_invalid"


def test_other_sites_keys_do_not_matter() -> None:
    made = keys()
    made.install(PAGE, ["boshqa.uz", "x", "EXAMPLE.uz", key(), *VENDOR_KEYS])
    assert made.is_open_to(PAGE)


def test_one_good_key_among_several_is_enough() -> None:
    keys().install(PAGE, ["example.uz", "0" * 128, "example.uz", key()])


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], "api_key_missing"),
        (["www.example.uz", key("www.example.uz")], "api_key_missing"),
        (["example.uz", key("www.example.uz")], "api_key_invalid"),
        (["example.uz", ""], "api_key_invalid"),
        (["example.uz", "‘" * 128], "api_key_invalid"),
        (["example.uz", " " * 128], "api_key_invalid"),
        (["example.uz", *["0" * 128, "example.uz"] * 4, key()], "api_key_invalid"),
        (["example.uz"], "bad_arguments"),
        (["example.uz", None], "bad_arguments"),
        ([["example.uz", key()]], "bad_arguments"),
        (["a", "b"] * (MAX_LIST // 2 + 1), "bad_arguments"),
    ],
)
def test_what_is_refused_closes_what_was_open(arguments: list[object], code: str) -> None:
    made = keys()
    made.install(PAGE, ["example.uz", key()])
    with pytest.raises(CallRefusedError) as caught:
        made.install(PAGE, arguments)
    assert caught.value.name == code
    assert not made.is_open_to(PAGE)


def test_the_oldest_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apikey, "MAX_ORIGINS", 2)
    made, signed = keys(), key()
    callers = [Caller(f"https://example.uz:{port}", "example.uz") for port in (1, 2, 3)]
    for caller in callers:
        made.install(caller, ["example.uz", signed])
    assert [made.is_open_to(caller) for caller in callers] == [False, True, True]

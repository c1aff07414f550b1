"""A page of another origin gets nothing of the first page's."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Browser

from tests.support.browser import DST_ID, HOST, STRANGER, Visit, World, visit

PLACE = "/settings.json"  # a document of the origin that calls nothing by itself
ORIGINS = [("http", STRANGER), ("https", STRANGER), ("https", HOST)]
HIDDEN = ("net::ERR", "403")  # how the console tells of the refused attempts


def api_keys(page: Visit) -> list[str]:
    found: list[str] = page.page.evaluate("fetch('/settings.json').then(r => r.json())")["apiKeys"]
    return found


def load_key(page: Visit) -> str:
    key = page.call("pfx", "list_all_certificates")["certificates"][0]
    loaded = page.call("pfx", "load_key", key["disk"], key["path"], key["name"], key["alias"])
    key_id: str = loaded["keyId"]
    return key_id


@pytest.mark.parametrize(("scheme", "host"), ORIGINS)
def test_without_an_api_key_of_its_own(
    scheme: str, host: str, browser: Browser, world: World
) -> None:
    with (
        visit(browser, world.pages.origin("http") + PLACE) as page,
        visit(browser, world.pages.origin(scheme, host) + PLACE) as stranger,
    ):
        domain, key, *_ = keys = api_keys(page)
        assert domain == HOST
        assert page.call("", "apikey", *keys)["success"]
        # This also forgets what an earlier test may have installed for the origin.
        assert stranger.call("", "apikey", "boshqa.uz", key) == {"code": "api_key_missing"}
        for plugin, name, *parameters in (
            ("pfx", "list_all_certificates"),
            ("x509", "get_certificate_chain", load_key(page)),
            ("tunnel", "create_tunnel", DST_ID, load_key(page)),
        ):
            assert stranger.call(plugin, name, *parameters) == {"code": "api_key_required"}
        if host == STRANGER:
            assert stranger.call("", "apikey", HOST, key) == {"code": "api_key_missing"}
            assert stranger.call("", "apikey", STRANGER, key) == {"code": "api_key_invalid"}
            assert stranger.call("pfx", "list_disks") == {"code": "api_key_required"}


@pytest.mark.parametrize(("scheme", "host"), ORIGINS)
def test_with_an_api_key_of_its_own(scheme: str, host: str, browser: Browser, world: World) -> None:
    with (
        visit(browser, world.pages.origin("http") + PLACE) as page,
        visit(browser, world.pages.origin(scheme, host) + PLACE) as stranger,
    ):
        for one in (page, stranger):
            assert one.call("", "apikey", *api_keys(page))["success"]
        key_id = load_key(page)
        for plugin, name, *parameters in (
            ("x509", "get_certificate_chain", key_id),
            ("pkcs7", "create_pkcs7", "c2Fsb20=", key_id, "no"),
            ("tunnel", "create_tunnel", DST_ID, key_id),
            ("pfx", "unload_key", key_id),
        ):
            assert stranger.call(plugin, name, *parameters) == {"code": "key_not_found"}
        if host == STRANGER:  # a key that it loaded itself leads to no tunnel of another domain
            own = stranger.call("tunnel", "create_tunnel", DST_ID, load_key(stranger))
            assert own == {"code": "unknown_domain"}

        address = page.call("tunnel", "create_tunnel", DST_ID, key_id)["address"]
        assert stranger.connect(address) == "1006"
        assert stranger.connect(address) == "1006"
        identity = json.loads(page.connect(address))
        assert identity["X-EIMZO-PINFL"] == "10000000000001"
        assert stranger.connect(address) == "1006"
        assert page.connect(address) == "1006"
        page.check_console(*HIDDEN)
        stranger.check_console(*HIDDEN)

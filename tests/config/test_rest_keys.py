"""The table of the REST service's keys, against the vendor's and against the documents."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tunnel_gateway.config.destinations import DESTINATION_KEYS
from tunnel_gateway.config.key_table import Key, as_markdown
from tunnel_gateway.config.keys import KEYS
from tunnel_gateway.config.rest_keys import (
    PREFIXES,
    REPLACED,
    REST_KEYS,
    replaced_as_markdown,
    replacement,
)

PROJECT = Path(__file__).parents[2]
DOCUMENT = "docs/configuration.md"
# The vendor's keys beside those of the tunnels, as its guide and its users' files have them.
VENDORS = (
    "listen.ip",
    "listen.port",
    "vpn.tls.enabled",
    "vpn.connect.host",
    "vpn.connect.port",
    "vpn.key.file.path",
    "vpn.key.password",
    "vpn.truststore.file.path",
    "vpn.truststore.password",
    "vpn.keepalive.time.sec",
    "vpn.keepalive.timeout.sec",
    "tsp.jks.file.path",
    "tsp.jks.file.password",
    "cache.type",
    "cache.local.key.ttl.seconds",
    "cache.local.clear.interval.seconds",
    "cache.redis.host",
    "cache.redis.port",
    "cache.redis.password",
    "cache.redis.db",
    "cache.redis.connect.timeout.ms",
    "cache.redis.so.timeout.ms",
    "scheduler.fixed.threads.count",
    "metrics.server.enabled",
    "metrics.server.listen.ip",
    "metrics.server.listen.port",
    "mobile.siteId",
    "mobile.storage.redis.host",
    "mobile.storage.redis.port",
    "mobile.storage.redis.password",
    "mobile.storage.redis.db",
    "auth.service.valid.minutes.window",
)


@pytest.mark.parametrize("key", REST_KEYS, ids=lambda key: key.name)
def test_a_row_is_whole(key: Key, tmp_path: Path) -> None:
    for text in (key.help, key.reason):
        assert text.endswith(".")
        assert "|" not in text
    assert key.kind.brief
    if key.default:
        assert key.kind.read(key.default, tmp_path) is not None


def test_names_are_given_once() -> None:
    others = {key.name for key in (*KEYS, *DESTINATION_KEYS)}
    assert len({key.name for key in REST_KEYS} - others) == len(REST_KEYS)
    assert not any(name.startswith(PREFIXES) for name in others)
    assert len({key.field for key in REST_KEYS}) == len(REST_KEYS)


@pytest.mark.parametrize("name", VENDORS)
def test_every_key_of_the_vendor_is_used_or_has_a_remedy(name: str) -> None:
    used = {key.name for key in REST_KEYS if key.vendor}
    assert (name in used) != (replacement(name) is not None)


def test_no_key_is_said_to_be_of_the_vendor_that_is_not() -> None:
    assert {key.name for key in REST_KEYS if key.vendor} <= set(VENDORS)


def test_other_keys_have_no_remedy() -> None:
    for name in ("vpn", "vpnx.a", "cache.local.clear.interval.seconds.x", "listen.port", ""):
        assert replacement(name) is None
    for start, remedy in REPLACED:
        assert replacement(f"{start}x" if start.endswith(".") else start) == remedy


def test_the_document_has_the_tables() -> None:
    text = (PROJECT / DOCUMENT).read_text(encoding="utf-8")
    marked = f"<!-- begin keys: generated -->\n{as_markdown(REST_KEYS)}<!-- end keys -->\n"
    assert marked in text, f"write this into {DOCUMENT}:\n{marked}"
    assert replaced_as_markdown() in text


def test_the_example_file_shows_every_key_with_its_default() -> None:
    text = (PROJECT / "config/config.properties").read_text(encoding="utf-8")
    shown = re.findall(r"^#((?!tunnel)[a-z][\w.]*)=(.*)$", text, re.MULTILINE)
    assert shown == [(key.name, key.default) for key in REST_KEYS]

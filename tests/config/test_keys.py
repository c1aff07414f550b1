"""The tables of keys against each other and against the documents."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunnel_gateway.agent.settings import GATEWAY_KEY
from tunnel_gateway.agent.settings import KEYS as KEYS_OF_AGENT
from tunnel_gateway.config.daemon_settings import DAEMON_KEYS
from tunnel_gateway.config.destinations import DESTINATION_KEYS
from tunnel_gateway.config.key_table import Key, as_markdown
from tunnel_gateway.config.keys import KEYS
from tunnel_gateway.limit_keys import Limit

PROJECT = Path(__file__).parents[2]
AGENT_KEYS = (GATEWAY_KEY, *KEYS_OF_AGENT)
ALL = (*KEYS, *DAEMON_KEYS, *DESTINATION_KEYS, *AGENT_KEYS)


@pytest.mark.parametrize("key", ALL, ids=lambda key: key.name)
def test_a_row_is_whole(key: Key, tmp_path: Path) -> None:
    for text in (key.help, key.reason):
        assert text.endswith(".")
        assert "|" not in text
    assert key.kind.brief
    assert (
        not key.default
        or key.kind.read(key.default, tmp_path) is not key.kind.absent
        or (key.default == "no")
    )


def test_names_are_given_once() -> None:
    assert len({key.name for key in ALL}) == len(ALL)


def test_every_limit_is_a_key() -> None:
    assert {limit.value for limit in Limit} <= {key.name for key in ALL}


@pytest.mark.parametrize(
    ("document", "table"),
    [
        ("docs/configuration.md", as_markdown(KEYS, DESTINATION_KEYS)),
        ("docs/configuration.md", as_markdown(DAEMON_KEYS)),
        ("docs/agent.md", as_markdown(AGENT_KEYS)),
    ],
)
def test_the_document_has_the_table(document: str, table: str) -> None:
    text = (PROJECT / document).read_text(encoding="utf-8")
    marked = f"<!-- begin keys: generated -->\n{table}<!-- end keys -->\n"
    assert marked in text, f"write this into {document}:\n{marked}"

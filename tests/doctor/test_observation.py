"""An observation has no language; a finding has one."""

from __future__ import annotations

import pytest

from tunnel_gateway.daemon.findings import Finding
from tunnel_gateway.doctor.observation import Row
from tunnel_gateway.user_language import Language

ROW = Row("keys", "warning", "{count} ta kalit", "ключей: {count}", "{count} keys")


@pytest.mark.parametrize(
    ("language", "text"),
    [
        (Language.UZBEK, "2 ta kalit"),
        (Language.RUSSIAN, "ключей: 2"),
        (Language.ENGLISH, "2 keys"),
    ],
)
def test_a_finding_in_a_language(language: Language, text: str) -> None:
    finding = ROW.seen("/home/me/DSKEYS", count=2).finding(language)
    assert finding == Finding("keys", "/home/me/DSKEYS", "warning", text)


def test_braces_in_a_fact_stay() -> None:
    assert ROW.seen("x", count="{count}").finding(Language.ENGLISH).text == "{count} keys"

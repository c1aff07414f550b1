from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunnel_gateway.rest.languages import DEFAULT, language_of, text_of
from tunnel_gateway.rest.statuses import Reason
from tunnel_gateway.user_language import Language


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_text(reason: Reason, language: Language) -> None:
    text = text_of(reason, language)
    assert text == text.strip()
    assert text[-1] not in ".!?:"
    assert bool(re.search("[а-яё]", text)) == (language is Language.RUSSIAN)


@pytest.mark.parametrize("language", Language)
def test_no_two_reasons_have_one_text(language: Language) -> None:
    assert len({text_of(reason, language) for reason in Reason}) == len(Reason)


def test_uzbek_has_its_own_letters() -> None:
    """The letters o‘ and g‘ are written with U+2018, as in the guide."""
    for reason in Reason:
        assert "'" not in text_of(reason, Language.UZBEK), reason


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        ("", Language.UZBEK),
        ("ru", Language.RUSSIAN),
        ("en-US,en;q=0.5", Language.ENGLISH),
        ("RU-ru", Language.RUSSIAN),
        ("de, ru;q=0.3, en;q=0.7", Language.ENGLISH),
        ("en;q=0, ru;q=0.1", Language.RUSSIAN),
        ("ru, en", Language.RUSSIAN),
        ("uz-Latn-UZ", Language.UZBEK),
        ("uz-Cyrl;q=0.2, ru;q=0.1", Language.UZBEK),
        ("*", Language.UZBEK),
        ("*;q=0.5, en;q=0.1", Language.UZBEK),
        ("de, fr", Language.UZBEK),
        ("en;q=nan, ru;q=2, en;q=-1", Language.UZBEK),
        ("en;x=1, ru ; q=0.5", Language.RUSSIAN),
        ("en" + " " * 300, Language.UZBEK),
        ("en" + " " * 200, Language.ENGLISH),
    ],
)
def test_the_language_is_that_of_the_header(accept: str, language: Language) -> None:
    assert language_of(accept) is language


@given(st.text(st.sampled_from("enruz*;,=q0.51- ")))
def test_no_header_is_too_odd(accept: str) -> None:
    assert language_of(accept) in Language


def test_a_client_without_a_wish_gets_the_guides_language() -> None:
    assert DEFAULT is Language.UZBEK

"""The text that the user reads before entering a password."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunnel_gateway.agent.keys.pinentry import MAX_LINE, escape
from tunnel_gateway.agent.keys.questions import SENTENCES, Purpose, Question
from tunnel_gateway.user_language import Language, in_language

LANGUAGES = st.sampled_from(Language)
PURPOSES = st.sampled_from(Purpose)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        (
            Language.UZBEK,
            "https://example.uz sahifasi hujjatni imzolashni so‘rayapti\nKalit egasi: g‘aniyev",
        ),
        (
            Language.RUSSIAN,
            "Страница https://example.uz просит подписать документ\nВладелец ключа: g‘aniyev",
        ),
        (
            Language.ENGLISH,
            "The page https://example.uz asks for a signature\nOwner of the key: g‘aniyev",
        ),
    ],
)
def test_it_says_who_which_and_what_for(language: Language, text: str) -> None:
    question = Question("https://example.uz", "g‘aniyev", Purpose.SIGNATURE)
    assert question.text(language) == text


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("purpose", Purpose)
def test_every_purpose_has_its_sentence(purpose: Purpose, language: Language) -> None:
    sentence = in_language(SENTENCES[purpose], language)
    assert sentence.count("{origin}") == 1
    assert bool(re.search("[а-яё]", sentence)) == (language is Language.RUSSIAN)
    assert "'" not in sentence or language is Language.ENGLISH


@pytest.mark.parametrize("language", Language)
def test_no_two_purposes_have_one_sentence(language: Language) -> None:
    assert len({in_language(texts, language) for texts in SENTENCES.values()}) == len(Purpose)


@pytest.mark.parametrize("language", Language)
def test_whose_page_it_is_stays_to_be_seen(language: Language) -> None:
    """A stranger can put a known name in front of their own."""
    question = Question(
        f"https://my.gov.uz.{'a' * 60}.{'b' * 60}.evil.uz:8443", "g", Purpose.TUNNEL
    )
    text = question.text(language)
    assert "bbb.evil.uz:8443 " in text
    assert "https://…" in text
    assert "gov" not in text


def test_a_wrong_password_is_said_on_a_terminal() -> None:
    question = Question("https://example.uz", "g", Purpose.SIGNATURE, retry=True)
    assert question.text(Language.ENGLISH, retry_note=True).startswith("Wrong password\n")
    assert question.text(Language.UZBEK, retry_note=True).startswith("Parol noto‘g‘ri\n")
    assert "Wrong" not in question.text(Language.ENGLISH)


@given(st.text(), st.text(), PURPOSES, LANGUAGES)
def test_strangers_cannot_add_a_line_nor_mark_up(
    origin: str, owner: str, purpose: Purpose, language: Language
) -> None:
    text = Question(origin, owner, purpose).text(language, retry_note=True)
    assert text.count("\n") == 1
    assert text.replace("\n", "").isprintable()
    assert not set("<>&") & set(text)


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("purpose", Purpose)
def test_it_fits_into_a_line_of_pinentry(purpose: Purpose, language: Language) -> None:
    for widest in ("\U0001d54f" * 1000, "%" * 500):
        text = Question(widest, widest, purpose).text(language)
        assert len(b"SETDESC " + escape(text) + b"\n") <= MAX_LINE

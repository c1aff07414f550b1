"""The language of the user's desktop, as the variables of the environment say it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunnel_gateway.user_language import Language, in_language, user_language

VARIABLES = ["LC_ALL", "LC_MESSAGES", "LANG", "LANGUAGE"]


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, Language.ENGLISH),
        ({"LANG": "uz_UZ.UTF-8"}, Language.UZBEK),
        ({"LANG": "uz_UZ.UTF-8@cyrillic"}, Language.UZBEK),
        ({"LANG": "uz@cyrillic"}, Language.UZBEK),
        ({"LANG": "ru_RU.KOI8-R"}, Language.RUSSIAN),
        ({"LANG": "RU"}, Language.RUSSIAN),
        ({"LANG": "en_GB.UTF-8"}, Language.ENGLISH),
        ({"LANG": "de_DE.UTF-8"}, Language.ENGLISH),
        ({"LANG": "rus_RU"}, Language.ENGLISH),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "ru_RU.UTF-8"}, Language.RUSSIAN),
        ({"LC_MESSAGES": "ru_RU.UTF-8", "LC_ALL": "uz_UZ"}, Language.UZBEK),
        ({"LANG": "ru_RU", "LC_ALL": "", "LC_MESSAGES": ""}, Language.RUSSIAN),
        ({"LANG": "en_US.UTF-8", "LANGUAGE": "uz:ru"}, Language.UZBEK),
        ({"LANG": "ru_RU.UTF-8", "LANGUAGE": "de:fr"}, Language.RUSSIAN),
        ({"LANG": "de_DE.UTF-8", "LANGUAGE": "kaa:uz_UZ:en"}, Language.UZBEK),
        ({"LANG": "C", "LANGUAGE": "ru"}, Language.ENGLISH),
        ({"LANG": "C.UTF-8", "LANGUAGE": "ru"}, Language.ENGLISH),
        ({"LC_ALL": "POSIX", "LANG": "uz_UZ"}, Language.ENGLISH),
        ({"LANGUAGE": "ru"}, Language.ENGLISH),
    ],
)
def test_the_first_variable_with_a_known_language_counts(
    environment: dict[str, str], language: Language
) -> None:
    assert user_language(environment) is language


@given(st.dictionaries(st.sampled_from(VARIABLES), st.text(st.sampled_from("uzrenC_.@:- "))))
def test_no_environment_is_too_odd(environment: dict[str, str]) -> None:
    assert user_language(environment) in Language


def test_texts_stand_in_the_order_of_the_languages() -> None:
    texts = ("kalit", "ключ", "key")
    assert [in_language(texts, language) for language in Language] == list(texts)

"""The languages of texts for people, and the language that the user's desktop is set to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final


class Language(StrEnum):
    """A language of the messages, by its code in ISO 639-1."""

    UZBEK = "uz"
    RUSSIAN = "ru"
    ENGLISH = "en"


# A text in each language, in the order of ``Language``: Uzbek, Russian, English.
Texts = tuple[str, str, str]

_COLUMNS: Final = {language: column for column, language in enumerate(Language)}
# In this order the first variable with a text counts (POSIX, 8.2).
_LOCALE_VARIABLES: Final = ("LC_ALL", "LC_MESSAGES", "LANG")


def in_language(texts: Texts, language: Language) -> str:
    """Return the text of this language."""
    return texts[_COLUMNS[language]]


def user_language(environment: Mapping[str, str]) -> Language:
    """Return the first language that the environment asks for and that there is.

    ``LANGUAGE`` is a list with colons between, and counts before the locale (GNU gettext). It does
    not count beside the locale C. The result is English if the variables are empty, if the locale
    is C, and if there is no text in the language asked for.
    """
    locale = next(filter(None, map(environment.get, _LOCALE_VARIABLES)), "")
    if _code(locale) in {"", "c", "posix"}:
        return Language.ENGLISH
    return next(_known([*environment.get("LANGUAGE", "").split(":"), locale]), Language.ENGLISH)


def _known(names: list[str]) -> Iterator[Language]:
    for name in names:
        code = _code(name)
        if code in _COLUMNS:
            yield Language(code)


def _code(locale: str) -> str:
    """Return ``uz`` for ``uz_UZ.UTF-8@cyrillic``."""
    for mark in "_-.@":
        locale = locale.partition(mark)[0]
    return locale.strip().lower()

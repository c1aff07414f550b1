"""The question for a password: which page wants to use which key, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from tunnel_gateway.observability.logs import escaped
from tunnel_gateway.user_language import Language, Texts, in_language

# The text for pinentry must fit into a line of 1000 bytes, with all escapes.
_SHOWN: Final = 70
_TAGS: Final = str.maketrans({"<": "‹", ">": "›", "&": "+"})


class Purpose(StrEnum):
    """Why a page wants to use a key; each has its sentence in ``SENTENCES``."""

    SIGNATURE = "signature"
    TUNNEL = "tunnel"
    CERTIFICATES = "certificates"
    REQUEST = "request"
    PASSWORD = "password"  # noqa: S105 - the page wants to know whether the user knows it


# fmt: off
# The columns are Uzbek, Russian and English.
SENTENCES: Final[Mapping[Purpose, Texts]] = MappingProxyType({
    Purpose.SIGNATURE: (
        "{origin} sahifasi hujjatni imzolashni so‘rayapti",
        "Страница {origin} просит подписать документ",
        "The page {origin} asks for a signature"),
    Purpose.TUNNEL: (
        "{origin} sahifasi o‘z serveri bilan himoyalangan aloqa (tunnel) so‘rayapti",
        "Страница {origin} просит защищённую связь (туннель) со своим сервером",
        "The page {origin} asks for a tunnel to its server"),
    Purpose.CERTIFICATES: (
        "{origin} sahifasi kalitning sertifikatlarini so‘rayapti",
        "Страница {origin} запрашивает сертификаты ключа",
        "The page {origin} asks for the certificates of the key"),
    Purpose.REQUEST: (
        "{origin} sahifasi yangi sertifikat uchun so‘rovni imzolashni so‘rayapti",
        "Страница {origin} просит подписать запрос на новый сертификат",
        "The page {origin} asks for a signed request for a new certificate"),
    Purpose.PASSWORD: (
        "{origin} sahifasi kalit parolini tekshirishni so‘rayapti",
        "Страница {origin} просит проверить пароль ключа",
        "The page {origin} asks for a check of the key's password"),
})
_OWNER: Final[Texts] = (
    "Kalit egasi: {owner}", "Владелец ключа: {owner}", "Owner of the key: {owner}")
PROMPT: Final[Texts] = ("Parol:", "Пароль:", "Password:")
RETRY: Final[Texts] = ("Parol noto‘g‘ri", "Неверный пароль", "Wrong password")
ACCEPT: Final[Texts] = ("OK", "OK", "OK")
CANCEL: Final[Texts] = ("Bekor qilish", "Отмена", "Cancel")
# fmt: on


@dataclass(frozen=True, slots=True)
class Question:
    """A question. ``origin`` comes from the browser and ``owner`` from the file: trust neither.

    ``retry`` says that the last password was wrong.
    """

    origin: str
    owner: str
    purpose: Purpose
    retry: bool = False

    def text(self, language: Language, *, retry_note: bool = False) -> str:
        """Return the text for the user. No value in it can look like another line."""
        note = f"{in_language(RETRY, language)}\n" if self.retry and retry_note else ""
        sentence = in_language(SENTENCES[self.purpose], language)
        owner = in_language(_OWNER, language)
        return (
            f"{note}{sentence.format(origin=_shown_origin(self.origin))}\n"
            f"{owner.format(owner=_shown(self.owner))}"
        )


def _shown(text: str) -> str:
    """Cut a text, and replace control characters and characters that may be mark-up in a dialog."""
    plain = _plain(text)
    return plain if len(plain) <= _SHOWN else f"{plain[:_SHOWN]}…"


def _shown_origin(origin: str) -> str:
    """Cut a long origin after its scheme: whose page it is stands at the end of the name."""
    plain = _plain(origin)
    if len(plain) <= _SHOWN:
        return plain
    scheme, _, _ = plain[:_SHOWN].rpartition("://")
    return f"{scheme}://…{plain[-_SHOWN:]}" if scheme else f"…{plain[-_SHOWN:]}"


def _plain(text: str) -> str:
    return escaped(text.translate(_TAGS))

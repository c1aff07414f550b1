"""``tunnel-gateway agent trust``: how to make browsers trust this machine's certificate."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from tunnel_gateway.agent.api.local_certificate import LocalCertificate
from tunnel_gateway.user_language import Language, Texts, in_language, user_language

_LESSON: Final[Texts] = (
    """\
Agentning https sahifalariga wss://127.0.0.1 kerak. Uning sertifikati shu mashinada yaratilgan.
Uni bergan markaz faqat 127.0.0.1 va localhost uchun imzolay oladi. Markazni tanimagan brauzer
ulanmaydi. Bu buyruq hech narsani o‘zgartirmaydi. Brauzerlar shu markazga ishonishi kerak:
""",
    """\
Страницам https агента нужен wss://127.0.0.1. Его сертификат создан на этой машине. Выдавший его
центр может подписывать только для 127.0.0.1 и localhost. Браузер, который не знает центра, не
подключится. Эта команда ничего не меняет. Браузеры должны доверять этому центру:
""",
    """\
The agent's https pages need wss://127.0.0.1. Its certificate was made on this machine. The
authority behind it can sign for 127.0.0.1 and localhost only. A browser that does not know the
authority does not connect. This command changes nothing. Browsers must trust this authority:
""",
)
_AUTHORITY: Final = """
  {authority}
  SHA-256 {fingerprint}
"""


@dataclass(frozen=True, slots=True)
class _Way:
    """A way to trust: its title in three languages, and the lines to enter."""

    uzbek: str
    russian: str
    english: str
    lines: str

    def text(self, language: Language) -> str:
        title = in_language((self.uzbek, self.russian, self.english), language)
        return f"\n{title}:\n  {self.lines}\n"


_WAYS: Final = (
    _Way(
        "Linuxdagi Chromium va Chrome (certutil libnss3-tools paketida)",
        "Chromium и Chrome в Linux (certutil входит в libnss3-tools)",
        "Chromium and Chrome on Linux (certutil is in libnss3-tools)",
        'certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n tunnel-gateway-agent -i "{authority}"',
    ),
    _Way(
        "Firefox; PROFILE o‘rnida profilingiz papkasi (uni about:profiles ko‘rsatadi)",
        "Firefox; вместо PROFILE папка вашего профиля (её показывает about:profiles)",
        "Firefox; for PROFILE the folder of your profile (about:profiles shows it)",
        'certutil -d sql:PROFILE -A -t C,, -n tunnel-gateway-agent -i "{authority}"',
    ),
    _Way(
        "Yoki Firefoxning o‘zida: Sozlamalar, Maxfiylik va xavfsizlik, Sertifikatlarni ko‘rish,"
        " Markazlar, Import; fayl",
        "Или в самом Firefox: Настройки, Приватность и защита, Просмотр сертификатов, Центры"
        " сертификации, Импортировать; файл",
        "Or in Firefox itself: Settings, Privacy & Security, View Certificates, Authorities,"
        " Import; the file",
        "{authority}",
    ),
    _Way(
        "Debian va unga o‘xshashlar, curl kabi dasturlar uchun, brauzer uchun emas",
        "Debian и подобные, для curl и других программ, не для браузеров",
        "Debian and its kin, for curl and the like, not for browsers",
        'sudo cp "{authority}" /usr/local/share/ca-certificates/tunnel-gateway-agent.crt\n'
        "  sudo update-ca-certificates",
    ),
    _Way(
        "macOS (biz sinamaganmiz)",
        "macOS (мы не проверяли)",
        "macOS (not tried by us)",
        "security add-trusted-cert -r trustRoot -k ~/Library/Keychains/login.keychain-db"
        ' "{authority}"',
    ),
    _Way(
        "Windows (biz sinamaganmiz)",
        "Windows (мы не проверяли)",
        "Windows (not tried by us)",
        'certutil -user -addstore Root "{authority}"',
    ),
)


def show(certificate: LocalCertificate, language: Language | None = None) -> int:
    """Print it, for certificates that are made if they are not there; returns 0.

    Without a ``language`` the text is in the language of the desktop.
    """
    certificate.ensure(datetime.now(UTC))
    language = language or user_language(os.environ)
    ways = "".join(way.text(language) for way in _WAYS)
    text = in_language(_LESSON, language) + _AUTHORITY + ways
    authority = certificate.authority.resolve()
    print(text.format(authority=authority, fingerprint=certificate.fingerprint()), end="")
    return 0

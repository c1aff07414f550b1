"""The words of refusals."""

from __future__ import annotations

import re
from string import Formatter

from tunnel_gateway.agent.reasons import REASONS, number_of, refused


def test_every_word_has_its_text() -> None:
    for word, reason in REASONS.items():
        assert re.fullmatch("[a-z0-9_]+", word)
        facts = {name: f"<{name}>" for _, name, _, _ in Formatter().parse(reason) if name}
        error = refused(word, **facts)
        assert (error.name, str(error)) == (word, reason.format(**facts))


NOT_THERE = "Функция не найдена или версия E-IMZO устарела. Обновите E-IMZO."


def test_what_pages_of_e_imzo_compare() -> None:
    for word, number, text in (
        ("unknown_function", 0, NOT_THERE),
        ("key_not_found", -1010, "Ключ по идентификатору не найден"),
        ("key_id_unsuitable", -1015, "Несоответствующий ключу идентификатор"),
        ("api_key_invalid", -1020, "API-key для домена example.uz недействителен."),
        ("origin_required", -1021, "Не удалось идентифицировать домен."),
        ("disk_not_found", -2011, "Диск не найден"),
        ("cancelled", -5000, "Ввод пароля отменен"),
        ("password_timeout", -5001, "Операция отменена"),
    ):
        assert (number_of(word), REASONS[word].format(domain="example.uz")) == (number, text)
    assert "BadPaddingException" in REASONS["wrong_password"]


def test_every_refusal_has_a_number() -> None:
    assert {number_of(word) for word in REASONS} == {
        *(0, -1005, -1010, -1015, -1020, -1021, -1022, -1028, -2011, -2023, -3000, -5000, -5001),
        -9999,
    }
    assert number_of("certificate_revoked") == -9999

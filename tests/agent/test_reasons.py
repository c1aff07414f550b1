"""The words of refusals."""

from __future__ import annotations

import re
from string import Formatter

from tunnel_gateway.agent.reasons import REASONS, refused


def test_every_word_has_its_text() -> None:
    for word, reason in REASONS.items():
        assert re.fullmatch("[a-z0-9_]+", word)
        facts = {name: f"<{name}>" for _, name, _, _ in Formatter().parse(reason) if name}
        error = refused(word, **facts)
        assert (error.name, str(error)) == (word, reason.format(**facts))


def test_what_pages_of_e_imzo_compare() -> None:
    assert REASONS["key_not_found"] == "Ключ по идентификатору не найден"
    assert REASONS["cancelled"] == "Ввод пароля отменен"
    assert "BadPaddingException" in REASONS["wrong_password"]

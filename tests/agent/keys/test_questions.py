"""The text that the user reads before entering a password."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tunnel_gateway.agent.keys.pinentry import MAX_LINE, escape
from tunnel_gateway.agent.keys.questions import Question


def test_it_says_who_which_and_what_for() -> None:
    text = Question("https://example.uz", "g‘aniyev", "a signature").text()
    assert text == ("The page https://example.uz asks for a signature\nwith the key of g‘aniyev")


def test_a_wrong_password_is_said_on_a_terminal() -> None:
    question = Question("https://example.uz", "g", "a signature", retry=True)
    assert question.text(retry_note=True).startswith("Wrong password\n")
    assert "Wrong" not in question.text()


@given(st.text(), st.text(), st.text())
def test_strangers_cannot_add_a_line_nor_mark_up(origin: str, owner: str, purpose: str) -> None:
    text = Question(origin, owner, purpose).text(retry_note=True)
    assert text.count("\n") == 1
    assert text.replace("\n", "").isprintable()
    assert not set("<>&") & set(text)


def test_it_fits_into_a_line_of_pinentry() -> None:
    widest = "\U0001d54f" * 1000
    command = b"SETDESC " + escape(Question(widest, widest, widest).text()) + b"\n"
    assert len(command) <= MAX_LINE
    assert len(escape(Question("%" * 500, "%" * 500, "%" * 500).text())) < MAX_LINE - 10

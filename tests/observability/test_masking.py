"""Persons in the log: the parts of names and numbers that stay."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from asn1crypto import x509
from hypothesis import given
from hypothesis import strategies as st

from tests.support.credentials import CITIZEN
from tunnel_gateway.observability import masking
from tunnel_gateway.observability.logs import configure_logs, get_logger
from tunnel_gateway.observability.masking import (
    Personal,
    masked,
    masked_number,
    masked_text,
    name_shown,
)
from tunnel_gateway.pki.certificates.names import distinguished_name

SUBJECT = (
    "CN=G‘ANIYEV O‘KTAM,Name=O‘KTAM,SURNAME=G‘ANIYEV,L=Toshkent shahri,C=UZ,UID=400000001,"
    "1.2.860.3.16.1.2=10000000000001"
)
CENTRE = "CN=Development Centre,O=tunnel-gateway,C=UZ"
TOLD = ("ANIYEV", "KTAM", "400000001", "10000000000001")


@pytest.fixture(autouse=True)
def restore(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(masking, "_centres", set())
    masking.know_centres([CENTRE])
    yield
    configure_logs("json", "info")


def logged(personal: Personal = "masked", event: str = "event", **facts: object) -> dict[str, Any]:
    stream = io.StringIO()
    configure_logs("json", "info", stream, personal=personal)
    get_logger("tunnel_gateway.test").info(event, **facts)
    line: dict[str, Any] = json.loads(stream.getvalue())
    return line


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("G‘ANIYEV O‘KTAM", "G… O…"),
        ("  A   B-C  ", "A… B…"),
        ("X", "X…"),
        ("", ""),
        (CITIZEN.name, "G… O…"),
    ],
)
def test_a_name_keeps_the_first_letters(name: str, shown: str) -> None:
    assert masked(name) == shown


@pytest.mark.parametrize(
    ("number", "shown"), [("10000000000001", "…0001"), ("12345", "…2345"), ("1234", "…")]
)
def test_a_number_keeps_its_end(number: str, shown: str) -> None:
    assert masked_number(number) == shown


def test_the_setting_is_the_status_pages_too() -> None:
    configure_logs("json", "info", io.StringIO())
    assert name_shown("ANNA BEK") == "A… B…"
    assert name_shown(None) is None
    configure_logs("json", "info", io.StringIO(), personal="full")
    assert name_shown("ANNA BEK") == "ANNA BEK"


def test_the_user_of_a_line_is_masked_and_can_still_be_found() -> None:
    line = logged(user=CITIZEN.name, serial="10000000000001", issuer=CENTRE, dst_id="0")
    assert line["user"] == "G… O…"
    assert (line["serial"], line["issuer"]) == ("10000000000001", CENTRE)


def test_the_user_is_masked_wherever_the_line_repeats_him() -> None:
    line = logged(
        user=CITIZEN.name, detail=f"no room for {CITIZEN.name}", many=[{"a": CITIZEN.name}]
    )
    assert line["detail"] == "no room for G… O…"
    assert line["many"] == [{"a": "G… O…"}]


@pytest.mark.parametrize(
    "text",
    [
        f"the signature does not verify with the key of {SUBJECT}",
        f"certificate 1a issued by {SUBJECT} is not a CA's",
        f"two: {SUBJECT}; {SUBJECT}",
        "Name=G‘ANIYEV\\, O‘KTAM",
        "PINFL 10000000000001, or 10000000000001",
        "tunnel.destination.0.deny.pinfl: expected a PINFL of 14 digits, got '400000001'",
        "tunnel.destination.0.allow.uid: expected a UID of 9 digits, got '100000000000010'",
    ],
)
def test_texts_that_quote_a_person(text: str) -> None:
    for line in (logged(detail=text), logged(more=[text]), logged(error=ValueError(text))):
        assert not [name for name in TOLD if name in json.dumps(line, ensure_ascii=False)]


@pytest.mark.parametrize(
    "text",
    [
        f"certificate 7fbc7fe5 issued by <{CENTRE}> expired on 2028-11-23 18:59:59 UTC",
        f"certificate 12345678901234 issued by <{CENTRE}>",
        "key:f6db301bbc12345678901234d9989ec3606f84f65d696c1b7b3dd12841a3f9fb0744",
        "tunnel.destination.0.allow.inn: INN 300000001, 300000002",
        "CN=example.uz,E=info@example.uz,O=Development",
    ],
)
def test_texts_that_quote_no_person_stay(text: str) -> None:
    assert masked_text(text) == text


@pytest.mark.parametrize(
    ("issuer", "shown"),
    [
        ("CN=G‘ANIYEV O‘KTAM", "CN=G… O…"),
        ("CN=10000000000001", "CN=…0001"),
        ("O=G‘ANIYEV O‘KTAM 10000000000001,C=UZ", "O=G… O… 1…,C=UZ"),
        ("1.2.3=G‘ANIYEV,OU=O‘KTAM", "1.2.3=G…,OU=O…"),
        ("CN=G‘ANIYEV\\, O‘KTAM \\> expired,L=x y", "CN=G… O… \\… e…,L=x… y…"),
        (f"{CENTRE},CN=G‘ANIYEV", "CN=D… C…,O=t…,C=UZ,CN=G…"),
        (CENTRE, CENTRE),
        (f"{CENTRE[:30]}…", f"{CENTRE[:30]}…"),
    ],
)
def test_an_issuer_that_a_stranger_chose_names_nobody(issuer: str, shown: str) -> None:
    """Anyone can make a certificate with any text in its names, under any attribute."""
    text = "no path leads from certificate 1a issued by <{}> to a trust anchor: add the issuer"
    assert logged(detail=text.format(issuer))["detail"] == text.format(shown)


def test_a_text_full_of_beginnings_is_gone_through_once() -> None:
    for text in ("<a=\\" * 20_000, "<a=" * 20_000, "<" * 20_000):
        assert masked_text(text) == text


def test_the_sentence_behind_a_name_stays() -> None:
    text = f"certificate 1a issued by <{SUBJECT}> expired on 2028-11-23, so get a new one"
    assert masked_text(text).endswith("…0001> expired on 2028-11-23, so get a new one")
    assert not [name for name in TOLD if name in masked_text(text)]


def test_as_many_centres_as_there_can_be_and_no_more() -> None:
    masking.know_centres(f"CN={number}" for number in range(5000))
    assert len(masking._centres) == masking._MAX_CENTRES
    assert masked_text("<CN=4999 x>") == "<CN=4… x…>"


def test_a_person_who_is_an_issuer_is_masked_and_numbered() -> None:
    shown = logged(issuer=SUBJECT)["issuer"]
    assert shown == (
        "CN=G… O…,Name=O…,SURNAME=G…,L=Toshkent shahri,C=UZ,UID=…0001,1.2.860.3.16.1.2=…0001"
    )


def test_a_traceback_and_a_library_are_masked() -> None:
    stream = io.StringIO()
    configure_logs("json", "info", stream)
    try:
        int(SUBJECT)
    except ValueError:
        get_logger("tunnel_gateway.test").exception("internal_error", user=CITIZEN.name)
    logging.getLogger("websockets").error("odd header %s", SUBJECT)
    assert "ValueError" in stream.getvalue()
    shown = stream.getvalue().encode().decode("unicode_escape")
    assert not [name for name in TOLD if name in shown]


def test_full_is_full() -> None:
    line = logged("full", user=CITIZEN.name, detail=SUBJECT)
    assert (line["user"], line["detail"]) == (CITIZEN.name, SUBJECT)


def test_people_are_shown_no_more_than_machines() -> None:
    stream = io.StringIO()
    configure_logs("console", "info", stream)
    get_logger("tunnel_gateway.test").info("event", user=CITIZEN.name, detail=SUBJECT)
    assert not [name for name in TOLD if name in stream.getvalue()]


@given(st.text(), st.from_regex(r"[0-9]{14}", fullmatch=True), st.text())
def test_no_pinfl_between_letters_that_are_no_digits(before: str, number: str, after: str) -> None:
    shown = masked_text(f"{before} {number} {after}")
    assert number not in shown.replace(f"certificate {number}", "") or number in before + after


@given(st.text(st.characters(exclude_categories=("Cc", "Cs", "Z", "Nd")), min_size=2))
def test_no_name_in_a_distinguished_name(name: str) -> None:
    written = x509.Name.build({"common_name": name, "pinfl": "10000000000001"})
    text = distinguished_name(written.dump())
    assert re.fullmatch(r"CN=(\\?\S?…)?,1\.2\.860\.3\.16\.1\.2=…0001", masked_text(text))


@pytest.mark.parametrize("country", ["GULNORA ORIPOVA", "Gu", "UZ GULNORA", "1U", ""])
def test_a_country_is_two_letters_or_is_masked(country: str) -> None:
    text = masked_text(f"issued by <CN=Root,C={country}>: no")
    assert "GULNORA" not in text
    assert ("C=Gu" in text) is (country == "Gu")

"""Distinguished names as text; domain names and what matches them."""

from __future__ import annotations

import pytest
from asn1crypto import x509

from tunnel_gateway.pki.names import (
    attributes,
    distinguished_name,
    domain_matches,
    normalise_domain,
)


def name(*pairs: tuple[str, str], together: bool = False) -> x509.Name:
    parts = [
        x509.NameTypeAndValue({"type": oid, "value": x509.DirectoryString("utf8_string", value)})
        for oid, value in pairs
    ]
    relatives = (
        [x509.RelativeDistinguishedName(parts)]
        if together
        else [x509.RelativeDistinguishedName([part]) for part in parts]
    )
    return x509.Name(name="", value=x509.RDNSequence(relatives))


CN, O, NAME, PINFL = "2.5.4.3", "2.5.4.10", "2.5.4.41", "1.2.860.3.16.1.2"  # noqa: E741


@pytest.mark.parametrize(
    ("pairs", "text"),
    [
        # As in the integration guide, section 2.2.4.
        ([(CN, "TestCA"), (O, "test.e-imzo.uz")], "CN=TestCA,O=test.e-imzo.uz"),
        (
            [(CN, "sfasdfa s asdfasd"), (PINFL, "1" * 14)],
            "CN=sfasdfa s asdfasd,1.2.860.3.16.1.2=11111111111111",
        ),
        ([(CN, "G‘ANIYEV O‘KTAM"), (NAME, "O‘KTAM")], "CN=G‘ANIYEV O‘KTAM,Name=O‘KTAM"),
        ([(O, 'MCHJ "A,B"')], r"O=MCHJ \"A\,B\""),
        ([(CN, "#1 a+b<c>;\\ ")], r"CN=\#1 a\+b\<c\>\;\\\ "),
        ([(CN, " a  b")], r"CN=\ a  b"),
        ([(CN, " ")], r"CN=\ "),
        ([], ""),
    ],
)
def test_distinguished_name(pairs: list[tuple[str, str]], text: str) -> None:
    assert distinguished_name(name(*pairs)) == text


def test_attributes_of_one_relative_name_follow_each_other() -> None:
    found = dict(attributes(name((CN, "a"), (O, "b"), together=True)))
    assert found == {CN: "a", O: "b"}


@pytest.mark.parametrize("value", ["a\x00b", "a\nb", "\x1b[31m", "a\x7f", "a\x85"])
def test_control_characters_are_refused(value: str) -> None:
    with pytest.raises(ValueError, match="plain text"):
        distinguished_name(name((CN, value)))


def test_letters_that_stand_for_many_others_are_refused() -> None:
    assert distinguished_name(name((O, "№ 1 ﬁrma…"))) == "O=№ 1 ﬁrma…"
    with pytest.raises(ValueError, match="letters that stand for many others"):
        distinguished_name(name((O, "\ufdfa" * 3)))


def test_a_value_that_is_not_text_is_refused() -> None:
    with pytest.raises(ValueError, match="plain text"):
        distinguished_name(
            x509.Name(
                name="",
                value=x509.RDNSequence(
                    [
                        x509.RelativeDistinguishedName(
                            [x509.NameTypeAndValue({"type": "2.5.4.45", "value": b"\x01\x02"})]
                        )
                    ]
                ),
            )
        )


def test_too_many_attributes_are_refused() -> None:
    assert distinguished_name(name(*[(O, "x")] * 40)).count("O=x") == 40
    with pytest.raises(ValueError, match="more than 40"):
        distinguished_name(name(*[(O, "x")] * 41))


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("example.uz", "example.uz"),
        ("EXAMPLE.Uz.", "example.uz"),
        ("localhost", "localhost"),
        ("xn--80ak6aa92e.uz", "xn--80ak6aa92e.uz"),
        ("мисол.uz", "xn--h1agbjo.uz"),
        ("1.uz", "1.uz"),
        ("_a-b.uz", "_a-b.uz"),
        ("a" * 63 + ".uz", "a" * 63 + ".uz"),
    ],
)
def test_normalise_domain(text: str, domain: str) -> None:
    assert normalise_domain(text) == domain


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "example..uz",
        ".example.uz",
        "example.uz..",
        "127.0.0.1",
        "::1",
        "[::1]",
        "0x7f.1",
        "a.1",
        "*.example.uz",
        "a*.uz",
        "-a.uz",
        "a-.uz",
        "a b.uz",
        "a\x00.uz",
        "example.uz/",
        "example.uz:443",
        "a" * 64 + ".uz",
        ".".join(["a" * 60] * 5),
    ],
)
def test_what_is_not_a_domain(text: str) -> None:
    with pytest.raises(ValueError, match="not a domain name"):
        normalise_domain(text)


@pytest.mark.parametrize(
    ("pattern", "domain"),
    [
        ("example.uz", "example.uz"),
        ("EXAMPLE.UZ", "example.uz"),
        ("*.example.uz", "api.example.uz"),
        ("*.Example.uz", "xn--h1agbjo.example.uz"),
        ("мисол.uz", "xn--h1agbjo.uz"),
        ("localhost", "localhost"),
    ],
)
def test_matches(pattern: str, domain: str) -> None:
    assert domain_matches(pattern, domain)


@pytest.mark.parametrize(
    ("pattern", "domain"),
    [
        ("example.uz", "api.example.uz"),
        ("api.example.uz", "example.uz"),
        ("xample.uz", "example.uz"),
        ("*.example.uz", "example.uz"),
        ("*.example.uz", "a.api.example.uz"),
        ("a*.example.uz", "api.example.uz"),
        ("*pi.example.uz", "api.example.uz"),
        ("api.*.uz", "api.example.uz"),
        ("*.*.uz", "api.example.uz"),
        ("*.uz", "example.uz"),
        ("*", "uz"),
        ("*.", "uz"),
        ("", "example.uz"),
        ("127.0.0.1", "127.0.0.1"),
        ("TO‘LAGANOVA OYGUL", "example.uz"),
        ("example.uz\x00.evil.com", "example.uz"),
    ],
)
def test_does_not_match(pattern: str, domain: str) -> None:
    assert not domain_matches(pattern, domain)

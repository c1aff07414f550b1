"""Distinguished names as text; domain names and what matches them."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable

import pytest
from asn1crypto import core, x509
from hypothesis import given
from hypothesis import strategies as st

from tunnel_gateway.pki.certificates import names
from tunnel_gateway.pki.certificates.names import (
    Resemblances,
    attributes,
    distinguished_name,
    domain_matches,
    normalise_domain,
    resemblance,
    same_name,
)


def name(*pairs: tuple[str, str], together: bool = False) -> bytes:
    parts = [
        x509.NameTypeAndValue({"type": oid, "value": x509.DirectoryString("utf8_string", value)})
        for oid, value in pairs
    ]
    relatives = (
        [x509.RelativeDistinguishedName(parts)]
        if together
        else [x509.RelativeDistinguishedName([part]) for part in parts]
    )
    return bytes(x509.Name(name="", value=x509.RDNSequence(relatives)).dump())


def of(oid: str, value: bytes) -> bytes:
    """A name with one attribute, whose value is given in DER."""
    attribute = core.Sequence(contents=core.ObjectIdentifier(oid).dump() + value)
    relative = core.Set(contents=attribute.dump(), tag=17)
    return bytes(core.Sequence(contents=relative.dump()).dump())


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
    found = {one.oid: one.text for one in attributes(name((CN, "a"), (O, "b"), together=True))}
    assert found == {CN: "a", O: "b"}


@pytest.mark.parametrize("value", ["a\x00b", "a\nb", "\x1b[31m", "a\x7f", "a\x85"])
def test_control_characters_are_no_text(value: str) -> None:
    (attribute,) = attributes(name((CN, value)))
    assert attribute.text is None
    assert distinguished_name(name((CN, value))) == f"CN=#{attribute.value.hex()}"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (core.NumericString("10000000000009"), "10000000000009"),
        (core.PrintableString("a"), "a"),
        (core.BMPString("\u0410"), "\u0410"),
        (core.UniversalString("\U0001f642"), "\U0001f642"),
        (core.TeletexString("a"), "a"),
        (core.IA5String("a"), "a"),
        (core.OctetBitString(b"\x01\x02"), None),
        (core.Integer(1), None),
        (core.Sequence(contents=b"\x0c\x01a"), None),
        (core.UTF8String(contents=b"\xc3\x28"), None),
        (core.IA5String(contents="\u0430".encode()), None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_of_every_type(value: core.Asn1Value, text: str | None) -> None:
    whole = of("2.5.4.45", value.dump())
    (attribute,) = attributes(whole)
    assert (attribute.oid, attribute.text) == ("2.5.4.45", text)
    shown = text if text is not None else f"#{value.dump().hex()}"
    assert distinguished_name(whole) == f"2.5.4.45={shown}"
    assert same_name(whole, whole)
    assert not same_name(whole, of("2.5.4.45", core.UTF8String("other").dump()))


def test_a_long_value_that_is_no_text_is_cut() -> None:
    assert len(distinguished_name(of(CN, core.OctetString(bytes(500)).dump()))) < 100


@pytest.mark.parametrize(
    "value",
    ["", "3000", "300231 00".replace(" ", ""), "3004310230 00".replace(" ", ""), "0500"],
)
def test_what_is_not_built_like_a_name(value: str) -> None:
    data = bytes.fromhex(value)
    if value in {"3000", "30023100"}:
        assert attributes(data) == []
    else:
        with pytest.raises(ValueError, match=r"built like a name|another type"):
            attributes(data)


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (core.UTF8String("Sinov Markaz"), core.PrintableString("SINOV  MARKAZ "), True),
        (
            core.UTF8String("\u041c\u0430\u0440\u043a\u0430\u0437"),
            core.BMPString("\u043c\u0430\u0440\u043a\u0430\u0437"),
            True,
        ),
        (core.UTF8String("a\u00adb"), core.UTF8String("ab"), True),
        (core.UTF8String("Stra\u00dfe"), core.UTF8String("STRASSE"), True),
        (core.UTF8String("\uff21"), core.UTF8String("a"), True),
        (core.UTF8String("\U0001f642"), core.UTF8String("\U0001f642"), True),
        (core.UTF8String("\U0001f642"), core.UTF8String("\U0001f643"), False),
        (core.UTF8String("\U0001f642"), core.BMPString("a"), False),
        (core.UTF8String("ab"), core.UTF8String("a b"), False),
        (core.UTF8String("a"), core.UTF8String("b"), False),
    ],
    ids=str,
)
def test_names_are_compared_as_rfc_4518_says(
    first: core.Asn1Value, second: core.Asn1Value, same: bool
) -> None:
    one, other = of(CN, first.dump()), of(CN, second.dump())
    assert same_name(one, other) is same
    assert (x509.Name.load(one) == x509.Name.load(other)) is same
    if same:  # and the quick look never says no where the slow one says yes
        assert resemblance(one) == resemblance(other)


@given(st.text(max_size=20), st.sampled_from([str.upper, str.lower, str.title, str.swapcase]))
def test_what_is_the_same_always_resembles_it(text: str, change: Callable[[str], str]) -> None:
    one, other = name((CN, text)), name((CN, change(text)))
    assert not same_name(one, other) or resemblance(one) == resemblance(other)


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


def test_many_marks_in_a_row_are_compared_as_they_are() -> None:
    """To put them in order takes time quadratic in their number."""
    for few, many in (("\u0301\u0316" * 15, "\u0301\u0316" * 16), ("\uff9e" * 30, "\uff9e" * 31)):
        assert names._normalised(f"a{few}") is not None
        assert names._normalised(f"a{many}") is None


def test_every_letter_that_begins_with_a_mark_counts_as_one() -> None:
    for letter in map(chr, range(sys.maxunicode + 1)):
        apart = unicodedata.normalize("NFKD", letter)
        if apart and unicodedata.combining(apart[0]):
            assert names._normalised(letter * 31) is None, f"U+{ord(letter):04X}"


def test_names_beyond_a_size_resemble_only_themselves() -> None:
    one, other = name((CN, "Markaz")), name((CN, "MARKAZ"))
    few = Resemblances(len(one) + len(other))
    assert few.of(one) == few.of(other) == resemblance(one)
    assert Resemblances(len(one) - 1).of(one) == one
    known = Resemblances(len(one), {other: "known"})
    assert (known.of(other), known.of(one)) == ("known", resemblance(one))

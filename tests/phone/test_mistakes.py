"""Every mistake that a code can have is found, and named, and no other is."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunnel_gateway.errors import MobileCodeError
from tunnel_gateway.gost.crc32c import crc32c
from tunnel_gateway.gost.digest import ForeignDigest, digest, foreign_digest
from tunnel_gateway.phone.code import DEEPLINK, Code, make_code
from tunnel_gateway.phone.mistakes import Kind, find_mistakes, read_code

LETTERS = "ABCDEFabcdef"
sites = st.text("0123456789ABCDEF", min_size=4, max_size=4)
documents = st.text("0123456789ABCDEF", min_size=8, max_size=8)
# Upper-case hexadecimal digits with a letter among them, as the server makes them.
challenges = st.binary(min_size=16, max_size=32).map(lambda data: "A" + data.hex().upper()[1:])
codes = st.builds(Code, sites, documents, st.binary(min_size=32, max_size=32))
odd_letters = st.characters(exclude_characters="0123456789:" + LETTERS, codec="utf-8")


def kinds(text: str, content: bytes | None = None, **more: str) -> list[Kind]:
    return [mistake.kind for mistake in find_mistakes(text, content, **more)]


@given(sites, documents, st.binary(max_size=100), st.booleans())
def test_a_right_code_has_no_mistake(
    site_id: str, document_id: str, content: bytes, deeplink: bool
) -> None:
    code = make_code(site_id, document_id, content)
    text = code.deeplink if deeplink else code.text
    assert kinds(text, content) == kinds(text) == []
    assert read_code(text) == code


def crc_of(code: Code, checksum: str) -> str:
    return code.text[:76] + checksum


def of_text(code: Code) -> int:
    return crc32(code.text[:76].encode())


def data(code: Code) -> bytes:
    return bytes.fromhex(code.text[:76])


def reverse(checksum: str) -> str:
    return bytes.fromhex(checksum)[::-1].hex()


@given(codes)
def test_the_mistakes_of_a_checksum(code: Code) -> None:
    right = code.text[76:]
    tried = [
        (f"{of_text(code):08x}", [Kind.CRC_OF_TEXT]),
        (f"{crc32(code.text[:76].lower().encode()):08x}", [Kind.CRC_OF_TEXT]),
        (f"{crc32(code.text[:76].upper().encode()):08x}", [Kind.CRC_OF_TEXT]),
        (f"{crc32c(data(code)):08x}", [Kind.CRC_32C]),
        (reverse(f"{of_text(code):08x}"), [Kind.CRC_OF_TEXT, Kind.CRC_BYTE_ORDER]),
        (f"{crc32c(code.text[:76].encode()):08x}", [Kind.CRC_OF_TEXT, Kind.CRC_32C]),
        (f"{int(right, 16) ^ 1:08x}", [Kind.CRC]),
    ]
    if reverse(right) != right:
        tried.append((reverse(right), [Kind.CRC_BYTE_ORDER]))
    for checksum, mistakes in tried:
        assert kinds(crc_of(code, checksum)) == mistakes
        assert f"the right CRC is {right}" in find_mistakes(crc_of(code, checksum))[0].text


@given(codes)
def test_a_negative_checksum(code: Code) -> None:
    """As JavaScript and Java write the upper half of the numbers."""
    negative = format(int(code.text[76:], 16) - (1 << 32), "x")
    assert kinds(crc_of(code, negative)) == [Kind.CRC_SIGNED]
    wrong = kinds(crc_of(code, negative[:-1]))
    assert wrong[0] == Kind.CHARACTERS


def test_a_checksum_without_its_zeros() -> None:
    found = 0
    for number in range(1000):
        code = make_code("0000", "00000000", str(number).encode())
        short = code.text[76:].lstrip("0")
        if len(short) < 8:
            found += 1
            assert kinds(crc_of(code, short)) == [Kind.CRC_UNPADDED]
            assert kinds(crc_of(code, short[:-1])) == [Kind.LENGTH]
    assert found > 20


@given(codes, st.integers(0, 83), odd_letters)
def test_the_mistakes_of_the_form(code: Code, at: int, odd: str) -> None:
    text = code.text
    assert kinds("0" + text) == [Kind.LENGTH]
    assert kinds(text[:75]) == [Kind.LENGTH]
    assert kinds(f"{text}\n") == kinds(f" {text}") == [Kind.SPACES]
    assert kinds(f"eimzo:sign?qc={text}") == kinds(f"EIMZO://sign?qc={text}") == [Kind.DEEPLINK]
    if odd.strip():
        assert kinds(text[:at] + odd + text[at + 1 :]) == [Kind.CHARACTERS]
    upper = f"{text[:12]}{text[12:76].upper()}{text[76:]}"
    assert kinds(upper) == ([Kind.HASH_CASE] if upper != text else [])
    upper = text[:76] + text[76:].upper()
    assert kinds(upper) == ([Kind.CRC_CASE] if upper != text else [])


@given(sites, documents, challenges)
def test_the_mistakes_of_a_hash(site_id: str, document_id: str, challenge: str) -> None:
    content = challenge.encode()
    test_parameters = foreign_digest(ForeignDigest.TEST_PARAMETERS, content)
    for hashed, mistakes in [
        (test_parameters, [Kind.TEST_PARAMETERS]),
        (foreign_digest(ForeignDigest.STREEBOG, content), [Kind.STREEBOG]),
        (sha256(content).digest(), [Kind.SHA_256]),
        (digest(content)[::-1], [Kind.HASH_BYTE_ORDER]),
        (digest(b64encode(content)), [Kind.BASE64]),
        (digest(content.lower()), [Kind.LETTER_CASE]),
        (digest(content + b"\n"), [Kind.LINE_END]),
        (digest(content + b"\r\n"), [Kind.LINE_END]),
        (digest(challenge.encode("utf-16")), [Kind.UTF_16]),
        (digest(challenge.encode("utf-16-le")), [Kind.UTF_16]),
        (digest(challenge.encode("utf-16-be")), [Kind.UTF_16]),
        (test_parameters[::-1], [Kind.TEST_PARAMETERS, Kind.HASH_BYTE_ORDER]),
        (
            foreign_digest(ForeignDigest.TEST_PARAMETERS, b64encode(content)),
            [Kind.TEST_PARAMETERS, Kind.BASE64],
        ),
        (digest(b"x" + content), [Kind.HASH]),
    ]:
        text = Code(site_id, document_id, hashed).text
        assert kinds(text, content) == mistakes
        assert kinds(text) == []
        said = find_mistakes(text, content)[0].text
        assert f"the right hash is {digest(content).hex()}" in said
    if len(challenge) % 2 == 0:
        text = Code(site_id, document_id, digest(bytes.fromhex(challenge))).text
        assert kinds(text, content) == [Kind.DECODED_HEX]


@given(st.binary(max_size=50))
def test_the_mistakes_of_a_document(document: bytes) -> None:
    content = bytes(5000) + document + b"\n"
    for hashed, mistakes in (
        (digest(b64encode(content)), [Kind.BASE64]),
        (digest(content.rstrip(b"\r\n")), [Kind.LINE_END]),
        (foreign_digest(ForeignDigest.TEST_PARAMETERS, content), [Kind.TEST_PARAMETERS]),
        (digest(content[1:]), [Kind.HASH]),
    ):
        assert kinds(Code("0000", "850FF727", hashed).text, content) == mistakes


def test_identifiers_are_compared() -> None:
    text = make_code("0000", "2944F1F2", b"").text
    assert kinds(text, site_id="0000", document_id="2944f1f2") == []
    assert kinds(text, site_id="0001", document_id="2944F1F3") == [Kind.SITE, Kind.DOCUMENT]


def test_several_mistakes_at_once() -> None:
    code = make_code("0000", "2944F1F2", b"ab12".hex().encode())
    text = f"eimzo:{crc_of(code, f'{of_text(code):08x}')} "
    assert kinds(text, b"x", site_id="1234") == [
        Kind.SPACES,
        Kind.DEEPLINK,
        Kind.CRC_OF_TEXT,
        Kind.SITE,
        Kind.HASH,
    ]
    with pytest.raises(MobileCodeError, match=r"spaces .*; a deeplink .*; the CRC is over"):
        read_code(text)


hostile = st.one_of(
    st.text(max_size=200),
    st.text(max_size=200).map(lambda text: DEEPLINK + text),
    st.text("0123456789" + LETTERS, min_size=70, max_size=90),
    st.builds(lambda text, times: text * times, st.text(min_size=1, max_size=4), st.just(250_000)),
)


@given(hostile, st.none() | st.binary(max_size=50))
def test_any_text_has_an_answer(text: str, content: bytes | None) -> None:
    mistakes = find_mistakes(text, content)
    assert all(len(mistake.text) < 500 for mistake in mistakes)
    if kinds(text):
        with pytest.raises(MobileCodeError):
            read_code(text)


def test_every_kind_is_of_its_own_name() -> None:
    assert [kind.value for kind in Kind] == [kind.name.lower() for kind in Kind]

"""The mistakes of a code that somebody else made: found, and named.

A phone that is given a wrong code says little or nothing, and a wrong hash shows only when the
signature is verified. So each mistake that programmers make has a name here, and a sentence.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from itertools import product
from string import hexdigits
from typing import Final
from zlib import crc32

from tunnel_gateway.errors import MobileCodeError
from tunnel_gateway.gost.crc32c import crc32c
from tunnel_gateway.gost.digest import ForeignDigest, digest, foreign_digest
from tunnel_gateway.phone.code import CODE_LENGTH, CRC_START, DEEPLINK, HASH_START, Code

# A longer content is a document. It is not tried as text in other letters or another encoding.
_MAX_TEXT: Final = 4096

_NUMBER: Final = re.compile(r"-?[0-9A-Fa-f]{1,8}")
_HEX_BYTES: Final = re.compile(rb"(?:[0-9A-Fa-f]{2})+")


class Kind(StrEnum):
    """The stable name of a mistake."""

    DEEPLINK = "deeplink"
    SPACES = "spaces"
    LENGTH = "length"
    CHARACTERS = "characters"
    HASH_CASE = "hash_case"
    CRC_CASE = "crc_case"
    CRC_UNPADDED = "crc_unpadded"
    CRC_SIGNED = "crc_signed"
    CRC_OF_TEXT = "crc_of_text"
    CRC_32C = "crc_32c"
    CRC_BYTE_ORDER = "crc_byte_order"
    CRC = "crc"
    SITE = "site"
    DOCUMENT = "document"
    TEST_PARAMETERS = "test_parameters"
    STREEBOG = "streebog"
    SHA_256 = "sha_256"
    HASH_BYTE_ORDER = "hash_byte_order"
    BASE64 = "base64"
    DECODED_HEX = "decoded_hex"
    LETTER_CASE = "letter_case"
    LINE_END = "line_end"
    UTF_16 = "utf_16"
    HASH = "hash"


@dataclass(frozen=True, slots=True)
class Mistake:
    """A mistake: its name, and a sentence that says what to change."""

    kind: Kind
    text: str


_TEXTS: Final = {
    Kind.DEEPLINK: f"a deeplink begins with {DEEPLINK} in these letters",
    Kind.SPACES: "there are spaces or line ends around the code: take them away",
    Kind.HASH_CASE: "the hash has upper-case letters: write it in lower case",
    Kind.CRC_CASE: "the CRC has upper-case letters: write it in lower case",
    Kind.CRC_UNPADDED: "the CRC has lost the zeros at its left: write it with 8 digits",
    Kind.CRC_SIGNED: "the CRC is a negative number: write its 32 bits without a sign",
    Kind.CRC_OF_TEXT: "the CRC is over the hexadecimal digits: compute it over the 38 bytes that"
    " the digits stand for",
    Kind.CRC_32C: "the CRC is a CRC-32C: take the usual CRC-32 of zip and Ethernet (IEEE 802.3)",
    Kind.CRC_BYTE_ORDER: "the bytes of the CRC are in the reverse order: write the highest first",
    Kind.TEST_PARAMETERS: "the hash is made with the S-box of the test parameters"
    " (id-GostR3411-94-TestParamSet): take id-GostR3411-94-CryptoProParamSet",
    Kind.STREEBOG: "the hash is GOST R 34.11-2012 (Streebog): take GOST R 34.11-94 with"
    " id-GostR3411-94-CryptoProParamSet",
    Kind.SHA_256: "the hash is SHA-256: take GOST R 34.11-94 with"
    " id-GostR3411-94-CryptoProParamSet",
    Kind.HASH_BYTE_ORDER: "the bytes of the hash are in the reverse order",
    Kind.BASE64: "the hash is over the Base64 of the content: compute it over the content itself",
    Kind.DECODED_HEX: "the hash is over the bytes that the challenge stands for: compute it over"
    " the challenge as text",
    Kind.LETTER_CASE: "the hash is over the text in other letters: do not change upper and lower"
    " case",
    Kind.LINE_END: "the hash is over the content with a line end more or less",
    Kind.UTF_16: "the hash is over the text as UTF-16: take its UTF-8",
    Kind.CRC: "the CRC is of other digits, or of another algorithm",
    Kind.HASH: "the hash is of another content, or of another algorithm",
}

_CHECKSUMS: Final[tuple[tuple[list[Kind], Callable[[bytes], int]], ...]] = (
    ([], crc32),
    ([Kind.CRC_32C], crc32c),
)
_DIGESTS: Final[tuple[tuple[tuple[Kind, ...], Callable[[bytes], bytes]], ...]] = (
    ((), digest),
    ((Kind.TEST_PARAMETERS,), lambda data: foreign_digest(ForeignDigest.TEST_PARAMETERS, data)),
    ((Kind.STREEBOG,), lambda data: foreign_digest(ForeignDigest.STREEBOG, data)),
    ((Kind.SHA_256,), lambda data: sha256(data).digest()),
)


def read_code(text: str) -> Code:
    """Return the code of a bare code or a deeplink; raises MobileCodeError with its mistakes."""
    mistakes = find_mistakes(text)
    if mistakes:
        raise MobileCodeError("; ".join(mistake.text for mistake in mistakes))
    return _split(text.removeprefix(DEEPLINK))


def find_mistakes(
    text: str,
    content: bytes | None = None,
    *,
    site_id: str | None = None,
    document_id: str | None = None,
) -> list[Mistake]:
    """Return what is wrong with a bare code or a deeplink, an empty list if it is right.

    ``content`` is the challenge as it is written, or the bytes of the document. Without it, the
    hash is not compared. The identifiers are compared if they are given, in any case of letters.
    """
    bare, mistakes = _bare(text)
    mistakes += _of_form(bare)
    if len(bare) != CODE_LENGTH or bare.lstrip(hexdigits):
        return mistakes
    right_crc = f"the right CRC is {_right_crc(bare):08x}"
    mistakes += [_named(kind, right_crc) for kind in _of_crc(bare)]
    code = _split(bare)
    for kind, name, is_there, wanted in (
        (Kind.SITE, "siteId", code.site_id, site_id),
        (Kind.DOCUMENT, "documentId", code.document_id, document_id),
    ):
        if wanted is not None and wanted.upper() != is_there.upper():
            mistakes.append(Mistake(kind, f"the {name} is {is_there} and not {wanted}"))
    if content is not None:
        right_hash = f"the right hash is {digest(content).hex()}"
        mistakes += [_named(kind, right_hash) for kind in _of_hash(code.hash, content)]
    return mistakes


def _named(kind: Kind, right: str = "") -> Mistake:
    return Mistake(kind, f"{_TEXTS[kind]}; {right}" if right else _TEXTS[kind])


def _split(bare: str) -> Code:
    return Code(bare[:4], bare[4:HASH_START], bytes.fromhex(bare[HASH_START:CRC_START]))


def _bare(text: str) -> tuple[str, list[Mistake]]:
    """Return the code without what may stand around it, and what is wrong with that."""
    mistakes = []
    stripped = text.strip()
    if stripped != text:
        mistakes.append(_named(Kind.SPACES))
    bare = stripped.removeprefix(DEEPLINK)
    if bare == stripped and ":" in bare:
        mistakes.append(_named(Kind.DEEPLINK))
        bare = bare.rpartition(":")[2].rpartition("=")[2]
    return bare, mistakes


def _of_form(bare: str) -> Iterator[Mistake]:
    if kind := _of_number(bare):
        yield _named(kind)
        return
    if rest := bare.lstrip(hexdigits):
        yield Mistake(
            Kind.CHARACTERS,
            f"character {len(bare) - len(rest) + 1} is {rest[0]!a}: all must be hexadecimal digits",
        )
    if len(bare) != CODE_LENGTH:
        yield Mistake(
            Kind.LENGTH,
            f"it has {len(bare)} characters and not {CODE_LENGTH}: siteId 4, documentId 8,"
            " hash 64, CRC 8",
        )
        return
    for kind, part in (
        (Kind.HASH_CASE, bare[HASH_START:CRC_START]),
        (Kind.CRC_CASE, bare[CRC_START:]),
    ):
        if not rest and part != part.lower():
            yield _named(kind)


def _of_number(bare: str) -> Kind | None:
    """Return why the CRC, which is the right number, is not written as its eight digits."""
    written = bare[CRC_START:]
    if bare[:CRC_START].lstrip(hexdigits) or not _NUMBER.fullmatch(written):
        return None
    if int(written, 16) % (1 << 32) != _right_crc(bare):
        return None
    if written.startswith("-"):
        return Kind.CRC_SIGNED
    return Kind.CRC_UNPADDED if len(bare) < CODE_LENGTH else None


def _right_crc(bare: str) -> int:
    return crc32(bytes.fromhex(bare[:CRC_START]))


def _of_crc(bare: str) -> list[Kind]:
    """Return the fewest mistakes that explain the CRC, an empty list if it is right."""
    digits, is_there = bare[:CRC_START], bytes.fromhex(bare[CRC_START:])
    data: list[tuple[list[Kind], bytes]] = [([], bytes.fromhex(digits))]
    data += [
        ([Kind.CRC_OF_TEXT], text.encode()) for text in (digits, digits.lower(), digits.upper())
    ]
    for (of, summed), (by, checksum), order in product(
        data, _CHECKSUMS, ([], [Kind.CRC_BYTE_ORDER])
    ):
        value = checksum(summed).to_bytes(4, "little" if order else "big")
        if value == is_there:
            return of + by + order
    return [Kind.CRC]


def _of_hash(is_there: bytes, content: bytes) -> list[Kind]:
    """Return the fewest mistakes that explain the hash, an empty list if it is right."""
    # Sorting keeps the order of those with as many: a mistake alone comes before two together.
    for (of, made), (by, hashed) in sorted(
        product(_forms(content), _DIGESTS), key=lambda tried: len(tried[0][0]) + len(tried[1][0])
    ):
        value = hashed(made)
        if value == is_there:
            return [*by, *of]
        if value[::-1] == is_there:
            return [*by, Kind.HASH_BYTE_ORDER, *of]
    return [Kind.HASH]


def _forms(content: bytes) -> Iterator[tuple[tuple[Kind, ...], bytes]]:
    """Yield the content, and what people hash instead of it."""
    yield (), content
    yield (Kind.BASE64,), b64encode(content)
    ends = {content + b"\n", content + b"\r\n", content.rstrip(b"\r\n")} - {content}
    yield from (((Kind.LINE_END,), made) for made in sorted(ends))
    if len(content) > _MAX_TEXT:
        return
    if _HEX_BYTES.fullmatch(content):
        yield (Kind.DECODED_HEX,), bytes.fromhex(content.decode())
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return
    cases = {text.lower().encode(), text.upper().encode()} - {content}
    yield from (((Kind.LETTER_CASE,), made) for made in sorted(cases))
    for encoding in ("utf-16-le", "utf-16-be"):
        yield (Kind.UTF_16,), text.encode(encoding)
        yield (Kind.UTF_16,), f"\ufeff{text}".encode(encoding)

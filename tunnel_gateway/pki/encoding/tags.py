"""ASN.1 tags: the first byte of a value in BER and DER (X.690, section 8.1.2).

A tag is class, form and number in one byte. Numbers above 30 take more bytes; no structure that is
read here has one.
"""

from __future__ import annotations

from typing import Final

BOOLEAN: Final = 0x01
INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
NULL: Final = 0x05
OBJECT_IDENTIFIER: Final = 0x06
ENUMERATED: Final = 0x0A
UTF8_STRING: Final = 0x0C
NUMERIC_STRING: Final = 0x12
PRINTABLE_STRING: Final = 0x13
TELETEX_STRING: Final = 0x14
IA5_STRING: Final = 0x16
UTC_TIME: Final = 0x17
GENERALIZED_TIME: Final = 0x18
VISIBLE_STRING: Final = 0x1A
UNIVERSAL_STRING: Final = 0x1C
BMP_STRING: Final = 0x1E
SEQUENCE: Final = 0x30
SET: Final = 0x31

# Parts of the byte: the class, the form, and the number that says that more bytes follow.
CLASS: Final = 0xC0
CONTEXT: Final = 0x80
CONSTRUCTED: Final = 0x20
LONG_NUMBER: Final = 0x1F


def context(number: int, *, constructed: bool = False) -> int:
    """Return the tag ``[number]`` of a structure; a constructed value has other values inside."""
    return CONTEXT | number | (CONSTRUCTED if constructed else 0)


def starts_sequence(data: bytes) -> bool:
    """Tell whether ``data`` starts like a SEQUENCE in DER, as nearly all files in DER do."""
    return data[:1] == bytes([SEQUENCE])

"""Tags against those that asn1crypto writes."""

from __future__ import annotations

import pytest
from asn1crypto import core

from tunnel_gateway.pki.encoding import tags

VALUES = {
    tags.BOOLEAN: core.Boolean(True),
    tags.INTEGER: core.Integer(1),
    tags.BIT_STRING: core.OctetBitString(b"a"),
    tags.OCTET_STRING: core.OctetString(b"a"),
    tags.OBJECT_IDENTIFIER: core.ObjectIdentifier("1.2.3"),
    tags.UTF8_STRING: core.UTF8String("a"),
    tags.NUMERIC_STRING: core.NumericString("1"),
    tags.PRINTABLE_STRING: core.PrintableString("a"),
    tags.TELETEX_STRING: core.TeletexString("a"),
    tags.IA5_STRING: core.IA5String("a"),
    tags.UTC_TIME: core.UTCTime("260101000000Z"),
    tags.GENERALIZED_TIME: core.GeneralizedTime("20260101000000Z"),
    tags.VISIBLE_STRING: core.VisibleString("a"),
    tags.UNIVERSAL_STRING: core.UniversalString("a"),
    tags.BMP_STRING: core.BMPString("a"),
    tags.SEQUENCE: core.SequenceOf([], spec=core.Integer),
    tags.SET: core.SetOf([], spec=core.Integer),
    tags.context(2): core.IA5String("a", implicit=2),
    tags.context(3, constructed=True): core.Integer(1, explicit=3),
}


@pytest.mark.parametrize("tag", VALUES)
def test_a_tag_is_the_first_byte_of_its_values(tag: int) -> None:
    assert VALUES[tag].dump()[0] == tag
    assert tag & tags.LONG_NUMBER != tags.LONG_NUMBER
    assert (tag & tags.CLASS == tags.CONTEXT) == (tag >= tags.context(0))


@pytest.mark.parametrize(
    ("data", "yes"), [(b"", False), (b"\x30", True), (b"\x30\x00", True), (b"0 text"[1:], False)]
)
def test_a_file_in_der_starts_with_a_sequence(data: bytes, yes: bool) -> None:
    assert tags.starts_sequence(data) == yes

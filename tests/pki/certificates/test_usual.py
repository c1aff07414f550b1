"""The reader of usual certificates never disagrees with the long way."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from asn1crypto import core, x509
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.pki import OFFICER, altered, authority, domain, extension, user
from tests.support.stamps import usual as usual_stamper
from tunnel_gateway.errors import CertificateUnsuitableError
from tunnel_gateway.gost.curves import CURVES
from tunnel_gateway.pki.certificates.certificate import Certificate, parse_certificate
from tunnel_gateway.pki.certificates.usual import usual_fields
from tunnel_gateway.pki.encoding import ber, tags
from tunnel_gateway.pki.encoding.oids import FAMILIES
from tunnel_gateway.pki.encoding.outline import Outline

USUAL = [
    *(user(family=family, curve=curve).leaf for family in FAMILIES for curve in CURVES),
    user(person=OFFICER).leaf,
    domain().leaf,
    authority().centre.leaf,
    authority().root.leaf,
    usual_stamper().leaf,
]
IDENTIFIERS = [
    "2.5.29.14",
    "2.5.29.15",
    "2.5.29.17",
    "2.5.29.19",
    "2.5.29.30",
    "2.5.29.31",
    "2.5.29.32",
    "2.5.29.33",
    "2.5.29.35",
    "2.5.29.36",
    "2.5.29.37",
    "2.5.29.54",
    "1.3.6.1.5.5.7.1.1",
    "1.2.3.4",
]


def the_long_way(data: bytes) -> Certificate | None:
    try:
        return Certificate.from_parsed(parse_certificate(data))
    except CertificateUnsuitableError:
        return None


def agrees(data: bytes) -> bool:
    """Tell whether ``data`` is usual; the test fails if the long way reads another certificate."""
    try:
        fields = usual_fields(Outline.read(data))
    except ValueError:
        return False
    if fields is None:
        return False
    certificate = the_long_way(data)
    assert certificate is not None
    assert {name: getattr(certificate, name) for name in fields} == fields
    assert Certificate.from_der(data) == certificate
    return True


@pytest.mark.parametrize("index", range(len(USUAL)))
def test_certificates_of_the_authority_are_usual(index: int) -> None:
    assert agrees(USUAL[index].der)


@settings(deadline=None, max_examples=80)
@given(st.data())
def test_a_flipped_byte(data: st.DataObject) -> None:
    flipped = bytearray(data.draw(st.sampled_from(USUAL)).der)
    flipped[data.draw(st.integers(0, len(flipped) - 1))] ^= data.draw(st.integers(1, 255))
    agrees(bytes(flipped))


def test_every_seventh_byte() -> None:
    """Most changes are in the names, the key and the signature, where all bytes are usual."""
    der = USUAL[6].der
    usual = 0
    for place in range(0, len(der), 7):
        flipped = bytearray(der)
        flipped[place] ^= 1 << (place % 8)
        usual += agrees(bytes(flipped))
    assert usual > 20


VALUES = st.recursive(
    st.builds(
        ber.write,
        st.sampled_from(
            [
                tags.BOOLEAN,
                tags.INTEGER,
                tags.BIT_STRING,
                tags.OCTET_STRING,
                tags.OBJECT_IDENTIFIER,
                *(tags.context(number) for number in range(10)),
            ]
        ),
        st.sampled_from(
            [b"", b"\0", b"\xff", b"\x01", b"\x07\x80", b"\0\x06", b"\x06\xc0", b"\x05\xa0"]
        )
        | st.sampled_from([b"\x2a\x03", b"\x55\x1d\x25\x00", b"\x2b\x06\x01\x05\x05\x07\x03\x02"])
        | st.sampled_from([b"example.uz", b"http://example.uz/a"])
        | st.binary(max_size=5),
    ),
    lambda inner: st.builds(
        ber.write,
        st.sampled_from(
            [tags.SEQUENCE, *(tags.context(number, constructed=True) for number in range(5))]
        ),
        st.lists(inner, max_size=3).map(b"".join),
    ),
    max_leaves=6,
)
PLAIN = USUAL[6]


def with_extension(oid: str, content: bytes, *, critical: bool) -> bytes:
    """A certificate in which this extension takes the place of its own, or is added."""
    body = x509.Certificate.load(PLAIN.der)["tbs_certificate"]
    kept = [one.dump() for one in body["extensions"] if one["extn_id"].dotted != oid]
    listed = core.Sequence(
        contents=b"".join([*kept, extension(oid, content, critical=critical).dump()])
    ).dump()
    return altered(PLAIN, extensions=ber.write(tags.context(3, constructed=True), listed))


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(IDENTIFIERS), VALUES, st.booleans())
@example("2.5.29.15", bytes.fromhex("030205a0"), False)
@example("2.5.29.15", bytes.fromhex("0303070080"), False)
@example("2.5.29.19", bytes.fromhex("30060101ff020100"), True)
@example("2.5.29.35", bytes.fromhex("30038001 01"), False)
def test_any_extension(oid: str, content: bytes, critical: bool) -> None:
    agrees(with_extension(oid, content, critical=critical))


@pytest.mark.parametrize(
    "change",
    [
        lambda: with_extension("2.5.29.36", bytes.fromhex("3003800100"), critical=True),
        lambda: with_extension("2.5.29.17", b"", critical=False),
        lambda: altered(PLAIN, version=b""),
        lambda: altered(PLAIN, extensions=b""),
    ],
)
def test_what_is_left_to_the_long_way(change: Callable[[], bytes]) -> None:
    assert not agrees(change())

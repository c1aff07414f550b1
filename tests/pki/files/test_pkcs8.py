"""Private keys in both forms, in the clear and encrypted."""

from __future__ import annotations

import contextlib
import os
from typing import Any

import pytest
from asn1crypto import core
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from tunnel_gateway.errors import InvalidKeyError, KeystoreError, WrongPasswordError
from tunnel_gateway.gost.curves import CRYPTOPRO_A, CURVES, Curve, PrivateKey
from tunnel_gateway.pki.encoding.oids import FAMILIES, FAMILY_2009, Family
from tunnel_gateway.pki.files import pkcs8

KEY = PrivateKey.generate(CRYPTOPRO_A, os.urandom)
SET_OID = core.ObjectIdentifier("1.2.860.3.15.1.1.2.1.1")
DIGEST_OID = core.ObjectIdentifier(FAMILY_2009.digest_oid)


def sequence(*parts: Any) -> bytes:
    """A SEQUENCE of the DER, or of what has a ``dump``, given."""
    dumped = (part if isinstance(part, bytes) else part.dump() for part in parts)
    return bytes(core.Sequence(contents=b"".join(dumped)).dump())


def info(parameters: Any, content: bytes, oid: str = FAMILY_2009.key_oid) -> bytes:
    return sequence(
        core.Integer(0),
        sequence(core.ObjectIdentifier(oid), parameters),
        core.OctetString(content),
    )


def sec1(number: bytes, version: int = 1, rest: bytes = b"") -> bytes:
    return sequence(core.Integer(version), core.OctetString(number), rest)


@pytest.mark.parametrize("family", FAMILIES, ids=str)
@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
def test_what_is_written_is_read(family: Family, curve: Curve) -> None:
    key = PrivateKey.generate(curve, os.urandom)
    again = pkcs8.decode(pkcs8.encode(key, family))
    assert again.curve is curve
    assert again.to_bytes() == key.to_bytes()


def test_the_form_of_e_imzo() -> None:
    assert pkcs8.encode(KEY, FAMILY_2009) == info(SET_OID, sec1(KEY.to_bytes()))


def test_sec1_with_the_optional_parts() -> None:
    parameters = b"\xa0\x0c" + SET_OID.dump()
    public = b"\xa1\x06\x03\x04\x00\x01\x02\x03"
    content = sec1(KEY.to_bytes(), rest=parameters + public)
    assert pkcs8.decode(info(SET_OID, content)).to_bytes() == KEY.to_bytes()


@pytest.mark.parametrize("number", [b"\x05", b"\x00" * 31 + b"\x05", b"\x00" * 32 + b"\x05"])
def test_sec1_with_more_or_fewer_zeros(number: bytes) -> None:
    assert pkcs8.decode(info(SET_OID, sec1(number))).to_bytes() == bytes(31) + b"\x05"


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("parts", [(SET_OID, DIGEST_OID), (SET_OID,)])
def test_the_gost_form(parts: tuple[core.ObjectIdentifier, ...], wrapped: bool) -> None:
    content = KEY.to_bytes()[::-1]
    if wrapped:
        content = core.OctetString(content).dump()
    assert pkcs8.decode(info(sequence(*parts), content)).to_bytes() == KEY.to_bytes()


def test_the_parameters_say_which_form_the_number_has() -> None:
    # These 32 bytes are a number in the GOST form, and would be an ECPrivateKey in the other.
    content = sec1(b"\x11" * 25)
    assert len(content) == 32
    assert pkcs8.decode(info(SET_OID, content)).to_bytes() == bytes(7) + b"\x11" * 25
    gost = pkcs8.decode(info(sequence(SET_OID), content[:-1] + b"\x01"))
    assert gost.to_bytes() == b"\x01" + content[-2::-1]


def test_attributes_are_passed_over() -> None:
    body = core.Sequence.load(pkcs8.encode(KEY, FAMILY_2009)).contents
    assert pkcs8.decode(sequence(body, b"\xa0\x00")).to_bytes() == KEY.to_bytes()


@pytest.mark.parametrize(
    ("der", "reason"),
    [
        (b"", "not a PKCS#8"),
        (b"\x05\x00", "not a PKCS#8"),
        (info(SET_OID, sec1(KEY.to_bytes())) + b"\x00", "not a PKCS#8"),
        (info(SET_OID, b"\x05\x00"), "not a PKCS#8"),
        (info(core.Null(), sec1(KEY.to_bytes())), "not a PKCS#8"),
        (info(SET_OID, sec1(KEY.to_bytes()), oid="1.2.840.10045.2.1"), "1.2.840.10045.2.1 is not"),
        (info(core.ObjectIdentifier("1.2.3"), sec1(b"\x05")), "parameter set 1.2.3 is not known"),
        (info(sequence(core.ObjectIdentifier("1.2.3")), bytes(32)), "1.2.3 is not known"),
        (info(SET_OID, sec1(KEY.to_bytes(), version=2)), "version 2"),
        (info(SET_OID, sec1(b"\x01" + bytes(32))), "not a PKCS#8"),
        (info(SET_OID, sec1(bytes(32))), "not a private key of the curve"),
        (info(SET_OID, sec1(b"\xff" * 32)), "not a private key of the curve"),
        (info(sequence(SET_OID), bytes(32)), "not a private key of the curve"),
        (info(sequence(SET_OID), core.OctetString(bytes(31)).dump()), "31 bytes"),
        (info(sequence(SET_OID), bytes(33)), "not a PKCS#8"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_private_key(der: bytes, reason: str) -> None:
    with pytest.raises(InvalidKeyError, match=reason):
        pkcs8.decode(der)


@given(st.binary(max_size=100))
def test_any_bytes(data: bytes) -> None:
    with pytest.raises(InvalidKeyError):
        pkcs8.decode(data)
    with pytest.raises(KeystoreError):
        pkcs8.decrypt(data, b"password")


@given(place=st.integers(0, 10_000), value=st.integers(0, 255))
def test_a_changed_byte_never_gives_another_error(place: int, value: int) -> None:
    der = bytearray(info(sequence(SET_OID, DIGEST_OID), KEY.to_bytes()[::-1]))
    der[place % len(der)] = value
    with contextlib.suppress(InvalidKeyError):
        pkcs8.decode(bytes(der))


def test_reasons_do_not_show_the_key() -> None:
    with pytest.raises(InvalidKeyError) as caught:
        pkcs8.decode(info(SET_OID, KEY.to_bytes()))
    assert KEY.to_bytes().hex() not in repr(caught.value)


def test_encryption_and_back() -> None:
    der = pkcs8.encode(KEY, FAMILY_2009)
    closed = pkcs8.encrypt(der, "parol’".encode(), os.urandom)
    assert KEY.to_bytes() not in closed
    assert pkcs8.decrypt(closed, "parol’".encode()) == der
    with pytest.raises(WrongPasswordError, match="password is wrong"):
        pkcs8.decrypt(closed, b"parol")
    with pytest.raises(KeystoreError, match="damaged"):
        pkcs8.decrypt(closed[:-1], b"parol")


def test_entropy_decides_the_bytes() -> None:
    one, two = (pkcs8.encrypt(b"x", b"p", bytes) for _ in range(2))
    assert one == two
    assert one != pkcs8.encrypt(b"x", b"p", lambda size: b"\x01" * size)


def test_other_software_opens_what_is_closed_here_and_the_other_way_round() -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    der = other.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    opened = serialization.load_der_private_key(
        pkcs8.encrypt(der, b"password", os.urandom), b"password"
    )
    assert isinstance(opened, ec.EllipticCurvePrivateKey)
    assert opened.private_numbers() == other.private_numbers()

    closed = other.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"password"),
    )
    assert pkcs8.decrypt(closed, b"password") == der


def test_a_key_is_small() -> None:
    with pytest.raises(InvalidKeyError, match="a private key of 16385 bytes; 16384 is the limit"):
        pkcs8.decode(bytes(16385))
    with pytest.raises(KeystoreError, match="an encrypted key of 16385 bytes; 16384 is the limit"):
        pkcs8.decrypt(bytes(16385), b"p")

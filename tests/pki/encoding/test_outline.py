"""Where the parts of a certificate lie, and that it costs little to find out."""

from __future__ import annotations

import pytest
from asn1crypto import x509
from hypothesis import given
from hypothesis import strategies as st

from tests.support.pki import altered, authority, domain, user
from tunnel_gateway.pki.encoding.ber import write
from tunnel_gateway.pki.encoding.outline import MAX_CERTIFICATE_SIZE, Outline

EVERYBODY = [authority().root.leaf, authority().centre.leaf, user().leaf, domain().leaf]


@pytest.mark.parametrize("which", range(len(EVERYBODY)))
def test_the_parts_are_those_that_a_whole_reader_finds(which: int) -> None:
    whole = EVERYBODY[which].der
    outline, parsed = Outline.read(whole), x509.Certificate.load(whole)
    assert outline.body == parsed["tbs_certificate"].dump()
    assert outline.serial == parsed.serial_number
    assert outline.issuer == parsed.issuer.dump()
    assert outline.subject == parsed.subject.dump()
    assert outline.key == parsed.public_key.dump()
    assert outline.algorithm == parsed["signature_algorithm"].dump()
    assert outline.signature == parsed.signature


def test_an_old_version_has_the_same_parts() -> None:
    changed = altered(user().leaf, version=b"", extensions=b"")
    assert Outline.read(changed).subject == Outline.read(user().leaf.der).subject


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "another type"),
        (b"\x30\x00", "built like a certificate"),
        (b"\x30\x80\x00\x00", "not DER"),
        (b"\x30\x81\x05", "not DER"),
        (user().leaf.der + b"\x00", "more than 1 values"),
        (user().leaf.der[:-1], "breaks off"),
        (write(0x30, b"\x05\x00\x05\x00\x05\x00"), "built like a certificate"),
        (bytes(MAX_CERTIFICATE_SIZE + 1), "is the limit"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_built_like_one(data: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Outline.read(data)


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        Outline.read(data)


def test_the_signature_is_whole_bytes() -> None:
    """Nobody signs the count of unused bits: with another one it would be the same certificate."""
    whole = bytearray(EVERYBODY[2].der)
    assert whole[-65] == 0
    for unused in range(1, 256):
        whole[-65] = unused
        with pytest.raises(ValueError, match="whole bytes"):
            Outline.read(bytes(whole))

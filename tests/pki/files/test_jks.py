"""Java's old keystores: what is read, and every reason to refuse one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.keystores import PASSWORD, jks, jks_entry
from tests.support.pki import authority, stranger
from tunnel_gateway.errors import KeystoreError, WrongPasswordError
from tunnel_gateway.pki.files.jks import MAX_ENTRIES, is_java_keystore, read_certificates

ROOT = authority().root.leaf
OTHER = stranger().root.leaf
ENTRY = jks_entry(ROOT)


def test_what_it_holds() -> None:
    data = jks(ENTRY, jks_entry(OTHER))
    assert is_java_keystore(data)
    assert read_certificates(data, PASSWORD) == [ROOT.der, OTHER.der]
    assert read_certificates(jks(), PASSWORD) == []


def test_version_1_does_not_name_the_form() -> None:
    data = jks(jks_entry(ROOT, form=None), version=1)
    assert read_certificates(data, PASSWORD) == [ROOT.der]


def test_it_is_not_read_without_its_password() -> None:
    with pytest.raises(WrongPasswordError, match="only with its password, and none is configured"):
        read_certificates(jks(ENTRY), None)
    with pytest.raises(WrongPasswordError, match="the password is wrong, or the keystore was"):
        read_certificates(jks(ENTRY), b"boshqa")


def test_it_is_read_unchecked_if_that_is_wanted() -> None:
    assert read_certificates(jks(ENTRY), None, unchecked=True) == [ROOT.der]
    with pytest.raises(WrongPasswordError, match="the password is wrong"):
        read_certificates(jks(ENTRY), b"boshqa", unchecked=True)
    with pytest.raises(KeystoreError, match="damaged"):
        read_certificates(jks(ENTRY)[:-30], None, unchecked=True)


def test_a_changed_certificate() -> None:
    data = jks(ENTRY).replace(ROOT.der, OTHER.der[: len(ROOT.der)].ljust(len(ROOT.der)))
    with pytest.raises(WrongPasswordError, match="changed"):
        read_certificates(data, PASSWORD)


def test_every_cut_is_seen() -> None:
    data = jks(ENTRY)
    for size in range(len(data)):
        with pytest.raises(KeystoreError, match="damaged"):
            read_certificates(data[:size], PASSWORD)
    with pytest.raises(KeystoreError, match="damaged"):
        read_certificates(data + b"\x00", PASSWORD)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (jks(ENTRY, version=3), "not JKS of version 1 or 2; convert it: keytool"),
        (jks(ENTRY, magic=b"\xce\xce\xce\xce"), "not JKS of version 1 or 2; convert it: keytool"),
        (jks(count=MAX_ENTRIES + 1), "1025 entries in a Java keystore; 1024 is the limit"),
        (jks(ENTRY, count=2**32 - 1), "4294967295 entries"),
        (jks(ENTRY, count=2), "damaged"),
        (jks(ENTRY, count=0), "damaged"),
        (jks(jks_entry(ROOT, kind=1)), "it holds a private key"),
        (jks(jks_entry(ROOT, kind=3)), "an entry of the unknown kind 3"),
        (jks(jks_entry(ROOT, form=b"PGP")), "of the form 'PGP', not X.509"),
        (jks(jks_entry(ROOT, form=b"\xff")), "damaged"),
        (jks(jks_entry(ROOT, more=1)), "damaged"),
        (jks(jks_entry(ROOT, more=-1)), "damaged"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(KeystoreError, match=reason):
        read_certificates(data, PASSWORD)


@given(place=st.integers(0, 10_000), value=st.integers(0, 255))
def test_a_changed_byte_is_seen(place: int, value: int) -> None:
    data = bytearray(jks(ENTRY))
    place %= len(data)
    if data[place] == value:
        value ^= 1
    data[place] = value
    with pytest.raises(KeystoreError):
        read_certificates(bytes(data), PASSWORD)

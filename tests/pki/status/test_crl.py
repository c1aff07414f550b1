"""Revocation lists: what they say, who signed them, and which are of no use."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import Any

import pytest
from asn1crypto import crl, x509
from hypothesis import given
from hypothesis import strategies as st

from tests.support.paths import make
from tests.support.pki import NOW, authority, stranger, user
from tests.support.revocation import HOUR, make_list, places
from tunnel_gateway.errors import RevocationDataError
from tunnel_gateway.pki.encoding import pem
from tunnel_gateway.pki.listing import issue_list
from tunnel_gateway.pki.status.crl import MAX_LIST_SIZE, ProvenList, RevocationList

URL = "http://127.0.0.1/centre.crl"


def proven(*revoked: int) -> ProvenList:
    return RevocationList(make_list(authority().centre, *revoked, at=NOW)).proven_by(
        authority().centre.leaf
    )


def with_extension(kind: str, value: Any, *, critical: bool = True) -> bytes:
    extension = crl.TBSCertListExtension(
        {"extn_id": kind, "critical": critical, "extn_value": value}
    )
    return issue_list(
        authority().centre,
        {},
        this_update=NOW - HOUR,
        next_update=NOW + HOUR,
        entropy=os.urandom,
        extensions=[extension],
    )


@given(st.sets(st.integers(1, 2**159 - 1), max_size=50), st.integers(1, 2**159 - 1))
def test_every_entry_is_found_and_nothing_else(serials: set[int], other: int) -> None:
    content = RevocationList(make_list(authority().centre, *serials, at=NOW))
    assert len(content) == len(serials)
    for serial in serials:
        said = content.revoked(serial)
        assert said is not None
        assert said.text.startswith("on 2026-03-01 10:00:00 UTC")
    assert (content.revoked(other) is not None) == (other in serials)


def test_pem_and_der_are_the_same() -> None:
    der = make_list(authority().centre, 5, at=NOW)
    assert RevocationList(pem.armour("X509 CRL", der)).revoked(5)
    with pytest.raises(RevocationDataError):
        RevocationList(pem.armour("CERTIFICATE", der))


def test_times() -> None:
    content = proven().content
    content.check_current(NOW)
    with pytest.raises(RevocationDataError, match="future"):
        content.check_current(NOW - 2 * HOUR)
    with pytest.raises(RevocationDataError, match="expired"):
        content.check_current(NOW + 2 * HOUR)


def test_who_signed_it() -> None:
    data = make_list(authority().centre, at=NOW)
    assert proven().issuer == authority().centre.leaf.authority
    with pytest.raises(RevocationDataError, match="another issuer"):
        RevocationList(data).proven_by(authority().root.leaf)
    with pytest.raises(RevocationDataError, match="does not verify"):
        RevocationList(data).proven_by(stranger().centre.leaf)
    mute = make(authority().root, "Mute", key_usage=frozenset({"keyCertSign"}))
    with pytest.raises(RevocationDataError, match="no cRLSign"):
        RevocationList(make_list(mute, at=NOW)).proven_by(mute.leaf)


def test_a_signature_of_another_kind() -> None:
    data = make_list(authority().centre, at=NOW)
    oid = x509.Certificate.load(authority().centre.leaf.der)["signature_algorithm"]["algorithm"]
    other = oid.dump()[:-1] + b"\x09"
    with pytest.raises(RevocationDataError, match="signature algorithm"):
        RevocationList(data.replace(oid.dump(), other)).proven_by(authority().centre.leaf)


@pytest.mark.parametrize(
    ("reason", "kind", "value"),
    [
        ("delta", "delta_crl_indicator", 1),
        ("not known", "1.2.3.4", b"\x05\x00"),
        ("indirect", "issuing_distribution_point", {"indirect_crl": True}),
        ("some reasons", "issuing_distribution_point", {"only_some_reasons": {"key_compromise"}}),
        ("attributes", "issuing_distribution_point", {"only_contains_attribute_certs": True}),
    ],
)
def test_lists_that_cannot_be_used(reason: str, kind: str, value: Any) -> None:
    with pytest.raises(RevocationDataError, match=reason):
        RevocationList(with_extension(kind, value))


def test_whom_a_list_covers() -> None:
    someone, centre = user().leaf, authority().centre.leaf
    everyone = proven().content
    assert everyone.covers(someone)
    assert everyone.covers(centre)
    users = RevocationList(
        with_extension("issuing_distribution_point", {"only_contains_user_certs": True})
    )
    assert (users.covers(someone), users.covers(centre)) == (True, False)
    centres = RevocationList(
        with_extension("issuing_distribution_point", {"only_contains_ca_certs": True})
    )
    assert (centres.covers(someone), centres.covers(centre)) == (False, True)
    name = x509.GeneralName(name="uniform_resource_identifier", value=URL)
    place = x509.DistributionPointName(name="full_name", value=[name])
    one = RevocationList(
        with_extension("issuing_distribution_point", {"distribution_point": place})
    )
    assert not one.covers(someone)
    assert one.covers(user(extensions=places(crl=URL)).leaf)
    assert not one.covers(user(extensions=places(crl=URL + "2")).leaf)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is empty"),
        (b"\r\n", "it is empty"),
        (b"<html>", "a web page"),
        (b" <!DOCTYPE html>", "a web page"),
        (b"\x30\x03\x02\x01\x01", ""),
        (bytes(100), "neither DER nor PEM"),
        (b"salom", "neither DER nor PEM"),
        (pem.armour("CERTIFICATE", b"a"), "no list"),
        (pem.armour("X509 CRL", b"a") * 2, "2 lists in one PEM text"),
        (pem.armour("X509 CRL", b"a")[:-9], "line 3"),
    ],
)
def test_garbage(data: bytes, reason: str) -> None:
    with pytest.raises(RevocationDataError, match=f"not a revocation list.*{reason}"):
        RevocationList(data)


def test_oversize() -> None:
    with pytest.raises(RevocationDataError, match="limit"):
        RevocationList(bytes(MAX_LIST_SIZE + 1))


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_flipped_byte_is_refused(place: int, mask: int) -> None:
    data = bytearray(make_list(authority().centre, 5, at=NOW))
    data[place % len(data)] ^= mask
    try:
        found = RevocationList(bytes(data)).proven_by(authority().centre.leaf)
    except RevocationDataError:
        return
    assert found.content.revoked(5)


def test_a_list_without_an_end() -> None:
    listed = crl.CertificateList.load(make_list(authority().centre, at=NOW))
    del listed["tbs_cert_list"]["next_update"]
    with pytest.raises(RevocationDataError, match="nextUpdate"):
        RevocationList(listed.dump(force=True))


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not there to ask")
def test_openssl_reads_the_same() -> None:
    """An independent reader of the lists that the development authority writes."""
    data = make_list(authority().centre, 0x1234ABCD, at=NOW)
    command = ["openssl", "crl", "-inform", "DER", "-noout", "-text"]
    text = subprocess.run(command, input=data, capture_output=True, check=True).stdout.decode()
    assert "Serial Number: 1234ABCD" in text
    assert "Next Update: Mar  1 13:00:00 2026 GMT" in text
    assert "Development Centre" in text

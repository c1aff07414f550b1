"""Which certificates are tried as the issuer of another: every one that may be it."""

from __future__ import annotations

from itertools import permutations

import pytest
from asn1crypto import x509

from tests.support.paths import certified_again, find, make, refused, without_identifiers
from tests.support.pki import NOW, altered, authority, stranger, user
from tunnel_gateway.errors import (
    CertificateExpiredError,
    CertificateUnsuitableError,
    CertificateUntrustedError,
)
from tunnel_gateway.pki.authority import CENTRE, ROOT, USER
from tunnel_gateway.pki.certificates.certificate import Certificate

ROOT_ID, CENTRE_ID = authority().root, authority().centre
LEAF = user().leaf
EXPIRED = certified_again(ROOT_ID, days=(-400, -1))
NOT_YET = certified_again(ROOT_ID, days=(1, 400))
SUCCESSOR = certified_again(ROOT_ID, days=(-1, 400))
SAME_SERIAL = certified_again(ROOT_ID, days=(-400, -1), serial=ROOT_ID.leaf.serial)


@pytest.mark.parametrize("order", list(permutations([EXPIRED, NOT_YET, SUCCESSOR])))
def test_a_root_and_its_successors_of_one_name_and_key(order: tuple[Certificate, ...]) -> None:
    found = find([LEAF, CENTRE_ID.leaf], order)
    assert found == (LEAF.der, CENTRE_ID.leaf.der, SUCCESSOR.der)


@pytest.mark.parametrize("twin", [EXPIRED, NOT_YET, SAME_SERIAL])
def test_a_twin_without_the_right_one_is_refused_for_its_dates(twin: Certificate) -> None:
    refused(
        CertificateExpiredError,
        f"{twin.serial_hex} .*(expired|until)",
        [LEAF, CENTRE_ID.leaf],
        anchors=[twin],
    )
    assert find([LEAF, CENTRE_ID.leaf], [twin, ROOT_ID.leaf])[-1] == ROOT_ID.leaf.der


def test_many_twins_cost_no_more_than_one() -> None:
    """The one that counts is tried first, wherever it stands in the truststore."""
    old = [certified_again(ROOT_ID, days=(-400, -number)) for number in range(1, 30)]
    assert find([LEAF, CENTRE_ID.leaf], [*old, SUCCESSOR])[-1] == SUCCESSOR.der


def test_centres_as_anchors() -> None:
    old = certified_again(CENTRE_ID, ROOT_ID, days=(-400, -1))
    new = certified_again(CENTRE_ID, ROOT_ID, days=(-1, 400))
    for anchors in ([old, new], [new, old]):
        assert find([LEAF], anchors) == (LEAF.der, new.der)


@pytest.mark.parametrize("same_serial", [False, True])
def test_a_twin_beside_the_right_centre_in_the_chain(same_serial: bool) -> None:
    serial = CENTRE_ID.leaf.serial if same_serial else 0
    for days in ((-400, -1), (1, 400)):
        twin = certified_again(CENTRE_ID, ROOT_ID, days=days, serial=serial)
        for shown in ([twin, CENTRE_ID.leaf], [CENTRE_ID.leaf, twin]):
            found = find([LEAF, *shown])
            assert found == (LEAF.der, CENTRE_ID.leaf.der, ROOT_ID.leaf.der)


def test_an_anchor_whose_twin_is_shown() -> None:
    """The old centre is trusted by itself and has expired; the new one leads to the root."""
    old = certified_again(CENTRE_ID, ROOT_ID, days=(-400, -1))
    found = find([LEAF, CENTRE_ID.leaf], [old, ROOT_ID.leaf])
    assert found == (LEAF.der, CENTRE_ID.leaf.der, ROOT_ID.leaf.der)
    refused(CertificateExpiredError, "expired", [LEAF, CENTRE_ID.leaf], anchors=[old])


def test_a_twin_that_is_shown_gives_an_anchor_no_more_time() -> None:
    """Anyone has the name and key of an anchor; what counts is the one that is trusted."""
    refused(
        CertificateExpiredError,
        f"{EXPIRED.serial_hex} .* expired",
        [LEAF, CENTRE_ID.leaf, SUCCESSOR],
        anchors=[EXPIRED],
    )


def test_roots_of_one_name_with_different_keys() -> None:
    root = make(None, "R", ROOT)
    namesake = make(None, "R", ROOT)
    centre_id = make(root, "C", CENTRE)
    leaf, centre = make(centre_id, "L", USER).leaf, centre_id.leaf
    for anchors in ([root.leaf, namesake.leaf], [namesake.leaf, root.leaf]):
        assert find([leaf, centre], anchors)[-1] == root.leaf.der
    nameless = [without_identifiers(one.leaf) for one in (namesake, root)]
    assert find([leaf, centre], nameless)[-1] == nameless[1].der


def _naming(key: bytes | None, serial: int) -> Certificate:
    """The centre, whose authorityKeyIdentifier names a key, and the root by a serial number."""
    name = x509.GeneralNames([x509.GeneralName("directory_name", _root_name())])
    fields = {"authority_cert_issuer": name, "authority_cert_serial_number": serial}
    value = x509.AuthorityKeyIdentifier(fields | ({"key_identifier": key} if key else {}))
    body = x509.Certificate.load(CENTRE_ID.leaf.der)["tbs_certificate"]
    kept = [
        one.dump()
        for one in body["extensions"]
        if one["extn_id"].native != "authority_key_identifier"
    ]
    added = x509.Extension({"extn_id": "authority_key_identifier", "extn_value": value}).dump()
    wrapped = x509.Extensions(explicit=3, contents=b"".join([*kept, added])).dump()
    return Certificate.from_der(altered(CENTRE_ID.leaf, ROOT_ID, extensions=wrapped))


def _root_name() -> x509.Name:
    return x509.Certificate.load(ROOT_ID.leaf.der).subject


def _root_key() -> bytes:
    found: bytes = x509.Certificate.load(ROOT_ID.leaf.der).key_identifier
    return found


@pytest.mark.parametrize("with_key", [True, False])
def test_the_serial_number_in_a_key_identifier_is_a_hint(with_key: bool) -> None:
    """The root was certified anew, and its centre still names the serial number of the old one."""
    centre = _naming(_root_key() if with_key else None, 77)
    assert find([LEAF, centre]) == (LEAF.der, centre.der, ROOT_ID.leaf.der)
    # The same one level below, where the issuer is in the chain.
    above = make(ROOT_ID, "Above", CENTRE, path_length=None)
    again = certified_again(above, ROOT_ID, days=(-1, 400))
    assert find([make(above, "L", USER).leaf, again])[1] == again.der


def test_of_twins_the_one_that_is_named_is_tried_first() -> None:
    centre = _naming(_root_key(), SUCCESSOR.serial)
    assert find([LEAF, centre], [ROOT_ID.leaf, SUCCESSOR])[-1] == SUCCESSOR.der
    assert find([LEAF, centre], [SUCCESSOR, ROOT_ID.leaf])[-1] == SUCCESSOR.der


def test_another_key_is_said_to_be_another_key() -> None:
    """The root of that name is there: nobody is told that it is missing."""
    centre = _naming(b"\x01\x02\x03\x04", ROOT_ID.leaf.serial)
    refused(
        CertificateUntrustedError,
        f"{centre.serial_hex} .* was made with the key 01020304 .* has the key {_root_key().hex()}",
        [LEAF, centre],
    )


def test_a_root_that_is_shown_and_not_trusted_is_named() -> None:
    other = make(None, "Another Root", ROOT).leaf
    refused(
        CertificateUntrustedError,
        f"the chain ends at certificate {ROOT_ID.leaf.serial_hex} .* not in the truststore",
        [LEAF, ROOT_ID.leaf, CENTRE_ID.leaf],
        anchors=[other],
    )


def test_a_twin_of_an_anchor_is_no_leaf() -> None:
    refused(CertificateUnsuitableError, "the name and the key of one", [SUCCESSOR])


def test_a_namesake_with_another_key_stays_out() -> None:
    refused(CertificateUntrustedError, "no path", [user(stranger()).leaf, stranger().centre.leaf])


def test_the_test_data_is_what_it_says() -> None:
    assert {EXPIRED.key_id, SUCCESSOR.key_id} == {ROOT_ID.leaf.key_id}
    assert EXPIRED.not_after < NOW < NOT_YET.not_before
    assert SAME_SERIAL.serial == ROOT_ID.leaf.serial

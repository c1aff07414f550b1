"""What lists and answers together say of a path."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.pki.certificates.test_names import name
from tests.support.paths import certified_again
from tests.support.pki import NOW, altered, authority, user
from tests.support.revocation import HOUR, make_list
from tunnel_gateway.errors import CertificateRevokedError
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.certificates.names import attributes
from tunnel_gateway.pki.encoding.outline import Outline
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.pki.status import revocation_store as module
from tunnel_gateway.pki.status.crl import RevocationList
from tunnel_gateway.pki.status.ocsp import Answer
from tunnel_gateway.pki.status.revocation_store import RevocationStore, links
from tunnel_gateway.pki.status.revoked_info import RevokedInfo

SOMEONE = user().leaf
HOLD = RevokedInfo(NOW - 2 * HOUR, "certificateHold")
PATH = (SOMEONE, authority().centre.leaf, authority().root.leaf)


def add(store: RevocationStore, issuer: Identity, *revoked: int, age: timedelta = HOUR) -> None:
    times = {"this_update": NOW - age, "next_update": NOW - age + 2 * HOUR}
    listed = RevocationList(make_list(issuer, *revoked, at=NOW, **times))
    store.add_list(listed.proven_by(issuer.leaf))


def answer(revoked: RevokedInfo | None = None, age: timedelta = HOUR) -> Answer:
    issuer = authority().centre.leaf.authority
    return Answer(issuer, SOMEONE.serial, revoked, NOW - age, NOW - age + 2 * HOUR, None)


def test_every_link_below_the_anchor_is_asked_about() -> None:
    store = RevocationStore()
    leaf, centre = links(PATH)
    assert store.unknown(PATH, NOW) == (leaf, centre)
    add(store, authority().centre)
    assert store.unknown(PATH, NOW) == (centre,)
    add(store, authority().root)
    assert store.unknown(PATH, NOW) == ()
    assert store.unknown(PATH, NOW + 2 * HOUR) == (leaf, centre)
    assert store.has_list(leaf, NOW)
    assert not store.has_list(leaf, NOW + 2 * HOUR)


@pytest.mark.parametrize("place", [0, 1], ids=["the user", "the centre"])
def test_one_revoked_certificate_is_enough(place: int) -> None:
    store = RevocationStore()
    add(store, (authority().centre, authority().root)[place], PATH[place].serial)
    with pytest.raises(CertificateRevokedError, match=f"{PATH[place].serial:x} .* was revoked on"):
        store.unknown(PATH, NOW)


def test_a_revocation_counts_when_what_told_it_has_expired() -> None:
    store = RevocationStore()
    add(store, authority().centre, SOMEONE.serial)
    with pytest.raises(CertificateRevokedError):
        store.unknown(PATH, NOW + 5 * HOUR)


def test_an_older_list_does_not_replace_a_newer_one() -> None:
    store = RevocationStore()
    add(store, authority().centre, SOMEONE.serial)
    add(store, authority().centre, age=HOUR + timedelta(minutes=1))
    with pytest.raises(CertificateRevokedError):
        store.unknown(PATH, NOW)
    add(store, authority().centre, age=timedelta(minutes=1))  # no longer on hold
    store.unknown(PATH, NOW)


def test_answers() -> None:
    store = RevocationStore()
    leaf = links(PATH)[0]
    store.add_answer(answer())
    assert store.knows(leaf, NOW)
    assert not store.knows(leaf, NOW + 2 * HOUR)
    store.add_answer(answer(HOLD, age=timedelta(minutes=1)))
    store.add_answer(answer())
    with pytest.raises(
        CertificateRevokedError, match=r"on 2026-03-01 10:00:00 UTC .*certificateHold"
    ):
        store.knows(leaf, NOW)


def test_an_answer_of_a_revoked_responder_does_not_count() -> None:
    store = RevocationStore()
    add(store, authority().centre, 77)
    store.add_answer(replace(answer(HOLD), responder=77))
    assert store.knows(links(PATH)[0], NOW)


def test_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ANSWERS", 1)
    monkeypatch.setattr(module, "MAX_LISTS_SIZE", 400)
    store = RevocationStore()
    leaf, centre = links(PATH)
    store.add_answer(answer())
    store.add_answer(replace(answer(), serial=1))
    assert not store.knows(leaf, NOW)
    add(store, authority().root)
    add(store, authority().centre)
    assert store.knows(leaf, NOW)
    assert not store.knows(centre, NOW)


def test_what_one_certificate_of_a_centre_signed_counts_for_its_twins() -> None:
    """A revoked user cannot show another certificate of his centre and be unknown again."""
    centre, root = authority().centre, authority().root
    twin = certified_again(centre, root, days=(-1, 400))
    spelt = Certificate.from_der(altered(centre.leaf, root, subject=_wide(centre.leaf)))
    assert spelt.subject.casefold() != centre.leaf.subject.casefold()
    store = RevocationStore()
    add(store, centre, SOMEONE.serial)
    for issuer in (centre.leaf, twin, spelt):
        with pytest.raises(CertificateRevokedError):
            store.unknown((SOMEONE, issuer, root.leaf), NOW)
    (first, _) = links((SOMEONE, twin, root.leaf))
    assert store.has_list(first, NOW)


def _wide(certificate: Certificate) -> bytes:
    """The subject with its first letter in full width, which RFC 5280 takes for the same name."""
    pairs = [(one.oid, one.text or "") for one in attributes(Outline.read(certificate.der).subject)]
    (oid, first), *others = pairs
    wide = chr(ord(first[0]) - ord("!") + ord("\uff01")) + first[1:]
    return name((oid, wide), *others)

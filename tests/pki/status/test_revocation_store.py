"""What lists and answers together say of a path."""

from __future__ import annotations

import functools
import os
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from asn1crypto import core, crl
from hypothesis import given
from hypothesis import strategies as st

from tests.pki.certificates.test_names import name
from tests.support.paths import certified_again
from tests.support.pki import NOW, altered, authority, user
from tests.support.revocation import HOUR, entry, make_list, with_entries
from tunnel_gateway.errors import CertificateRevokedError
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.certificates.names import attributes
from tunnel_gateway.pki.encoding import ber, tags
from tunnel_gateway.pki.encoding.outline import Outline
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.pki.listing import issue_list
from tunnel_gateway.pki.status import revocation_store as module
from tunnel_gateway.pki.status.crl import CLOCK_SKEW, ProvenList, RevocationList
from tunnel_gateway.pki.status.ocsp import Answer
from tunnel_gateway.pki.status.revocation_store import RevocationStore, links
from tunnel_gateway.pki.status.revoked_info import RevokedInfo
from tunnel_gateway.pki.status.standing import UNKNOWN, Knowledge, Standing

SOMEONE = user().leaf
WHOLE = bytes(100)
NUMBERS = {"certificateHold": 6, "keyCompromise": 1}
REASON = b"\x06\x03\x55\x1d\x15"
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
    store.add_answer(answer(), WHOLE)
    assert store.knows(leaf, NOW)
    assert not store.knows(leaf, NOW + 2 * HOUR)
    store.add_answer(answer(HOLD, age=timedelta(minutes=1)), WHOLE)
    store.add_answer(answer(), WHOLE)
    with pytest.raises(
        CertificateRevokedError, match=r"on 2026-03-01 10:00:00 UTC .*certificateHold"
    ):
        store.knows(leaf, NOW)


def test_an_answer_of_a_revoked_responder_does_not_count() -> None:
    store = RevocationStore()
    add(store, authority().centre, 77)
    store.add_answer(replace(answer(HOLD), responder=77), WHOLE)
    assert store.knows(links(PATH)[0], NOW)


@pytest.mark.parametrize("said", [None, HOLD], ids=["good", "revoked"])
def test_a_kept_answer_counts_no_longer_when_its_responder_is_revoked(
    said: RevokedInfo | None,
) -> None:
    store = RevocationStore()
    store.keep_whole_answers(len(WHOLE))
    leaf = links(PATH)[0]
    store.add_answer(replace(answer(said), responder=77), WHOLE)
    add(store, authority().centre, 78)
    before = store.standing(leaf, NOW)
    assert before.knowledge is (Knowledge.GOOD if said is None else Knowledge.REVOKED)
    assert before.answer == WHOLE
    add(store, authority().centre, 77, 78)
    after = store.standing(leaf, NOW)
    assert (after.knowledge, after.answer) == (Knowledge.GOOD, None)  # as the list says
    assert store.standing(leaf, NOW + 2 * HOUR) == UNKNOWN  # the list has ended


def test_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ANSWERS", 1)
    monkeypatch.setattr(module, "MAX_LISTS_SIZE", 400)
    store = RevocationStore()
    leaf, centre = links(PATH)
    store.add_answer(answer(), WHOLE)
    store.add_answer(replace(answer(), serial=1), WHOLE)
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


def standing(store: RevocationStore, now: datetime = NOW) -> Standing:
    return store.standing(links(PATH)[0], now)


def test_a_standing_has_the_facts_and_the_whole_answer() -> None:
    store = RevocationStore()
    assert standing(store) == UNKNOWN
    store.keep_whole_answers(1000)
    store.add_answer(answer(), b"good")
    facts: dict[str, Any] = {"updated_at": NOW - HOUR, "next_update_at": NOW + HOUR}
    assert standing(store) == Standing(Knowledge.GOOD, answer=b"good", **facts)
    assert standing(store, NOW + 2 * HOUR) == UNKNOWN
    store.add_answer(answer(HOLD), b"revoked")
    assert standing(store, NOW + 9 * HOUR) == Standing(
        Knowledge.REVOKED, NOW - 2 * HOUR, "certificateHold", b"revoked", **facts
    )
    add(store, authority().centre, age=HOUR / 2)
    assert standing(store) == Standing(
        Knowledge.GOOD, updated_at=NOW - HOUR / 2, next_update_at=NOW + 1.5 * HOUR
    )


def test_an_answer_decides_before_a_newer_list_that_says_the_same() -> None:
    store = RevocationStore()
    store.keep_whole_answers(1000)
    store.add_answer(answer(), WHOLE)
    add(store, authority().centre, age=HOUR / 2)
    assert standing(store).answer == WHOLE


@pytest.mark.parametrize("reason", ["certificateHold", "keyCompromise", None])
@pytest.mark.parametrize("newer", ["list", "answer"])
def test_only_a_hold_is_lifted_by_newer_data_of_the_other_kind(
    reason: str | None, newer: str
) -> None:
    store = RevocationStore()
    revoked = RevokedInfo(NOW - 2 * HOUR, reason)
    if newer == "list":
        store.add_answer(answer(revoked), WHOLE)
        add(store, authority().centre, age=HOUR / 2)
    else:
        code = NUMBERS.get(reason or "", 0)
        store.add_list(_listed(code, NOW - HOUR))
        store.add_answer(answer(age=HOUR / 2), WHOLE)
    lifted = reason == "certificateHold"
    assert standing(store).knowledge is (Knowledge.GOOD if lifted else Knowledge.REVOKED)
    # What lifted it is not current any more, and what placed it still counts.
    assert standing(store, NOW + 9 * HOUR).knowledge is Knowledge.REVOKED


@functools.cache
def _listed(reason: int | None, this_update: datetime) -> ProvenList:
    """A list that is good for two hours; without a ``reason`` nobody is on it."""
    number = SOMEONE.serial.to_bytes(SOMEONE.serial.bit_length() // 8 + 1, "big")
    content = REASON + ber.write(tags.OCTET_STRING, bytes([10, 1, reason or 0]))
    more = ber.write(tags.SEQUENCE, ber.write(tags.SEQUENCE, content))
    entries = [] if reason is None else [entry(number, more=more)]
    data = with_entries(authority().centre, *entries, at=this_update + HOUR)
    return RevocationList(data).proven_by(authority().centre.leaf)


def test_whole_answers_are_bounded_by_their_bytes() -> None:
    store = RevocationStore()
    store.add_answer(answer(), WHOLE)
    assert standing(store).knowledge is Knowledge.GOOD
    assert standing(store).answer is None
    store.keep_whole_answers(250)
    store.add_answer(answer(), WHOLE)
    store.add_answer(answer(), WHOLE)
    store.add_answer(replace(answer(), serial=1), WHOLE)
    assert standing(store).answer == WHOLE
    store.add_answer(replace(answer(), serial=2), WHOLE)
    assert standing(store).answer is None
    assert (len(store._whole), store._whole_size) == (2, 200)
    store.keep_whole_answers(0)
    assert (len(store._whole), store._whole_size) == (0, 0)


def test_a_list_says_nothing_good_of_a_certificate_that_expired_before_it() -> None:
    """Centres take expired certificates off their lists, unless the list says they stay."""
    old = certified_again(user(), authority().centre, days=(-400, -30))
    link = links((old, *PATH[1:]))[0]
    store = RevocationStore()
    add(store, authority().centre)
    assert store.standing(link, NOW) == UNKNOWN
    assert not store.has_list(link, NOW)
    kept = RevocationList(_keeping_expired(NOW - timedelta(days=31)))
    store.add_list(kept.proven_by(authority().centre.leaf))
    assert store.standing(link, NOW).knowledge is Knowledge.GOOD
    add(store, authority().centre, old.serial, age=HOUR / 2)
    assert store.standing(link, NOW).knowledge is Knowledge.REVOKED


def _keeping_expired(since: datetime) -> bytes:
    value = core.ParsableOctetString(core.GeneralizedTime(since).dump())
    extension = crl.TBSCertListExtension({"extn_id": "2.5.29.60", "extn_value": value})
    return issue_list(
        authority().centre,
        {},
        this_update=NOW - HOUR,
        next_update=NOW + HOUR,
        entropy=os.urandom,
        extensions=[extension],
    )


SAID = st.tuples(
    st.sampled_from(["list", "answer"]),
    st.integers(-9, 0).map(lambda tens: timedelta(minutes=10 * tens)),
    st.sampled_from([None, "certificateHold", "keyCompromise"]),
)


@given(st.lists(SAID, max_size=6), st.integers(-60, 300))
def test_what_is_said_last_counts(said: list[tuple[str, timedelta, str | None]], at: int) -> None:
    """The newest of each kind counts; "good" only while it is current, and never by itself."""
    store, now = RevocationStore(), NOW + timedelta(minutes=at)
    newest: dict[str, tuple[timedelta, str | None]] = {}
    for kind, age, reason in said:
        revoked = reason and RevokedInfo(NOW - 2 * HOUR, reason)
        if kind == "answer":
            store.add_answer(answer(revoked or None, age=-age), WHOLE)
        else:
            listed = _listed(None if reason is None else NUMBERS[reason], NOW + age)
            store.add_list(listed)
        if kind not in newest or newest[kind][0] <= age:
            newest[kind] = age, reason
    found = standing(store, now).knowledge
    reasons = {reason for _, reason in newest.values()}
    current = {
        kind
        for kind, (age, reason) in newest.items()
        if reason is None and -CLOCK_SKEW <= now - (NOW + age) <= 2 * HOUR + CLOCK_SKEW
    }
    if "keyCompromise" in reasons:
        assert found is Knowledge.REVOKED
    elif "certificateHold" in reasons:
        lifted = any(
            newest[kind][0] > age
            for kind in current
            for age, reason in newest.values()
            if reason is not None
        )
        assert found is (Knowledge.GOOD if lifted else Knowledge.REVOKED)
    else:
        assert found is (Knowledge.GOOD if current else Knowledge.UNKNOWN)

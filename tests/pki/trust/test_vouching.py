"""Who vouches for a chain is known before anything of it is decoded, at a bounded cost."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from asn1crypto import core, x509

from tests.support.paths import Counting, certified_again, make
from tests.support.pki import NOW, altered, authority, ders, extension, stranger, user
from tests.support.strangers import hostile_chains
from tunnel_gateway.errors import (
    CertificateError,
    CertificateUnsuitableError,
    CertificateUntrustedError,
)
from tunnel_gateway.pki.authority import CENTRE, ROOT, USER
from tunnel_gateway.pki.certificates import names
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.encoding import der
from tunnel_gateway.pki.trust.paths import MAX_SIGNATURE_CHECKS
from tunnel_gateway.pki.trust.validation import ChainValidator
from tunnel_gateway.pki.trust.vouching import KnownCentres

HOSTILE = hostile_chains()
# Eight outlines of eleven values, a hundred attributes of four, and once more those of a label.
MAX_VALUES = 800
MAX_OBJECTS = 120


def vouched(
    chain: list[bytes], *anchors: Certificate, counting: Counting | None = None
) -> list[bytes]:
    known = KnownCentres(anchors or [authority().root.leaf], counting or Counting())
    return known.vouched(chain)


class Work:
    """Counts what reading costs: values that are split, and objects of asn1crypto."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done: Counter[str] = Counter()
        split, build = der.values, core._build

        def values(data: bytes, limit: int) -> list[der.Value]:
            found = split(data, limit)
            self.done["values"] += len(found)
            return found

        def built(*args: Any, **kwargs: Any) -> Any:
            self.done["objects"] += 1
            return build(*args, **kwargs)

        monkeypatch.setattr(der, "values", values)
        monkeypatch.setattr(core, "_build", built)


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_a_stranger_makes_is_refused_unread(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    validator, counting = ChainValidator([authority().root.leaf]), Counting()
    work = Work(monkeypatch)
    with pytest.raises(CertificateError):
        validator.verify_client(HOSTILE[kind], NOW)
    assert work.done["values"] <= MAX_VALUES
    assert work.done["objects"] <= MAX_OBJECTS
    with pytest.raises(CertificateError):
        vouched(HOSTILE[kind], counting=counting)
    assert counting.checks <= MAX_SIGNATURE_CHECKS


@pytest.mark.parametrize("kind", HOSTILE)
def test_few_letters_of_a_strangers_names_are_compared(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = KnownCentres([authority().root.leaf], Counting())
    compared: list[bytes] = []
    resemblance = names.resemblance

    def compare(name: bytes) -> object:
        compared.append(name)
        return resemblance(name)

    monkeypatch.setattr(names, "resemblance", compare)
    with pytest.raises(CertificateError):
        known.vouched(HOSTILE[kind])
    assert sum(map(len, compared)) <= 2048


def test_who_is_no_centre_vouches_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or whoever has a certificate could make others that cost what they like."""
    owner = user()
    made = make(owner, "Made", USER)
    chain = ders(made)
    counting = Counting()
    with pytest.raises(CertificateUnsuitableError, match="is not a CA certificate") as caught:
        vouched(chain, counting=counting)
    assert f"{owner.leaf.serial:x}" in str(caught.value)
    assert counting.checks == 2  # the centre's and the owner's
    work = Work(monkeypatch)
    with pytest.raises(CertificateUnsuitableError, match="is not a CA certificate"):
        ChainValidator([authority().root.leaf]).verify_client(chain, NOW)
    assert work.done["objects"] <= MAX_OBJECTS


def test_a_root_and_its_successor_of_one_key_take_one_check() -> None:
    root = authority().root
    successor = certified_again(root, days=(-1, 1000))
    chain = [altered(user().leaf, issuer=_subject(root.leaf))]
    counting = Counting()
    with pytest.raises(CertificateUntrustedError):
        vouched(chain, root.leaf, successor, counting=counting)
    assert counting.checks == 1


def _subject(certificate: Certificate) -> bytes:
    return bytes(x509.Certificate.load(certificate.der).subject.dump())


def test_the_counters_count(monkeypatch: pytest.MonkeyPatch) -> None:
    work = Work(monkeypatch)
    # A certificate that binds policies is left to the library.
    binding = extension("2.5.29.54", b"\x02\x01\x00", critical=True)
    chain = ders(user(extensions=(binding,)))
    ChainValidator([authority().root.leaf]).verify_client(chain, NOW)
    assert work.done["objects"] > MAX_OBJECTS
    assert work.done["values"] > 0


def test_the_leaf_and_its_centres_are_vouched_for() -> None:
    chain = ders(user())
    assert vouched(chain) == chain
    assert vouched(chain, authority().centre.leaf) == chain
    assert vouched(chain[:1], authority().centre.leaf) == chain[:1]


def test_a_long_chain_in_any_order_takes_a_check_for_each() -> None:
    issuer = make(None, "R", ROOT, path_length=None)
    anchor = issuer.leaf
    for number in range(7):
        issuer = make(issuer, f"C{number}", ROOT, path_length=None)
    chain = ders(make(issuer, "L", USER))[:8]
    for order in (chain, [chain[0], *reversed(chain[1:])]):
        counting = Counting()
        assert vouched(order, anchor, counting=counting) == order
        assert counting.checks == 8


def test_what_leads_nowhere_is_left_out() -> None:
    leaf, centre = ders(user())
    foreign = stranger().centre.leaf.der  # its name is that of the right centre
    junk = altered(user().leaf, extensions=b"\xa3\x02\x05\x00")
    assert vouched([leaf, foreign, junk, centre]) == [leaf, centre]
    accepted = ChainValidator([authority().root.leaf]).verify_client(
        [leaf, foreign, junk, centre], NOW
    )
    assert [one.der for one in accepted.path[:2]] == [leaf, centre]


def test_a_centre_that_writes_its_issuer_otherwise() -> None:
    """PrintableString and capitals where the root has UTF8String: one name to RFC 5280."""
    root, centre = authority().root, authority().centre.leaf
    name = x509.Certificate.load(root.leaf.der).subject.dump()
    other = name.replace(b"\x0c\x10Development", b"\x13\x10DEVELOPMENT")
    assert other != name
    chain = [user().leaf.der, altered(centre, root, issuer=other)]
    assert vouched(chain) == chain
    assert ChainValidator([root.leaf]).verify_client(chain, NOW)


def test_all_keys_of_a_name_are_tried_within_the_bound() -> None:
    namesakes = [make(None, "Same", ROOT) for _ in range(MAX_SIGNATURE_CHECKS + 1)]
    anchors = [one.leaf for one in namesakes]
    last = make(namesakes[MAX_SIGNATURE_CHECKS - 1], "A user", USER)
    assert vouched(ders(last)[:1], *anchors) == ders(last)[:1]
    beyond = make(namesakes[-1], "A user", USER)
    with pytest.raises(CertificateUntrustedError, match="too many ways"):
        vouched(ders(beyond)[:1], *anchors)


def test_an_anchor_needs_nobody() -> None:
    centre = authority().centre.leaf
    assert vouched([centre.der], centre) == [centre.der]


@pytest.mark.parametrize(
    ("chain", "reason"),
    [
        (ders(user())[:1], "no path leads from certificate .*: its issuer is neither"),
        (
            ders(make(make(make(None, "R", ROOT), "C", CENTRE), "L", USER))[:2],
            r"no path leads from .* by <CN=C> to .*: the issuer of certificate .* by <CN=R> is",
        ),
        (
            [*ders(make(make(None, "R", ROOT), "L", USER))[:1], make(None, "R", ROOT).leaf.der],
            "the chain ends at certificate .* issued by <CN=R>, which is not in the truststore",
        ),
        (
            ders(user(stranger())),
            "issued by <CN=Development Root,.*> was made with the key [0-9a-f]+ ",
        ),
        (
            [altered(user().leaf), authority().centre.leaf.der],
            "signature of certificate .* issued by <CN=Development Centre,.*> does not verify",
        ),
    ],
    ids=[
        "no issuer",
        "no issuer of its issuer",
        "a root that is not trusted",
        "another key",
        "altered",
    ],
)
def test_the_refusal_says_what_is_missing(chain: list[bytes], reason: str) -> None:
    with pytest.raises(CertificateUntrustedError, match=reason):
        vouched(chain)

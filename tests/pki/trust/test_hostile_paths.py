"""What the search for a path costs when the certificates were made to be searched in vain."""

from __future__ import annotations

import functools
import time

import pytest

from tests.support.paths import Counting, find, make, refused, without_identifiers
from tests.support.pki import authority
from tunnel_gateway.errors import CertificateUntrustedError
from tunnel_gateway.pki.authority import ROOT, USER
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.pki.trust.paths import MAX_SIGNATURE_CHECKS

ROOT_LEAF = authority().root.leaf


def namesakes(count: int, under: Identity | None) -> list[Identity]:
    """Certificates that all carry one name, so each may have issued any other."""
    return [make(under, "Same", ROOT, path_length=None) for _ in range(count)]


@functools.cache
def hostile_chains() -> dict[str, tuple[list[Certificate], list[Certificate]]]:
    """Chains of eight and the anchors to check them against."""
    anchor = make(None, "Same", ROOT, path_length=None)
    loops = [one.leaf for one in namesakes(8, None)]
    signed = [one.leaf for one in namesakes(8, anchor)]
    crossed: list[Certificate] = []
    previous = anchor
    for _ in range(8):
        previous = make(previous, "Same", ROOT, path_length=None)
        crossed.insert(0, previous.leaf)
    nameless = [without_identifiers(one) for one in loops]
    anchors = [make(None, "Same", ROOT, path_length=None).leaf for _ in range(20)]
    return {
        "no anchor": (loops, [ROOT_LEAF]),
        "an anchor of the name": (loops, [anchor.leaf]),
        "all under the anchor": (signed, [anchor.leaf]),
        "one under the other": (crossed, [anchor.leaf]),
        "without identifiers": (nameless, [anchor.leaf]),
        "without identifiers or anchor": (nameless, [ROOT_LEAF]),
        "many anchors": (nameless, anchors),
    }


@pytest.mark.parametrize(
    "kind",
    [
        "no anchor",
        "an anchor of the name",
        "all under the anchor",
        "one under the other",
        "without identifiers",
        "without identifiers or anchor",
        "many anchors",
    ],
)
def test_a_hostile_chain_costs_a_bounded_number_of_checks(kind: str) -> None:
    chain, anchors = hostile_chains()[kind]
    counting = Counting()
    start = time.process_time()
    try:
        find(chain, anchors, signatures=counting)
    except CertificateUntrustedError:
        assert kind not in {"all under the anchor", "one under the other"}
    assert counting.checks <= MAX_SIGNATURE_CHECKS
    # Unbounded, the search takes 13,700 steps here, and minutes. Generous for a busy machine.
    assert time.process_time() - start < 2


def test_the_bounds_are_named_when_they_are_met() -> None:
    chain, anchors = hostile_chains()["without identifiers or anchor"]
    refused(CertificateUntrustedError, "too many ways", chain, anchors=anchors)
    chain, anchors = hostile_chains()["many anchors"]
    refused(CertificateUntrustedError, "too many ways", chain, anchors=anchors)


def test_the_longest_chain_is_within_the_bounds() -> None:
    identity = make(None, "R", ROOT, path_length=None)
    anchor = identity.leaf
    for number in range(7):
        identity = make(identity, f"C{number}", ROOT, path_length=None)
    counting = Counting()
    leaf = make(identity, "L", USER)
    assert len(find(leaf.chain[:8], [anchor], signatures=counting)) == 9
    assert counting.checks == 8

"""What a validator remembers of the chains that it accepted."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from tests.support.paths import find, make
from tests.support.pki import DAY, NOW, authority, ders, domain, stranger, user
from tunnel_gateway.errors import (
    CertificateError,
    CertificateExpiredError,
    CertificateUnsuitableError,
    CertificateUntrustedError,
)
from tunnel_gateway.gost import signature
from tunnel_gateway.pki.authority import CENTRE, USER
from tunnel_gateway.pki.trust import paths
from tunnel_gateway.pki.trust.paths import GostSignatureValidator
from tunnel_gateway.pki.trust.validation import ChainValidator


@pytest.fixture
def validator() -> ChainValidator:
    return ChainValidator([authority().root.leaf])


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts how often a path was really searched for: one number each."""
    counted: list[int] = []

    short_way = ChainValidator._short_way

    def counting(*args: Any) -> Any:
        counted.append(len(counted))
        return short_way(*args)

    # It is tried for every chain whose leaf a known centre vouches for.
    monkeypatch.setattr(ChainValidator, "_short_way", counting)
    return counted


@pytest.fixture
def operations(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts the operations with public keys: one number each."""
    counted: list[int] = []
    verify = signature.verify

    def counting(*args: Any) -> None:
        counted.append(len(counted))
        verify(*args)

    monkeypatch.setattr(signature, "verify", counting)
    return counted


def test_a_new_user_costs_his_own_signature_only(
    validator: ChainValidator, operations: list[int]
) -> None:
    """The centre's signature under the root is verified once for all its users."""
    chains = [ders(user()) for _ in range(6)]
    operations.clear()
    counts = []
    for chain in (*chains, *chains):
        validator.verify_client(chain, NOW)
        counts.append(len(operations))
    assert counts == [2, 3, 4, 5, 6, 7, *[7] * 6]


def test_a_chain_that_was_forgotten_costs_no_operation(operations: list[int]) -> None:
    validator = ChainValidator([authority().root.leaf], cache_size=1)
    one, two = ders(user()), ders(user())
    operations.clear()
    for chain in (one, two, one, two):
        assert validator.verify_client(chain, NOW).leaf.der == chain[0]
    assert len(operations) == 3


def test_links_that_are_remembered_are_bounded(
    monkeypatch: pytest.MonkeyPatch, operations: list[int]
) -> None:
    """The centre's link stays, for every user uses it; those of users come and go."""
    monkeypatch.setattr(paths, "VERIFIED_LINKS", 2)
    validator = ChainValidator([authority().root.leaf], cache_size=0)
    one, two, three = (ders(user()) for _ in range(3))
    operations.clear()
    for chain in (one, two, three, one):
        validator.verify_client(chain, NOW)
    assert len(operations) == 5
    assert len(validator._signatures._verified) == 2


def test_a_wrong_signature_is_never_remembered(
    validator: ChainValidator, operations: list[int]
) -> None:
    leaf, centre = ders(user())
    forged = leaf[:-1] + bytes([leaf[-1] ^ 1])
    validator.verify_client([leaf, centre], NOW)
    operations.clear()
    for _ in range(3):
        with pytest.raises(CertificateUntrustedError):
            validator.verify_client([forged, centre], NOW)
    assert len(operations) == 3


def test_a_link_is_of_one_key() -> None:
    """A right signature of another centre with the same name is not right for this one."""
    signatures = GostSignatureValidator()
    own, other = (make(authority().root, "C", CENTRE) for _ in range(2))
    leaf = make(own, "L", USER).leaf
    assert find([leaf, own.leaf], signatures=signatures)
    with pytest.raises(CertificateUntrustedError):
        find([leaf, other.leaf], signatures=signatures)


def test_the_certificates_of_centres_are_shared(validator: ChainValidator) -> None:
    one, two = (validator.verify_client(ders(user()), NOW) for _ in range(2))
    assert all(mine is yours for mine, yours in zip(one.path[1:], two.path[1:], strict=True))


def test_a_returning_user_costs_no_second_validation(
    validator: ChainValidator, searches: list[int]
) -> None:
    chain = ders(user())
    first = validator.verify_client(chain, NOW)
    assert validator.verify_client(chain, NOW + DAY) is first
    assert len(searches) == 1


@pytest.mark.parametrize("shift", [timedelta(seconds=1), timedelta(days=1000)])
def test_it_ends_when_the_path_does(
    validator: ChainValidator, searches: list[int], shift: timedelta
) -> None:
    identity = user(not_after=NOW + DAY)
    validator.verify_client(ders(identity), NOW)
    assert validator.verify_client(ders(identity), NOW + DAY)
    assert len(searches) == 1
    with pytest.raises(CertificateExpiredError, match="expired on"):
        validator.verify_client(ders(identity), NOW + DAY + shift)


def test_it_does_not_count_before_the_path_does(validator: ChainValidator) -> None:
    identity = user(not_before=NOW - DAY)
    validator.verify_client(ders(identity), NOW)
    with pytest.raises(CertificateExpiredError, match="is not valid until"):
        validator.verify_client(ders(identity), NOW - 2 * DAY)
    assert validator.verify_client(ders(identity), NOW), "a wrong clock does no lasting harm"


def test_it_is_of_one_purpose_and_domain(validator: ChainValidator, searches: list[int]) -> None:
    identity = domain(dns_names=["example.uz", "api.example.uz"])
    chain = ders(identity)
    peers = {
        id(validator.verify_server(chain, NOW, "example.uz")),
        id(validator.verify_server(chain, NOW, "api.example.uz")),
        id(validator.verify_client(chain, NOW)),
    }
    assert len(peers) == len(searches) == 3
    with pytest.raises(CertificateUnsuitableError):
        validator.verify_server(chain, NOW, "other.uz")
    # Domain and chain do not run together into another domain's digest.
    with pytest.raises(CertificateUnsuitableError):
        validator.verify_server([b"uz" + chain[0], *chain[1:]], NOW, "example.")


def test_a_refusal_is_not_remembered_as_an_acceptance(
    validator: ChainValidator, searches: list[int]
) -> None:
    chain = ders(user(extended_key_usage=frozenset({"emailProtection"})))
    for _ in range(2):
        with pytest.raises(CertificateUnsuitableError):
            validator.verify_client(chain, NOW)
    assert len(searches) == 2


def test_every_certificate_of_the_chain_counts(
    validator: ChainValidator, searches: list[int]
) -> None:
    chain = ders(user())
    validator.verify_client(chain, NOW)
    with pytest.raises(CertificateUntrustedError):
        validator.verify_client(chain[:1], NOW)
    with pytest.raises(CertificateError):
        validator.verify_client([chain[0][:-1] + bytes([chain[0][-1] ^ 1]), chain[1]], NOW)
    # The two others were refused before a path was searched for: nobody vouches for their leaf.
    assert len(searches) == 1


def test_the_least_recently_used_is_forgotten(searches: list[int]) -> None:
    validator = ChainValidator([authority().root.leaf], cache_size=2)
    one, two, three = (ders(user()) for _ in range(3))
    for chain in (one, two, one, three):
        validator.verify_client(chain, NOW)
    assert len(searches) == 3
    validator.verify_client(one, NOW)
    validator.verify_client(three, NOW)
    assert len(searches) == 3
    validator.verify_client(two, NOW)
    assert len(searches) == 4


def test_a_memory_of_nothing(searches: list[int]) -> None:
    validator = ChainValidator([authority().root.leaf], cache_size=0)
    chain = ders(user())
    for _ in range(2):
        assert validator.verify_client(chain, NOW)
    assert len(searches) == 2


def test_many_threads(searches: list[int]) -> None:
    validator = ChainValidator([authority().root.leaf], cache_size=3)
    chains = [ders(user()) for _ in range(6)]
    bad = ders(user(stranger()))
    start = threading.Barrier(4)

    def work(seed: int) -> int:
        start.wait(timeout=30)
        accepted = 0
        for turn in range(20):
            chain = chains[(seed + turn) % len(chains)]
            accepted += validator.verify_client(chain, NOW).leaf.der == chain[0]
            with pytest.raises(CertificateUntrustedError):
                validator.verify_client(bad, NOW)
        return accepted

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(4))) == [20] * 4

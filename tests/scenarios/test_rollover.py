"""A root and its successor of the same name and key, and a centre certified anew: both let in.

The truststore is the same file for the gateway, which checks the user, and for the user's side,
which checks the domain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.credentials import NOW, Credentials
from tests.support.paths import certified_again
from tests.support.processes import Agent, Gateway
from tunnel_gateway.pki.certificates.certificate import Certificate, to_pem


@pytest.fixture
def own(tmp_path: Path) -> Credentials:
    """Credentials whose truststore a test may change."""
    return Credentials(tmp_path / "own")


@contextmanager
def _gateway(own: Credentials, folder: Path, destinations: Mapping[str, int]) -> Iterator[Gateway]:
    running = Gateway(own, folder, destinations)
    yield running
    assert running.stop() == 0
    running.check_log()


def _twins(own: Credentials) -> dict[str, Certificate]:
    return {
        name: certified_again(own.authority.root, days=days, at=NOW)
        for name, days in {"expired": (-99, -1), "not yet": (9, 99), "now": (-9, 99)}.items()
    }


@pytest.mark.parametrize(
    "order", [("expired", "now"), ("not yet", "now"), ("now", "expired"), ("expired", "not yet")]
)
def test_a_root_and_its_successor(
    own: Credentials, tmp_path: Path, destinations: dict[str, int], order: tuple[str, str]
) -> None:
    twins = _twins(own)
    own.truststore.write_bytes(to_pem([twins[name] for name in order]))
    with _gateway(own, tmp_path, destinations) as gateway:
        agent = Agent(own, gateway.port)
        if "now" in order:
            assert agent.address()
            agent.stop()
        else:
            assert "expired" in agent.failure()


def test_centres_as_anchors(own: Credentials, tmp_path: Path, destinations: dict[str, int]) -> None:
    root, centre = own.authority.root, own.authority.centre
    old = certified_again(centre, root, days=(-99, -1), at=NOW)
    own.truststore.write_bytes(to_pem([old, centre.leaf]))
    with _gateway(own, tmp_path, destinations) as gateway:
        agent = Agent(own, gateway.port)
        assert agent.address()
        agent.stop()


def test_chains_that_show_the_old_centre_too(
    own: Credentials, tmp_path: Path, destinations: dict[str, int]
) -> None:
    """As a PFX does that was made when both were in use; the truststore has the root alone."""
    old = certified_again(own.authority.centre, own.authority.root, days=(-99, -1), at=NOW)
    for holder in (own.example, own.citizen):
        leaf, *above = holder.identity.chain
        holder.chain.write_bytes(to_pem([leaf, old, *above]))
    with _gateway(own, tmp_path, destinations) as gateway:
        agent = Agent(own, gateway.port)
        assert agent.address()
        agent.stop()

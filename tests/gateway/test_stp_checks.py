"""What E-IMZO will take, as `check` says it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.support.pki import DAY, NOW, authority, domain
from tunnel_gateway.daemon.findings import Finding
from tunnel_gateway.gateway.stp_checks import check_stp
from tunnel_gateway.gost.curves import CRYPTOPRO_A, CRYPTOPRO_C
from tunnel_gateway.pki.encoding.oids import FAMILY_2024
from tunnel_gateway.pki.files.keyfiles import Identity

NAME = "example.uz"


def findings(*keys: Identity, **changes: Any) -> list[Finding]:
    made = authority()
    arguments: dict[str, Any] = {"intermediates": [made.centre.leaf], "now": NOW}
    # The centre of the tests stands for the vendor's root: it issues to the domains.
    arguments |= {"anchors": [made.root.leaf], "root": made.centre.leaf.fingerprint} | changes
    return list(check_stp({NAME: keys}, **arguments))


def test_all_is_well() -> None:
    found = findings(domain(curve=CRYPTOPRO_A), domain(curve=CRYPTOPRO_C))
    assert [finding.status for finding in found] == ["ok"] * 3
    assert found[1].text == "E-IMZO will take it for users with keys on CryptoPro-C"
    assert "the users of 1 centres can come" in found[2].text


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (domain(family=FAMILY_2024), "does not know the identifiers"),
        (domain(dns_names=["*.uz", "Example.uz", "www.example.uz"]), "in these very letters"),
        (domain(not_after=NOW - DAY), "not within its dates"),
        (domain(not_before=NOW + timedelta(days=1)), "not within its dates"),
    ],
)
def test_what_will_be_refused(key: Identity, reason: str) -> None:
    first, *_ = findings(key)
    assert first.status == "warning"
    assert reason in first.text


def test_another_root() -> None:
    first, *_ = findings(domain(), root="5f" * 32)
    assert "not directly by E-IMZO Tunnel Root CA with the SHA-256 5f5f" in first.text


def test_curves_without_a_key_and_roots_alone() -> None:
    _, curve, users = findings(domain(curve=CRYPTOPRO_A), intermediates=[])
    assert (curve.status, users.status) == ("warning", "warning")
    assert "users with ID cards on CryptoPro-C" in curve.text
    assert "example.uz.c.pfx" in curve.text
    assert "only roots are known" in users.text

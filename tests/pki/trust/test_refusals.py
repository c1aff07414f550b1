"""What the operator is told: which certificate, why, and what to change."""

from __future__ import annotations

import pytest

from tunnel_gateway.errors import CertificateUntrustedError
from tunnel_gateway.pki.trust import refusals

LEAF, CENTRE = "certificate 1 issued by CN=C", "certificate 2 issued by CN=R"


@pytest.mark.parametrize(
    ("refusal", "parts"),
    [
        (
            refusals.no_issuer(LEAF, LEAF),
            [f"from {LEAF} ", "its issuer is neither", "add a centre"],
        ),
        (refusals.no_issuer(LEAF, CENTRE), [f"the issuer of {CENTRE} is neither"]),
        (refusals.unknown_root(LEAF, CENTRE), [f"ends at {CENTRE}", "add it there"]),
        (
            refusals.another_key(LEAF, CENTRE, b"\x01", b"\x02"),
            [f"{CENTRE} was made with the key 01", "has the key 02", "add the issuer's"],
        ),
        (refusals.wrong_signature(CENTRE), [f"the signature of {CENTRE} does not verify"]),
        (refusals.too_many_ways(), ["in too many ways", "each once"]),
    ],
    ids=lambda value: "" if isinstance(value, list) else str(value)[:30],
)
def test_what_is_said(refusal: CertificateUntrustedError, parts: list[str]) -> None:
    assert all(part in str(refusal) for part in parts)
    assert refusal.code == "certificate_untrusted"

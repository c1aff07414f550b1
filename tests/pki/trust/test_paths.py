"""The search for a path: what is found, what is refused, and what a hostile chain can cost."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from asn1crypto import core, x509
from cryptography.exceptions import InvalidSignature

from tests.support.paths import Counting, find, make, refused, without_identifiers
from tests.support.pki import DAY, NOW, altered, authority, domain, extension, stranger, user
from tunnel_gateway.errors import (
    CertificateExpiredError,
    CertificateUnsuitableError,
    CertificateUntrustedError,
)
from tunnel_gateway.pki.authority import CENTRE, POLICY_PREFIX, ROOT, USER
from tunnel_gateway.pki.certificates.certificate import Certificate, parse_certificate
from tunnel_gateway.pki.trust.paths import (
    GostSignatureValidator,
    _run,
    make_anchor,
)

ROOT_LEAF, CENTRE_LEAF = authority().root.leaf, authority().centre.leaf
LEAF = user().leaf
FULL_PATH = (LEAF.der, CENTRE_LEAF.der, ROOT_LEAF.der)


def test_a_path_is_leaf_first_and_anchor_last() -> None:
    counting = Counting()
    assert find([LEAF, CENTRE_LEAF], signatures=counting) == FULL_PATH
    assert counting.checks == 2, "an anchor's own signature proves nothing"


@pytest.mark.parametrize(
    "others",
    [
        [CENTRE_LEAF, ROOT_LEAF],
        [ROOT_LEAF, CENTRE_LEAF],
        [domain().leaf, CENTRE_LEAF],
        [CENTRE_LEAF, CENTRE_LEAF, LEAF],
        [stranger().centre.leaf, CENTRE_LEAF, stranger().root.leaf],
    ],
    ids=["the root too", "out of order", "one that has no part", "twice", "namesakes"],
)
def test_other_certificates_in_the_chain_do_no_harm(others: list[Certificate]) -> None:
    assert find([LEAF, *others]) == FULL_PATH


def test_the_issuer_may_be_an_anchor_itself() -> None:
    assert find([LEAF], [CENTRE_LEAF]) == (LEAF.der, CENTRE_LEAF.der)
    assert find([LEAF, CENTRE_LEAF], [CENTRE_LEAF, ROOT_LEAF]) == (LEAF.der, CENTRE_LEAF.der)


def test_many_anchors_of_which_one_fits() -> None:
    others = [make(None, f"Root {number}", ROOT).leaf for number in range(10)]
    assert find([LEAF, CENTRE_LEAF], [*others, stranger().root.leaf, ROOT_LEAF]) == FULL_PATH


def test_nothing_leads_to_an_anchor() -> None:
    refused(
        CertificateUntrustedError,
        f"no path leads from certificate {LEAF.serial_hex} .*: its issuer is neither",
        [LEAF],
    )
    other = make(None, "Another Root", ROOT).leaf
    refused(
        CertificateUntrustedError,
        f"the issuer of certificate {CENTRE_LEAF.serial_hex} issued by <CN=Development Root",
        [LEAF, CENTRE_LEAF],
        anchors=[other],
    )
    refused(CertificateUntrustedError, "no path", [LEAF, CENTRE_LEAF, ROOT_LEAF], anchors=[other])


def test_a_certificate_that_signed_itself() -> None:
    refused(CertificateUntrustedError, "no path leads", [make(None, "Self", USER).leaf])


def test_an_authority_of_the_same_names() -> None:
    # The key identifiers tell the two apart; without them the signature does.
    namesake = user(stranger())
    refused(CertificateUntrustedError, "no path leads", namesake.chain)
    centre = without_identifiers(stranger().centre.leaf)
    root = without_identifiers(ROOT_LEAF)
    refused(
        CertificateUntrustedError,
        f"the signature of certificate {centre.serial_hex} .* does not verify",
        [without_identifiers(namesake.leaf), centre],
        anchors=[root],
    )


def test_a_leaf_that_was_altered() -> None:
    forged = Certificate.from_der(altered(LEAF, serial_number=core.Integer(77).dump()))
    refused(
        CertificateUntrustedError,
        "the signature of certificate 4d .*altered",
        [forged, CENTRE_LEAF],
    )


def test_every_byte_of_a_signature_counts() -> None:
    for place in range(-64, 0):
        der = bytearray(LEAF.der)
        der[place] ^= 1
        with pytest.raises(CertificateUntrustedError):
            find([Certificate.from_der(bytes(der)), CENTRE_LEAF])


def test_a_signature_of_another_length() -> None:
    parsed = x509.Certificate.load(LEAF.der)
    for signature in (b"", bytes(64), parsed["signature_value"].native + b"\x00"):
        parsed["signature_value"] = signature
        refused(
            CertificateUntrustedError,
            "does not verify",
            [Certificate.from_der(parsed.dump()), CENTRE_LEAF],
        )


def test_other_signature_algorithms_are_not_ours() -> None:
    other = x509.Certificate.load(LEAF.der)["signature_algorithm"].copy()
    other["algorithm"] = "sha256_rsa"
    with pytest.raises(InvalidSignature):
        GostSignatureValidator().validate_signature(
            bytes(64), b"", x509.Certificate.load(LEAF.der).public_key, other
        )


def test_a_leaf_that_is_an_anchor() -> None:
    refused(CertificateUnsuitableError, "is a trust anchor itself", [ROOT_LEAF])
    refused(
        CertificateUnsuitableError, "is a trust anchor itself", [CENTRE_LEAF], anchors=[CENTRE_LEAF]
    )


def test_a_leaf_with_the_name_and_key_of_an_anchor() -> None:
    """Anyone can write such a certificate: the anchor's key is public, the signature wrong."""
    body = x509.Certificate.load(ROOT_LEAF.der)["tbs_certificate"]
    forged = Certificate.from_der(
        altered(
            domain().leaf,
            subject=body["subject"].dump(),
            subject_public_key_info=body["subject_public_key_info"].dump(),
        )
    )
    assert forged.dns_names == ("example.uz",)
    refused(CertificateUnsuitableError, "is a trust anchor itself", [forged, CENTRE_LEAF])


@pytest.mark.parametrize("which", ["leaf", "centre", "root"])
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"not_after": NOW.replace(hour=11)},
            (
                r"expired on 2026-03-01 11:00:00 UTC \(2026-03-01 16:00:00 in Tashkent\), and it is"
                r" 2026-03-01 12:00:00 UTC"
            ),
        ),
        (
            {"not_before": NOW + DAY},
            (
                r"is not valid until 2026-03-02 12:00:00 UTC \(2026-03-02 17:00:00 in Tashkent\),"
                r" and it is 2026-03-01 12:00:00 UTC .*; check the clock"
            ),
        ),
    ],
    ids=["expired", "not yet"],
)
def test_validity_of_the_whole_path(which: str, changes: dict[str, Any], reason: str) -> None:
    def of(one: str) -> dict[str, Any]:
        return changes if one == which else {}

    root = make(None, "R", ROOT, **of("root"))
    centre = make(root, "C", CENTRE, **of("centre"))
    leaf = make(centre, "L", USER, **of("leaf"))
    culprit = {"leaf": leaf, "centre": centre, "root": root}[which].leaf
    refused(
        CertificateExpiredError,
        f"certificate {culprit.serial_hex} issued by .* {reason}",
        leaf.chain,
        anchors=[root.leaf],
    )


def test_validity_ends_with_its_last_second() -> None:
    assert find([LEAF, CENTRE_LEAF], at=LEAF.not_after)
    assert find([LEAF, CENTRE_LEAF], at=LEAF.not_before)
    for moment in (LEAF.not_after + DAY / 86400, LEAF.not_before - DAY / 86400):
        with pytest.raises(CertificateExpiredError):
            find([LEAF, CENTRE_LEAF], at=moment)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"is_ca": False, "key_usage": None}, "is not a CA"),
        ({"key_usage": frozenset({"digitalSignature"})}, "not allowed to sign certificates"),
        (
            {"extensions": (extension("1.2.3.4", b"\x05\x00", critical=True),)},
            r"unsupported critical extension: 1\.2\.3\.4",
        ),
    ],
)
def test_a_centre_that_may_not_issue(changes: dict[str, Any], reason: str) -> None:
    centre = make(authority().root, "C", CENTRE, **changes)
    refused(
        CertificateUnsuitableError,
        f"certificate {centre.leaf.serial_hex} issued by <CN=Development Root.*: .*{reason}",
        make(centre, "L", USER).chain,
    )


def test_a_user_cannot_issue() -> None:
    refused(CertificateUnsuitableError, "is not a CA", make(user(), "L", USER).chain)


def test_an_unknown_critical_extension_of_the_leaf() -> None:
    unknown = extension("1.2.3.4", b"\x05\x00", critical=True)
    refused(CertificateUnsuitableError, "critical", user(extensions=(unknown,)).chain)
    assert find(user(extensions=(extension("1.2.3.4", b"\x05\x00"),)).chain)


def test_path_lengths() -> None:
    below = make(authority().centre, "Below", CENTRE)
    refused(CertificateUnsuitableError, "maximum path length", make(below, "L", USER).chain)
    root = make(None, "R", ROOT, path_length=0)
    centre = make(root, "C", CENTRE)
    refused(
        CertificateUnsuitableError,
        "maximum path length",
        make(centre, "L", USER).chain,
        anchors=[root.leaf],
    )
    free = make(None, "R", ROOT, path_length=None)
    one, two = make(free, "1", ROOT), None
    two = make(one, "2", CENTRE)
    assert len(find(make(two, "L", USER).chain, [free.leaf])) == 4


def name_constraints(permitted: str) -> x509.Extension:
    base = {"base": x509.GeneralName("dns_name", permitted)}
    value = x509.NameConstraints({"permitted_subtrees": [base]})
    return extension("2.5.29.30", value.dump(), critical=True)


@pytest.mark.parametrize("where", ["root", "centre"])
def test_name_constraints(where: str) -> None:
    constraints = (name_constraints("example.uz"),)
    root = make(None, "R", ROOT, extensions=constraints if where == "root" else ())
    centre = make(root, "C", CENTRE, extensions=constraints if where == "centre" else ())
    for name, accepted in (("api.example.uz", True), ("example.com", False)):
        alternatives = x509.GeneralNames([x509.GeneralName("dns_name", name)])
        leaf = make(centre, "L", USER, extensions=(extension("2.5.29.17", alternatives.dump()),))
        if accepted:
            assert find(leaf.chain, [root.leaf])
        else:
            refused(CertificateUnsuitableError, "permitted", leaf.chain, anchors=[root.leaf])


def test_the_policies_of_an_anchor_do_not_bind() -> None:
    root = make(None, "R", ROOT, policies=(f"{POLICY_PREFIX}.9",))
    assert find(make(make(root, "C"), "L", USER).chain, [root.leaf])


def test_a_centre_can_require_policies() -> None:
    require = extension("2.5.29.36", core.Sequence(contents=b"\x80\x01\x00").dump(), critical=True)
    centre = make(authority().root, "C", CENTRE, extensions=(require,))
    leaf = make(centre, "L", USER)
    refused(CertificateUnsuitableError, "no valid set of policies", leaf.chain)


def test_an_anchor_with_constraints_that_cannot_be_kept() -> None:
    # Permitted: one otherName, of the type 1.2.3 with the value INTEGER 1.
    value = bytes.fromhex("300f a00d 300b a009 06022a03 a003020101")
    root = make(None, "R", ROOT, extensions=(extension("2.5.29.30", value),)).leaf
    with pytest.raises(CertificateUnsuitableError, match="its name constraints cannot be"):
        make_anchor(parse_certificate(root.der))


def test_an_anchor_with_a_critical_extension_that_nobody_knows() -> None:
    """It is of no use, and does no harm to the users of other anchors."""
    unknown = extension("1.2.3.4", b"\x05\x00", critical=True)
    root = make(None, "R", ROOT, extensions=(unknown,))
    refused(
        CertificateUnsuitableError,
        r"the trust anchor, has an unsupported critical extension: 1\.2\.3\.4",
        make(make(root, "C"), "L", USER).chain,
        anchors=[root.leaf],
    )
    assert find([LEAF, CENTRE_LEAF], [root.leaf, ROOT_LEAF])


def test_the_error_of_a_path_with_right_signatures_comes_first() -> None:
    """Two centres of one name: what is wrong with the true one is what the operator needs."""
    expired = make(authority().root, "C", CENTRE, not_after=NOW - DAY)
    namesake = make(stranger().root, "C", CENTRE)
    leaf = make(expired, "L", USER).leaf
    for others in ([expired.leaf, namesake.leaf], [namesake.leaf, expired.leaf]):
        refused(CertificateExpiredError, expired.leaf.serial_hex, [leaf, *others])


def test_a_content_that_the_library_does_not_deal_with() -> None:
    class Broken(GostSignatureValidator):
        def validate_signature(self, *args: Any, **kwargs: Any) -> None:
            raise NotImplementedError

    refused(
        CertificateUnsuitableError,
        r"its chain cannot be processed \(NotImplementedError\)",
        [LEAF, CENTRE_LEAF],
        signatures=Broken(),
    )


def test_it_runs_where_a_loop_is_running() -> None:
    async def inside() -> tuple[bytes, ...]:
        return find([LEAF, CENTRE_LEAF])

    assert asyncio.run(inside()) == FULL_PATH


def test_a_coroutine_that_waits_is_a_fault_of_ours() -> None:
    async def waits() -> None:
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="may fetch nothing"):
        _run(waits())

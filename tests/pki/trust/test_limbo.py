"""The published path-validation cases of C2SP/x509-limbo, one test each.

97 of 126 end as the publishers expect: crl 3 of 7, cve 2 of 3, invalid 1 of 1, pathlen 7 of 8,
pathological 9 of 9, rfc5280 56 of 64, webpki 19 of 34. The others are those of DEVIATIONS: 7 that
we refuse and might accept, 22 that we accept and might refuse. docs/path-validation.md explains
them, and a test below holds it to what really happens.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.limbo import Case, cases, judge, plug_in

DOCUMENT = Path(__file__).parents[3] / "docs" / "path-validation.md"


@dataclass(frozen=True)
class Deviation:
    """Why a case ends otherwise than expected; ``refusal`` is what we say, None if we accept."""

    reason: str
    refusal: str | None = None


_REVOCATION = Deviation("a path's validation does not ask for revocation")
_ISSUERS = Deviation("a rule for who issues, and no question to who validates")
_NATIONAL = Deviation("the national certificates are made so")
_FORUM = Deviation("a rule of the CA/Browser Forum alone")
_ADDRESS = "an address is no name here"

DEVIATIONS = {
    # Refused, though it might be accepted.
    "cve::cve-2024-0567": Deviation("longer than a chain may be", "a chain of 10 certificates"),
    "rfc5280::ca-as-leaf": Deviation("its keyUsage has no digitalSignature", "may not sign"),
    "rfc5280::nc::permitted-ipv4-match": Deviation(_ADDRESS, "cannot be processed"),
    "rfc5280::nc::permitted-ipv6-match": Deviation(_ADDRESS, "cannot be processed"),
    "webpki::san::exact-localhost-ip-san": Deviation(_ADDRESS, "not a domain name"),
    "rfc5280::nc::nc-forbids-othername-noop": Deviation(
        "name constraints that are not understood are not passed over", "cannot be processed"
    ),
    "webpki::nc::nc-permits-dns-san-pattern": Deviation(
        "under name constraints a wildcard does not count", "is not one of foo.example.com"
    ),
    # Accepted, though it might be refused.
    "crl::revoked-certificate-with-crl": _REVOCATION,
    "crl::crlnumber-missing": _REVOCATION,
    "crl::crlnumber-critical": _REVOCATION,
    "crl::issuer-missing-crlsign": _REVOCATION,
    "pathlen::max-chain-depth-1-exhausted": Deviation("the limit is fixed, and larger"),
    "rfc5280::aki::critical-aki": _ISSUERS,
    "rfc5280::aki::cross-signed-root-missing-aki": _ISSUERS,
    "rfc5280::root-non-critical-basic-constraints": _ISSUERS,
    "rfc5280::ski::intermediate-missing-ski": _NATIONAL,
    "webpki::aki::root-with-aki-authoritycertissuer": _NATIONAL,
    "webpki::aki::root-with-aki-authoritycertserialnumber": _NATIONAL,
    "webpki::aki::root-with-aki-all-fields": _NATIONAL,
    "webpki::eku::ee-critical-eku": _NATIONAL,
    "webpki::san::no-san": Deviation("the common name counts where there is no subjectAltName"),
    "webpki::cn::utf8-vs-punycode-mismatch": _FORUM,
    "webpki::cn::not-in-san": _FORUM,
    "webpki::cn::case-mismatch": _FORUM,
    "webpki::ee-basicconstraints-ca": _FORUM,
    "webpki::eku::ee-anyeku": _FORUM,
    "webpki::eku::root-has-eku": _FORUM,
    "webpki::san::san-critical-with-nonempty-subject": _FORUM,
    "webpki::san::public-suffix-multi-label-wildcard-san": Deviation(
        "which suffixes are public is not known here"
    ),
}


@pytest.fixture(autouse=True)
def _plugged_in(monkeypatch: pytest.MonkeyPatch) -> None:
    plug_in(monkeypatch)


@pytest.mark.parametrize("case", cases().values(), ids=cases().keys())
def test_a_case(case: Case) -> None:
    refusal = judge(case)
    deviation = DEVIATIONS.get(case.id)
    if deviation is None:
        assert (refusal is None) is case.expected, refusal
    elif deviation.refusal is None:
        assert refusal is None
        assert not case.expected
    else:
        assert re.search(deviation.refusal, refusal or "")
        assert case.expected


def test_every_deviation_is_one_of_a_case() -> None:
    assert DEVIATIONS.keys() <= cases().keys()


def test_the_document_has_the_score_and_every_deviation() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    groups = Counter(name.partition("::")[0] for name in cases())
    off = Counter(name.partition("::")[0] for name in DEVIATIONS)
    for group, count in groups.items():
        assert re.search(rf"\| `{group}` \| {count - off[group]} \| {count} \|", text), group
    total = len(cases())
    assert f"| all | {total - len(DEVIATIONS)} | {total} |" in text
    assert set(re.findall(r"`((?:\w+::)+[\w-]+)`", text)) == DEVIATIONS.keys()


def test_refusals_have_the_reason_of_the_case() -> None:
    """Spot checks: not that something was wrong, but what the case is about."""
    wanted = {
        "rfc5280::eku::ee-eku-empty": "extKeyUsage is empty",
        "rfc5280::nc::not-allowed-in-ee-critical": "nameConstraints are not in a CA",
        "rfc5280::leaf-ku-keycertsign": "has keyCertSign, but it is not a CA",
        "rfc5280::unknown-critical-extension-root": "has an unsupported critical extension",
        "rfc5280::san::noncritical-with-empty-subject": "no critical subjectAltName",
        "rfc5280::root-missing-basic-constraints": "it is not a CA cert",
        "webpki::nc::intermediate-permitted-excluded-subtrees-both-null": "nameConstraints are em",
        "webpki::v1-cert": "not of version 3",
        "webpki::san::mismatch-subdomain-san": "is not one of def.example.com",
        "cve::cve-2025-61727": "is not one of bar.example.com",
    }
    for name, text in wanted.items():
        assert text in (judge(cases()[name]) or "accepted"), name

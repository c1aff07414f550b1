"""The table of docs/verification.md: what verdicts and statuses mean, a test for each row."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.pki import NOW
from tests.support.verdicts import (
    GOOD,
    HOUR,
    UNKNOWN,
    revoked,
    signer_verdict,
    signers_chain,
    stamp_verdict,
    stamped,
    stamps_chain,
)
from tunnel_gateway.cms.verdicts import SignerVerdict, Step
from tunnel_gateway.errors import (
    BadSignedDataError,
    CertificateUnsuitableError,
    CertificateUntrustedError,
    SignedDataError,
    TimeStampError,
)
from tunnel_gateway.pki.status.standing import Standing
from tunnel_gateway.rest.outcomes import deciding, signer_outcome
from tunnel_gateway.rest.statuses import OF_PHONES, Reason, status_of

FINE = (GOOD, GOOD)
UNTRUSTED = signers_chain(peer=None, fault=CertificateUntrustedError("nobody"), valid_at_time=False)
UNSUITABLE = signers_chain(
    peer=None, fault=CertificateUnsuitableError("a mail key"), valid_at_time=False
)
STAMP_UNTRUSTED = stamps_chain(
    peer=None, fault=CertificateUntrustedError("nobody"), valid_at_time=False
)
STAMP_UNSUITABLE = stamps_chain(
    peer=None, fault=CertificateUnsuitableError("no timeStamping"), valid_at_time=False
)


@dataclass(frozen=True)
class Row:
    """One row: what is known, and the reason with the guide's number; None: valid."""

    reason: Reason | None
    number: int
    verdict: SignerVerdict = field(default_factory=signer_verdict)
    standings: tuple[Standing, ...] = FINE
    stamp_standings: tuple[Standing, ...] = FINE


CHANGED = signer_verdict(
    digest_verified=False,
    verified=False,
    failed=Step.DOCUMENT,
    fault=BadSignedDataError("the document is not the one that was signed"),
)
WRONG = {
    "verified": False,
    "failed": Step.SIGNATURE,
    "fault": BadSignedDataError("by another key"),
}
STAMP_WRONG = {
    "verified": False,
    "failed": Step.STAMP_SIGNATURE,
    "fault": BadSignedDataError("by another key"),
}
MISSING = {
    "chain": None,
    "verified": False,
    "failed": Step.CERTIFICATE,
    "fault": SignedDataError("not in the message"),
}

ROWS = {
    "nothing is wrong": Row(None, 1),
    "nothing is wrong, with a stamp": Row(None, 1, stamped()),
    "another document": Row(Reason.DOCUMENT_CHANGED, -10, CHANGED),
    "another key": Row(Reason.SIGNATURE_WRONG, -10, signer_verdict(**WRONG)),
    "no certificate": Row(Reason.CERTIFICATE_MISSING, -10, signer_verdict(**MISSING), ()),
    "a stamp that cannot be read": Row(
        Reason.STAMP_MALFORMED,
        -21,
        stamped(
            stamp=None,
            digest_verified=False,
            verified=False,
            chain=None,
            failed=Step.STAMP_IMPRINT,
            fault=SignedDataError("malformed"),
        ),
        stamp_standings=(),
    ),
    "a stamp of another signature": Row(
        Reason.STAMP_OF_OTHER_SIGNATURE,
        -21,
        stamped(
            digest_verified=False,
            verified=False,
            failed=Step.STAMP_IMPRINT,
            fault=TimeStampError("for another signature"),
        ),
    ),
    "a stamp with a wrong signature": Row(
        Reason.STAMP_SIGNATURE_WRONG, -21, stamped(**STAMP_WRONG)
    ),
    "a stamp without its certificate": Row(
        Reason.STAMP_SIGNATURE_WRONG,
        -21,
        stamped(
            chain=None,
            verified=False,
            failed=Step.STAMP_SIGNATURE,
            fault=SignedDataError("not in the message"),
        ),
        stamp_standings=(),
    ),
    "a chain that leads nowhere": Row(
        Reason.CERTIFICATE_UNTRUSTED, -11, signer_verdict(chain=UNTRUSTED), ()
    ),
    "a certificate for something else": Row(
        Reason.CERTIFICATE_UNSUITABLE, -11, signer_verdict(chain=UNSUITABLE), ()
    ),
    "revoked, without a stamp": Row(
        Reason.CERTIFICATE_REVOKED, -11, standings=(revoked(NOW - HOUR), GOOD)
    ),
    "revoked after the time that the signer claims": Row(
        Reason.CERTIFICATE_REVOKED, -11, standings=(revoked(NOW + HOUR), GOOD)
    ),
    "suspended, without a stamp": Row(
        Reason.CERTIFICATE_REVOKED, -11, standings=(revoked(NOW - HOUR, "certificateHold"), GOOD)
    ),
    "revoked, nobody says when": Row(
        Reason.CERTIFICATE_REVOKED, -11, standings=(revoked(None), GOOD)
    ),
    "the centre revoked": Row(
        Reason.CERTIFICATE_REVOKED, -11, standings=(GOOD, revoked(NOW - HOUR))
    ),
    "the centre revoked before the stamp": Row(
        Reason.CERTIFICATE_REVOKED, -11, stamped(), (GOOD, revoked(NOW - HOUR))
    ),
    "the stamp's chain leads nowhere": Row(
        Reason.STAMP_CERTIFICATE_UNTRUSTED, -22, stamped(chain=STAMP_UNTRUSTED), FINE, ()
    ),
    "the stamp's certificate for something else": Row(
        Reason.STAMP_CERTIFICATE_UNSUITABLE, -22, stamped(chain=STAMP_UNSUITABLE), FINE, ()
    ),
    "the stamp's key stolen later": Row(
        Reason.STAMP_CERTIFICATE_REVOKED, -22, stamped(), FINE, (revoked(NOW + HOUR), GOOD)
    ),
    "the stamp's certificate revoked later without a reason": Row(
        Reason.STAMP_CERTIFICATE_REVOKED, -22, stamped(), FINE, (revoked(NOW + HOUR, None), GOOD)
    ),
    "the stamp's centre revoked": Row(
        Reason.STAMP_CERTIFICATE_REVOKED, -22, stamped(), FINE, (GOOD, revoked(NOW - HOUR))
    ),
    "expired at the time that counts": Row(
        Reason.CERTIFICATE_EXPIRED, -12, signer_verdict(chain=signers_chain(valid_at_time=False))
    ),
    "revoked before the stamp": Row(
        Reason.CERTIFICATE_REVOKED_THEN, -12, stamped(), (revoked(NOW - HOUR), GOOD)
    ),
    "revoked in the second of the stamp": Row(
        Reason.CERTIFICATE_REVOKED_THEN, -12, stamped(), (revoked(NOW), GOOD)
    ),
    "revoked, nobody says when, with a stamp": Row(
        Reason.CERTIFICATE_REVOKED_THEN, -12, stamped(), (revoked(None), GOOD)
    ),
    "revoked after the stamp": Row(None, 1, stamped(), (revoked(NOW + HOUR), GOOD)),
    "the centre revoked after the stamp": Row(None, 1, stamped(), (GOOD, revoked(NOW + HOUR))),
    "the stamp's certificate expired at its time": Row(
        Reason.STAMP_CERTIFICATE_EXPIRED, -23, stamped(chain=stamps_chain(valid_at_time=False))
    ),
    "the stamp is of the future": Row(
        Reason.STAMP_CERTIFICATE_EXPIRED,
        -23,
        stamped(failed=Step.STAMP_VALIDITY, fault=TimeStampError("is to come")),
    ),
    "nobody says when it was signed": Row(
        Reason.CERTIFICATE_EXPIRED,
        -12,
        signer_verdict(
            time=None,
            chain=signers_chain(valid_at_time=False),
            failed=Step.VALIDITY,
            fault=SignedDataError("neither"),
        ),
    ),
    "the stamp's authority closed before its time": Row(
        Reason.STAMP_CERTIFICATE_REVOKED_THEN,
        -23,
        stamped(),
        FINE,
        (revoked(NOW - HOUR, "cessationOfOperation"), GOOD),
    ),
    "the stamp's authority closed later": Row(
        None, 1, stamped(), FINE, (revoked(NOW + HOUR, "cessationOfOperation"), GOOD)
    ),
    "status unknown": Row(Reason.STATUS_UNKNOWN, -1, standings=(UNKNOWN, GOOD)),
    "status of the centre unknown": Row(Reason.STATUS_UNKNOWN, -1, standings=(GOOD, UNKNOWN)),
    "a status is missing": Row(Reason.STATUS_UNKNOWN, -1, standings=(GOOD,)),
    "no status at all": Row(Reason.STATUS_UNKNOWN, -1, standings=()),
    "status of the stamp unknown": Row(
        Reason.STAMP_STATUS_UNKNOWN, -20, stamped(), FINE, (UNKNOWN, GOOD)
    ),
    # Two faults meet: the more basic one wins.
    "-10 before -21": Row(
        Reason.SIGNATURE_WRONG,
        -10,
        signer_verdict(**WRONG, stamp=stamp_verdict(**STAMP_WRONG)),
    ),
    "-21 before -11": Row(
        Reason.STAMP_SIGNATURE_WRONG,
        -21,
        signer_verdict(chain=UNTRUSTED, stamp=stamp_verdict(**STAMP_WRONG)),
        (),
    ),
    "-11 before -22": Row(
        Reason.CERTIFICATE_UNTRUSTED,
        -11,
        signer_verdict(chain=UNTRUSTED, stamp=stamp_verdict(chain=STAMP_UNTRUSTED)),
        (),
        (),
    ),
    "-22 before -12": Row(
        Reason.STAMP_CERTIFICATE_UNTRUSTED,
        -22,
        signer_verdict(
            chain=signers_chain(valid_at_time=False), stamp=stamp_verdict(chain=STAMP_UNTRUSTED)
        ),
        FINE,
        (),
    ),
    "-12 before -23": Row(
        Reason.CERTIFICATE_EXPIRED,
        -12,
        signer_verdict(
            chain=signers_chain(valid_at_time=False),
            stamp=stamp_verdict(chain=stamps_chain(valid_at_time=False)),
        ),
    ),
    "-23 before -1": Row(
        Reason.STAMP_CERTIFICATE_EXPIRED,
        -23,
        stamped(chain=stamps_chain(valid_at_time=False)),
        (UNKNOWN, GOOD),
    ),
    "-1 before -20": Row(Reason.STATUS_UNKNOWN, -1, stamped(), (UNKNOWN, GOOD), (UNKNOWN, GOOD)),
    "-11 of the status before -20": Row(
        Reason.CERTIFICATE_REVOKED, -11, stamped(), (GOOD, revoked(NOW - HOUR)), (UNKNOWN, GOOD)
    ),
    "a stolen stamp key proves no time": Row(
        Reason.CERTIFICATE_REVOKED,
        -11,
        stamped(),
        (revoked(NOW + HOUR), GOOD),
        (revoked(NOW + HOUR), GOOD),
    ),
}


PAGE = (Path(__file__).parents[2] / "docs/verification.md").read_text(encoding="utf-8")
# The rows of the page about revocation, with and without a time stamp that proves its time.
REVOCATIONS = {
    "of the signer, revoked or suspended at the time of the stamp or before": (
        revoked(NOW - HOUR, "certificateHold"),
        GOOD,
    ),
    "of the signer, revoked or suspended later": (revoked(NOW + HOUR), GOOD),
    "of the signer, nobody says since when": (revoked(None), GOOD),
    "of a centre above the signer, revoked at the time of the stamp or before": (
        GOOD,
        revoked(NOW - HOUR),
    ),
    "of a centre above the signer, revoked later": (GOOD, revoked(NOW + HOUR)),
    "of the signer or of a centre, the status is unknown": (UNKNOWN, UNKNOWN),
}


@pytest.mark.parametrize("case", REVOCATIONS)
def test_the_page_about_revocation_says_what_the_code_does(case: str) -> None:
    standings = REVOCATIONS[case]
    said = []
    for verdict in (stamped(), signer_verdict()):
        finding = signer_outcome(verdict, standings, FINE).finding
        said.append(
            "valid" if finding is None else f"{status_of(finding.reason):d} `{finding.reason}`"
        )
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| {case} |")]
    cells = [cell.partition(";")[0].strip() for cell in row.split("|")[2:4]]
    assert cells == said


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_each_row(row: Row) -> None:
    outcome = signer_outcome(row.verdict, row.standings, row.stamp_standings)
    if row.reason is None:
        assert outcome.finding is None
        assert outcome.certificate.verified
        assert outcome.certificate.valid_at_time
        assert row.number == 1
        return
    assert outcome.finding is not None
    assert outcome.finding.reason is row.reason
    assert status_of(row.reason) == row.number


def test_every_reason_of_a_verification_has_its_row() -> None:
    reached = {row.reason for row in ROWS.values()} - {None}
    of_verification = {
        reason
        for reason in Reason
        if status_of(reason) > -400
        and reason
        not in (
            *OF_PHONES,
            Reason.MALFORMED,
            Reason.NO_DOCUMENT,
            Reason.OTHER_DOCUMENT,
            Reason.CHALLENGE_UNKNOWN,
            Reason.SIGNING_TIME_OFF,
            Reason.STAMP_MISSING,
        )
    }
    assert reached == of_verification


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_booleans_alone_never_say_more_than_the_status(row: Row) -> None:
    """A client that reads only the booleans must not take a refused signer for a valid one."""
    outcome = signer_outcome(row.verdict, row.standings, row.stamp_standings)
    says_yes = (
        row.verdict.verified
        and outcome.certificate.verified
        and outcome.certificate.valid_at_time
        and (
            outcome.stamp is None
            or (
                outcome.stamp.verdict.verified
                and outcome.stamp.certificate.verified
                and outcome.stamp.certificate.valid_at_time
            )
        )
    )
    assert says_yes == (row.reason is None)


def test_a_missing_stamp_is_a_fault_only_where_one_is_required() -> None:
    assert signer_outcome(signer_verdict(), FINE).finding is None
    outcome = signer_outcome(signer_verdict(), FINE, stamp_required=True)
    assert outcome.finding is not None
    assert outcome.finding.reason is Reason.STAMP_MISSING
    assert signer_outcome(stamped(), FINE, FINE, stamp_required=True).finding is None


def test_the_signers_own_fault_stays_apart_from_the_stamps() -> None:
    outcome = signer_outcome(stamped(), FINE, (UNKNOWN, GOOD))
    assert outcome.own is None
    assert outcome.stamp is not None
    assert outcome.stamp.finding is outcome.finding
    assert "nobody answers" in outcome.finding.detail if outcome.finding else False


@given(st.lists(st.sampled_from(list(ROWS.values())), min_size=1, max_size=6))
def test_of_several_signers_the_most_basic_fault_wins(rows: list[Row]) -> None:
    outcomes = [signer_outcome(row.verdict, row.standings, row.stamp_standings) for row in rows]
    worst = deciding(outcomes)
    reasons = [row.reason for row in rows if row.reason is not None]
    if not reasons:
        assert worst is None
        return
    assert worst is not None
    assert worst.finding is not None
    assert worst.finding.reason is min(reasons, key=list(Reason).index)
    assert outcomes.index(worst) == [row.reason for row in rows].index(worst.finding.reason)


def test_the_detail_names_certificate_time_and_reason() -> None:
    outcome = signer_outcome(signer_verdict(), (revoked(NOW), GOOD))
    assert outcome.finding is not None
    label = signers_chain().certificate.label
    assert outcome.finding.detail.startswith(f"{label} is revoked since 2026-03-01 12:00:00 UTC")
    assert outcome.finding.detail.endswith("(keyCompromise)")

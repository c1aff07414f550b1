"""The view of a time stamp: the guide's fields in the guide's order."""

from __future__ import annotations

from dataclasses import replace

from tests.support.guide_shape import TIME_STAMP, after, assert_shape, without
from tests.support.pki import NOW, authority
from tests.support.stamps import POLICY, usual
from tests.support.verdicts import GOOD, HOUR, UNKNOWN, revoked, stamp_verdict, stamped, the_signer
from tunnel_gateway.cms.verdicts import Step, TimeStampVerdict
from tunnel_gateway.errors import SignedDataError
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.status.standing import Standing
from tunnel_gateway.rest.outcomes import StampOutcome, signer_outcome
from tunnel_gateway.rest.views.certificate_view import CertificateViews, View, certificate_view
from tunnel_gateway.rest.views.chain_view import chain_view
from tunnel_gateway.rest.views.time_stamp_view import time_stamp_view

HASH = "1.2.860.3.15.1.3.2.1.1"


def outcome_of(verdict: TimeStampVerdict, *standings: Standing) -> StampOutcome:
    outcome = signer_outcome(replace(stamped(), stamp=verdict), (GOOD, GOOD), standings)
    assert outcome.stamp is not None
    return outcome.stamp


def view_of(verdict: TimeStampVerdict, *standings: Standing) -> View:
    return time_stamp_view(
        outcome_of(verdict, *standings), chain_view(verdict.chain, (), CertificateViews())
    )


def test_every_field() -> None:
    stamp = stamp_verdict().stamp
    assert stamp is not None
    named = replace(stamp, authority_name="6: http://test.example.uz/tst")
    view = view_of(stamp_verdict(stamp=named), GOOD, GOOD)
    assert_shape(view, TIME_STAMP)
    assert view["certificate"] == [
        certificate_view(usual().leaf),
        certificate_view(authority().centre.leaf),
    ]
    assert view["trustedCertificate"] == certificate_view(authority().root.leaf)
    assert view["signerId"] == {
        "issuer": usual().leaf.issuer,
        "subjectSerialNumber": usual().leaf.serial_hex,
    }
    assert view["tsaPolicy"] == POLICY
    assert view["time"] == "2026-03-01 17:00:00"
    assert view["timeUtc"] == "2026-03-01T12:00:00Z"
    assert view["hashAlgorithm"] == view["messageImprintAlgOID"] == HASH
    assert view["messageImprintDigest"] == digest(the_signer().signature).hex()
    assert view["serialNumber"] == format(stamp.serial, "x")
    assert view["tsa"] == "6: http://test.example.uz/tst"
    for name in (
        "digestVerified",
        "verified",
        "certificateVerified",
        "certificateValidAtSigningTime",
    ):
        assert view[name] is True


def test_a_revoked_authority() -> None:
    view = view_of(stamp_verdict(), revoked(NOW - HOUR, "superseded"), GOOD)
    shape = after(
        without(TIME_STAMP, "OCSPResponse", "statusNextUpdateAt", "tsa"),
        "certificateValidAtSigningTime",
        "revokedStatusInfo",
    )
    assert_shape(view, after(shape, "verified", "exception"))
    assert view["revokedStatusInfo"]["crlReason"] == "superseded"
    assert view["certificateVerified"] is True
    assert view["certificateValidAtSigningTime"] is False
    assert view["exception"].startswith("stamp_certificate_revoked_then: certificate ")


def test_an_unknown_status_is_not_verified() -> None:
    view = view_of(stamp_verdict(), UNKNOWN, GOOD)
    assert view["certificateVerified"] is False
    assert view["exception"] == "stamp_status_unknown: nobody answers"
    assert "statusUpdatedAt" not in view


def test_a_token_that_cannot_be_read() -> None:
    verdict = stamp_verdict(
        stamp=None,
        digest_verified=False,
        verified=False,
        chain=None,
        failed=Step.STAMP_IMPRINT,
        fault=SignedDataError("malformed: it breaks off"),
    )
    assert view_of(verdict) == {
        "certificate": [],
        "digestVerified": False,
        "certificateVerified": False,
        "certificateValidAtSigningTime": False,
        "verified": False,
        "exception": "stamp_malformed: malformed: it breaks off",
    }


def test_a_token_without_a_signer() -> None:
    stamp = stamp_verdict().stamp
    assert stamp is not None
    nobody = replace(stamp, signed=replace(stamp.signed, signers=()))
    verdict = stamp_verdict(
        stamp=nobody, verified=False, chain=None, fault=SignedDataError("no signer")
    )
    view = view_of(verdict)
    assert "signerId" not in view
    assert view["time"] == "2026-03-01 17:00:00"

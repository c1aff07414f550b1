"""The view of a signer: the guide's fields in the guide's order."""

from __future__ import annotations

from dataclasses import replace

from tests.support.guide_shape import SIGNER, TIME_STAMP, after, assert_shape, without
from tests.support.messages import DOCUMENT, signer
from tests.support.pki import NOW, authority, ders, user
from tests.support.verdicts import (
    GOOD,
    HOUR,
    UNKNOWN,
    revoked,
    signer_verdict,
    signers_chain,
    stamped,
    stamps_chain,
)
from tunnel_gateway.cms.verdicts import SignerVerdict, Step
from tunnel_gateway.errors import SignedDataError
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.status.standing import Standing
from tunnel_gateway.rest.outcomes import signer_outcome
from tunnel_gateway.rest.views.certificate_view import CertificateViews, View, certificate_view
from tunnel_gateway.rest.views.chain_view import chain_view
from tunnel_gateway.rest.views.signer_view import signer_view

BOOLEANS = ("verified", "certificateVerified", "certificateValidAtSigningTime")


def view_of(verdict: SignerVerdict, *standings: Standing) -> View:
    views = CertificateViews()
    stamp = verdict.stamp
    return signer_view(
        signer_outcome(verdict, standings, (GOOD, GOOD)),
        chain_view(verdict.chain, ders(signer()), views),
        chain_view(stamp.chain if stamp else None, (), views),
    )


def test_every_field() -> None:
    verdict = stamped()
    view = view_of(verdict, GOOD, GOOD)
    assert_shape(view, SIGNER | {"timeStampInfo": without(TIME_STAMP, "tsa")})
    assert view["signerId"]["subjectSerialNumber"] == signer().leaf.serial_hex
    assert view["signingTime"] == "2026-03-01 17:00:00"
    assert view["signature"] == verdict.signer.signature.hex()
    assert view["digest"] == digest(DOCUMENT).hex()
    assert view["certificate"][0] == certificate_view(signer().leaf)
    assert view["trustedCertificate"] == certificate_view(authority().root.leaf)
    assert view["policyIdentifiers"] == ["1.2.860.3.2.2.1.2.1"]
    assert [view[name] for name in BOOLEANS] == [True, True, True]


def test_policies_keep_the_order_of_the_certificate() -> None:
    policies = tuple(f"1.3.6.1.4.1.46709.1.2.{number}" for number in (2, 4, 1, 3))
    leaf = user(policies=policies).leaf
    assert view_of(signer_verdict(chain=signers_chain(certificate=leaf)), GOOD, GOOD)[
        "policyIdentifiers"
    ] == list(policies)


def test_without_a_stamp_there_is_no_field_for_it() -> None:
    view = view_of(signer_verdict(), GOOD, GOOD)
    assert_shape(view, without(SIGNER, "timeStampInfo"))


def test_a_revoked_certificate() -> None:
    view = view_of(signer_verdict(), revoked(NOW - HOUR), GOOD)
    shape = without(SIGNER, "timeStampInfo", "OCSPResponse", "statusNextUpdateAt")
    shape = after(shape, "certificateVerified", "revokedStatusInfo")
    assert_shape(view, after(shape, "certificateValidAtSigningTime", "exception"))
    assert view["revokedStatusInfo"] == {
        "revocationTime": "2026-03-01 16:00:00",
        "revocationTimeUtc": "2026-03-01T11:00:00Z",
        "crlReason": "keyCompromise",
    }
    assert [view[name] for name in BOOLEANS] == [True, False, False]


def test_revoked_after_the_stamp_is_shown_and_does_no_harm() -> None:
    view = view_of(stamped(), revoked(NOW + HOUR), GOOD)
    assert view["revokedStatusInfo"]["revocationTime"] == "2026-03-01 18:00:00"
    assert [view[name] for name in BOOLEANS] == [True, True, True]
    assert "exception" not in view


def test_an_unknown_status() -> None:
    view = view_of(signer_verdict(), UNKNOWN, GOOD)
    assert [view[name] for name in BOOLEANS] == [True, False, True]
    assert view["exception"] == "status_unknown: nobody answers"


def test_a_signer_without_certificate_and_time() -> None:
    nobody = replace(signer_verdict().signer, signing_time=None)
    verdict = signer_verdict(
        signer=nobody,
        chain=None,
        verified=False,
        time=None,
        failed=Step.CERTIFICATE,
        fault=SignedDataError("not in the message"),
    )
    view = view_of(verdict)
    assert list(view) == [
        "signerId",
        "signature",
        "digest",
        "certificate",
        "verified",
        "certificateVerified",
        "certificateValidAtSigningTime",
        "exception",
    ]
    assert [view[name] for name in BOOLEANS] == [False, False, False]
    assert view["certificate"] == []


def test_a_fault_of_the_stamp_is_told_in_the_stamp() -> None:
    verdict = stamped(chain=stamps_chain(valid_at_time=False))
    view = view_of(verdict, GOOD, GOOD)
    assert "exception" not in view
    assert view["timeStampInfo"]["exception"].startswith("stamp_certificate_expired: ")

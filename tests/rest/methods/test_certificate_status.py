"""A certificate alone: is it valid now, and what proves it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.calls import GivenStatuses, answer, refusal, verifier
from tests.support.pki import DAY, NOW, authority, ders, domain, stranger, user
from tests.support.stamps import usual
from tests.support.verdicts import HOUR, UNKNOWN, revoked
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.pki.status.standing import Standing
from tunnel_gateway.rest.methods.certificate_status import CertificateStatus, read_chain
from tunnel_gateway.rest.statuses import Reason, Refusal, status_of
from tunnel_gateway.rest.working import Threads


def method(threads: Threads, statuses: GivenStatuses | None = None) -> CertificateStatus:
    return CertificateStatus(verifier(threads, statuses))


def body(identity: Identity) -> bytes:
    return b"".join(ders(identity))


async def test_a_valid_certificate(threads: Threads) -> None:
    identity = user()
    info = (await answer(method(threads), body(identity)))["certificateInfo"]
    assert [name for name in info if not name.endswith("Utc")] == [
        "certificate",
        "OCSPResponse",
        "statusUpdatedAt",
        "statusNextUpdateAt",
        "certificateVerified",
        "certificateValid",
        "policyIdentifiers",
        "trustedCertificate",
    ]
    assert [one["serialNumber"] for one in info["certificate"]] == [
        link.serial_hex for link in identity.chain
    ]
    assert (info["certificateVerified"], info["certificateValid"]) == (True, True)


async def test_certificates_of_every_kind(threads: Threads) -> None:
    for identity in (domain(), usual(), authority().centre):
        assert await answer(method(threads), body(identity))


@pytest.mark.parametrize(
    ("standing", "reason", "number"),
    [
        (revoked(NOW - HOUR), Reason.CERTIFICATE_REVOKED, -11),
        (revoked(NOW + HOUR), Reason.CERTIFICATE_REVOKED, -11),
        (revoked(NOW - HOUR, "certificateHold"), Reason.CERTIFICATE_REVOKED, -11),
        (UNKNOWN, Reason.STATUS_UNKNOWN, -1),
    ],
)
async def test_statuses(threads: Threads, standing: Standing, reason: Reason, number: int) -> None:
    identity = user()
    ours = method(threads, GivenStatuses({identity.leaf.serial: standing}))
    refused = await refusal(ours, body(identity))
    assert (refused.reason, status_of(refused.reason)) == (reason, number)
    info = refused.fields["certificateInfo"]
    assert isinstance(info, dict)
    assert info["certificateVerified"] is False
    assert ("revokedStatusInfo" in info) == (reason is Reason.CERTIFICATE_REVOKED)


async def test_expired_and_unknown_certificates(threads: Threads) -> None:
    for identity, reason, number in (
        (user(not_after=NOW - DAY), Reason.CERTIFICATE_EXPIRED, -12),
        (user(stranger()), Reason.CERTIFICATE_UNTRUSTED, -11),
    ):
        refused = await refusal(method(threads), body(identity))
        assert (refused.reason, status_of(refused.reason)) == (reason, number)
        assert "certificateInfo" in refused.fields


async def test_without_its_centre(threads: Threads) -> None:
    refused = await refusal(method(threads), user().leaf.der)
    assert refused.reason is Reason.CERTIFICATE_UNTRUSTED


async def test_a_serial_number_with_its_issuer(threads: Threads) -> None:
    issuer = body(authority().centre)
    ours = method(threads, GivenStatuses({0xABC: revoked(NOW - HOUR), 0xDEF: UNKNOWN}))
    fine = (await answer(ours, issuer, query={"serial": "218711A92"}))["certificateInfo"]
    assert fine["serialNumber"] == "218711a92"
    assert fine["certificateVerified"] is True
    assert "certificateValid" not in fine
    assert [one["subjectInfo"]["CN"] for one in fine["certificate"]] == ["Development Centre"]
    for serial, reason in (
        ("abc", Reason.CERTIFICATE_REVOKED),
        ("def", Reason.STATUS_UNKNOWN),
    ):
        refused = await refusal(ours, issuer, query={"serial": serial})
        assert refused.reason is reason
        info = refused.fields["certificateInfo"]
        assert isinstance(info, dict)
        assert info["certificateVerified"] is False


async def test_a_serial_number_of_an_issuer_that_is_not_trusted(threads: Threads) -> None:
    for issuer, reason in (
        (stranger().centre, Reason.CERTIFICATE_UNTRUSTED),
        (user(stranger()), Reason.CERTIFICATE_UNTRUSTED),
    ):
        refused = await refusal(method(threads), body(issuer), query={"serial": "1"})
        assert refused.reason is reason
    centre = authority().centre.leaf.serial
    ours = method(threads, GivenStatuses({centre: revoked(NOW - HOUR)}))
    refused = await refusal(ours, body(authority().centre), query={"serial": "1"})
    assert refused.reason is Reason.CERTIFICATE_REVOKED


async def test_a_user_is_not_an_issuer(threads: Threads) -> None:
    refused = await refusal(method(threads), body(user()), query={"serial": "1"})
    assert (refused.reason, status_of(refused.reason)) == (Reason.CERTIFICATE_UNSUITABLE, -11)


@pytest.mark.parametrize("serial", ["", "0", "x", "0x12", "-1", "f" * 41, "١"])
async def test_what_is_no_serial_number(threads: Threads, serial: str) -> None:
    refused = await refusal(method(threads), body(authority().centre), query={"serial": serial})
    assert (refused.reason, status_of(refused.reason)) == (Reason.BAD_BODY, -400)


async def test_what_is_no_certificate(threads: Threads) -> None:
    for wrong in (b"", b"rubbish", b"\x04\x00", bytes(20_000), user().leaf.der[:-1]):
        refused = await refusal(method(threads), wrong)
        assert (refused.reason, status_of(refused.reason)) == (Reason.BAD_BODY, -400)
    refused = await refusal(method(threads), b"\x30\x00")
    assert (refused.reason, status_of(refused.reason)) == (Reason.CERTIFICATE_UNSUITABLE, -11)


@given(st.binary(max_size=100))
def test_any_bytes_are_split_or_refused(data: bytes) -> None:
    try:
        assert b"".join(read_chain(data)) == data
    except Refusal as refused:
        assert refused.reason is Reason.BAD_BODY  # noqa: PT017

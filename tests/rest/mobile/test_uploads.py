"""An upload must prove itself: nobody proves who sends it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.support.calls import verifier
from tests.support.messages import DOCUMENT, foreign, made, signer
from tests.support.mobile import WINDOW, signature
from tests.support.pki import DAY, NOW, stranger, user
from tunnel_gateway.cms.composing import attach, detach, join
from tunnel_gateway.errors import SignedDataError
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.pki.trust.validation import VerifiedPeer
from tunnel_gateway.rest.mobile.documents import MobileDocument, Purpose, new_document
from tunnel_gateway.rest.mobile.uploads import check_upload
from tunnel_gateway.rest.statuses import Reason, Refusal
from tunnel_gateway.rest.working import Threads

SIGN_IN = new_document(Purpose.SIGN_IN)
PAPER = new_document(Purpose.DOCUMENT)
SERIAL = signer().leaf.serial_hex

Check = Callable[..., VerifiedPeer]


@pytest.fixture
def check(threads: Threads) -> Check:
    judging = verifier(threads)

    def check(document: MobileDocument, message: bytes, serial: str = SERIAL) -> VerifiedPeer:
        return check_upload(judging, document, message, serial, WINDOW)

    return check


def reason_of(check: Check, document: MobileDocument, message: bytes, serial: str) -> Reason:
    with pytest.raises(Refusal) as caught:
        check(document, message, serial)
    return caught.value.reason


@pytest.mark.parametrize("document", [SIGN_IN, PAPER], ids=lambda one: one.purpose)
def test_a_right_one(check: Check, document: MobileDocument) -> None:
    assert check(document, signature(document)).leaf == signer().leaf


@pytest.mark.parametrize("form", ["{}", "00{}", "0{}"])
@pytest.mark.parametrize("case", [str.upper, str.lower])
def test_the_serial_number_in_other_forms(
    check: Check, form: str, case: Callable[[str], str]
) -> None:
    assert check(SIGN_IN, signature(SIGN_IN), form.format(case(SERIAL)))
    assert check(SIGN_IN, signature(SIGN_IN), form.format(signer().leaf.serial))


@pytest.mark.parametrize("form", ["", "0", "1", "{}0", "0x{}", "-{}", "ы"])
def test_another_serial_number(check: Check, form: str) -> None:
    serial = form.format(SERIAL)
    assert reason_of(check, SIGN_IN, signature(SIGN_IN), serial) is Reason.SIGNATURE_WRONG


def test_another_challenge(check: Check) -> None:
    message = signature(new_document(Purpose.SIGN_IN))
    assert reason_of(check, SIGN_IN, message, SERIAL) is Reason.DOCUMENT_CHANGED


def test_the_challenge_in_another_form(check: Check) -> None:
    for signed in (bytes.fromhex(SIGN_IN.challenge), SIGN_IN.challenge.lower().encode()):
        message = made(signed, detached=True).der
        assert reason_of(check, SIGN_IN, message, SERIAL) is Reason.DOCUMENT_CHANGED


@pytest.mark.parametrize("document", [SIGN_IN, PAPER], ids=lambda one: one.purpose)
def test_a_changed_signature(check: Check, document: MobileDocument) -> None:
    message = signature(document)
    changed = message[:-1] + bytes([message[-1] ^ 1])
    assert reason_of(check, document, changed, SERIAL) is Reason.SIGNATURE_WRONG


@pytest.mark.parametrize("document", [SIGN_IN, PAPER], ids=lambda one: one.purpose)
@pytest.mark.parametrize(
    ("identity", "reason"),
    [
        (user(stranger()), Reason.CERTIFICATE_UNTRUSTED),
        (user(key_usage=frozenset({"keyAgreement"})), Reason.CERTIFICATE_UNSUITABLE),
    ],
    ids=["stranger", "another purpose"],
)
def test_a_certificate_that_nobody_can_sign_in_with(
    check: Check, document: MobileDocument, identity: Identity, reason: Reason
) -> None:
    message = signature(document, identity)
    assert reason_of(check, document, message, identity.leaf.serial_hex) is reason


def test_a_certificate_that_has_ended_is_told_later(check: Check) -> None:
    """The page would wait for ever, and the user would not know why."""
    ended = user(not_before=NOW - 3 * DAY, not_after=NOW - DAY)
    assert check(SIGN_IN, signature(SIGN_IN, ended), ended.leaf.serial_hex).leaf == ended.leaf


@pytest.mark.parametrize("minutes", [-11, 11])
def test_a_document_that_was_not_signed_now(check: Check, minutes: int) -> None:
    """Anybody may have an old signature. A challenge has none: that it is late is told later."""
    then = NOW + timedelta(minutes=minutes)
    message = signature(PAPER, signing_time=then)
    assert reason_of(check, PAPER, message, SERIAL) is Reason.SIGNING_TIME_OFF
    assert check(SIGN_IN, signature(SIGN_IN, signing_time=then))


def test_the_document_inside(check: Check) -> None:
    message = attach(signature(PAPER), DOCUMENT)
    with pytest.raises(SignedDataError, match="must be detached"):
        check(PAPER, message)


def test_two_signers(check: Check) -> None:
    joined, _ = detach(join(made().der, made(identity=user()).der))
    with pytest.raises(SignedDataError, match="one signer, and not 2"):
        check(PAPER, joined)


def test_a_signer_by_another_standard(check: Check) -> None:
    message, _ = detach(join(made().der, foreign()))
    with pytest.raises(SignedDataError):
        check(PAPER, message)


@pytest.mark.parametrize("message", [b"", b"0", b"\x30\x80" * 100, bytes(65536)])
def test_no_message_at_all(check: Check, message: bytes) -> None:
    with pytest.raises(SignedDataError):
        check(SIGN_IN, message)


def test_a_document_is_bound_by_its_digest_alone(check: Check) -> None:
    """The document is not here: `verify` compares it."""
    message = made(b"anything", detached=True)
    assert check(PAPER, message.der)
    assert digest(b"anything") in message.der

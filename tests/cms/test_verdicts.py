"""The verdict of a message is that of its worst signer."""

from __future__ import annotations

import pytest

from tests.support.messages import made
from tests.support.pki import NOW
from tunnel_gateway.cms.signed_data import parse_signed_data
from tunnel_gateway.cms.verdicts import MessageVerdict, SignerVerdict, Step
from tunnel_gateway.errors import BadSignedDataError


def signer_verdict(failed: Step | None) -> SignerVerdict:
    (signer,) = parse_signed_data(made().der).signers
    return SignerVerdict(
        signer=signer,
        digest_verified=failed is not Step.DOCUMENT,
        verified=failed is None or failed > Step.SIGNATURE,
        chain=None,
        time=NOW,
        stamp=None,
        failed=failed,
        fault=None if failed is None else BadSignedDataError("as made"),
    )


@pytest.mark.parametrize(
    ("failed", "worst"),
    [
        ([None, None], None),
        ([None, Step.VALIDITY], Step.VALIDITY),
        ([Step.STAMP_VALIDITY, None, Step.VALIDITY], Step.VALIDITY),
        ([Step.PATH, Step.SIGNATURE, Step.STAMP_PATH], Step.SIGNATURE),
        ([Step.STAMP_PATH, Step.CERTIFICATE], Step.CERTIFICATE),
    ],
)
def test_the_most_basic_fault_of_all_signers_is_the_message_s(
    failed: list[Step | None], worst: Step | None
) -> None:
    signers = tuple(signer_verdict(step) for step in failed)
    assert MessageVerdict(None, signers, ()).failed == worst


def test_steps_are_in_order_without_a_gap() -> None:
    assert [step.value for step in Step] == list(range(1, len(Step) + 1))

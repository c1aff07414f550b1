"""A time stamp beside each signature of a message, for all methods that give one.

A signature that has a time stamp already gets no second one. A signature is stamped only if it is
right, and only if its certificate leads to a trust anchor: no other signature would ever be
accepted with this stamp, and strangers must not use up what the authority allows us. A signature
by another standard, beside one by ours, is left as it is.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from tunnel_gateway.cms import composing
from tunnel_gateway.cms.judging import judge
from tunnel_gateway.cms.signed_data import parse_signed_data
from tunnel_gateway.cms.signer_checks import is_national
from tunnel_gateway.errors import SignedDataError
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.encoding.oids import Family
from tunnel_gateway.rest.call import Caller
from tunnel_gateway.rest.outcomes import signer_outcome
from tunnel_gateway.rest.stamp_requests import StampRequests
from tunnel_gateway.rest.statuses import Reason, Refusal
from tunnel_gateway.rest.verification import Verifier
from tunnel_gateway.rest.views.certificate_view import View, subject_view


@dataclass(frozen=True, slots=True)
class Unstamped:
    """A right signature without a time stamp, and the short view of its certificate.

    ``imprint`` is the digest of the signature.
    """

    signature: bytes
    imprint: bytes
    family: Family
    subject: View


@dataclass(frozen=True, slots=True)
class TimeStamping:
    """Gets time stamps for the signatures of messages."""

    verifier: Verifier
    stamps: StampRequests

    async def stamped(self, caller: Caller, message: bytes) -> tuple[bytes, list[View]]:
        """Return the message with its time stamps, and the signers who got one. Raises Refusal."""
        threads, size = self.verifier.threads, len(message)
        unstamped = await threads.run(caller, size, self._examine, message)
        if unstamped:
            tokens = await self._tokens(caller, unstamped)
            message = await threads.run(caller, size, composing.stamp, message, tokens)
        return message, [one.subject for one in unstamped]

    async def _tokens(self, caller: Caller, unstamped: list[Unstamped]) -> dict[bytes, bytes]:
        """Return the time stamps by the signatures; if one is refused, no others are waited for."""
        try:
            async with asyncio.TaskGroup() as group:
                tasks = {
                    one.signature: group.create_task(
                        self.stamps.stamp(caller, one.imprint, one.family)
                    )
                    for one in unstamped
                }
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        return {signature: task.result() for signature, task in tasks.items()}

    def _examine(self, message: bytes) -> list[Unstamped]:
        """Return each signature that needs a time stamp, once: it may be in the message twice."""
        signed = parse_signed_data(message)
        signers = tuple(filter(is_national, signed.signers)) or signed.signers
        signers = tuple(signer for signer in signers if not signer.time_stamps)
        if not signed.signers:
            raise SignedDataError("nobody has signed it")
        if not signers:
            return []
        self.stamps.expect_set()
        # The document of a detached message is not here. The signers say what its digest is.
        actual = signers[0].message_digest if signed.content is None else digest(signed.content)
        verdict = judge(
            replace(signed, signers=signers),
            actual,
            self.verifier.validator,
            self.verifier.clock(),
        )
        unstamped: dict[bytes, Unstamped] = {}
        for signer in verdict.signers:
            finding = signer_outcome(signer, ()).finding
            unknown = finding is None or finding.reason is Reason.STATUS_UNKNOWN
            if finding is not None and not unknown:
                raise Refusal(finding.reason, finding.detail)
            if signer.chain is None:  # which gives a finding
                continue
            leaf = signer.chain.certificate
            subject = subject_view(self.verifier.views.of_proven(leaf))
            signature = signer.signer.signature
            unstamped[signature] = Unstamped(signature, digest(signature), leaf.family, subject)
        return list(unstamped.values())

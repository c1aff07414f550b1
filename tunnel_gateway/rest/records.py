"""The records of sign-ins, verifications and uploads of phones: a log line and an audit record.

Both have the verdict and the digest of the document, but never the document. The audit record names
every proven signer in full; the log masks names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from tunnel_gateway.daemon.audit.audit_trail import Audit
from tunnel_gateway.daemon.audit.persons import person_in_audit, person_in_log
from tunnel_gateway.daemon.audit.writer import timestamp
from tunnel_gateway.observability.few_lines import FewLines
from tunnel_gateway.observability.logs import get_logger
from tunnel_gateway.observability.masking import know_centres
from tunnel_gateway.pki.trust.validation import VerifiedPeer
from tunnel_gateway.rest.call import Call
from tunnel_gateway.rest.outcomes import SignerOutcome
from tunnel_gateway.rest.statuses import Refusal
from tunnel_gateway.rest.verification import Verified

log = get_logger(__name__)

_VALID = "valid"


@dataclass(slots=True)
class Record:
    """The facts that become known while a call is answered; the others stay None."""

    peer: VerifiedPeer | None = None
    verified: Verified | None = None


@dataclass(slots=True)
class UploadRecord:
    """An upload for a mobile document: its fields as they came.

    ``phone`` is the address of the phone, as the vendor's system tells it. ``peer`` is the proof
    of the signer, None until it is known.
    """

    document_id: str
    serial: str
    phone: str
    peer: VerifiedPeer | None = None


class Records:
    """Writes the log and the ``audit`` for the methods."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit
        self._few_lines = FewLines()

    def sign_in(self, call: Call) -> AbstractContextManager[Record]:
        """Report a sign-in with the facts of the record, once it succeeds or is refused."""
        return _reported(call, self._signed_in)

    def verification(self, call: Call) -> AbstractContextManager[Record]:
        """Report a verification in the same way."""
        return _reported(call, self._was_verified)

    def uploaded(self, call: Call, record: UploadRecord) -> None:
        """Report an upload that is kept."""
        facts = _upload_facts(call, record)
        log.info("mobile_upload", **facts, **_person_in_log(record.peer))
        person = person_in_audit(record.peer.leaf) if record.peer else {}
        self._audit.record("mobile_upload", {**facts, **person})

    def upload_refused(self, call: Call, record: UploadRecord, refusal: Refusal) -> None:
        """Report an upload that is not kept; anybody may send such uploads."""
        if (more := self._few_lines.admit()) is None:
            return
        facts = {**_upload_facts(call, record), "reason": refusal.reason}
        if refusal.detail:
            facts["detail"] = refusal.detail
        person = _person_in_log(record.peer) or {"serial": record.serial}
        log.warning("mobile_upload_refused", **facts, **person, **more)

    def _signed_in(self, call: Call, record: Record, verdict: str, detail: str) -> None:
        facts = _facts(call, verdict, detail)
        log.info("sign_in", **facts, **_person_in_log(record.peer))
        person = person_in_audit(record.peer.leaf) if record.peer else {}
        self._audit.record("sign_in", {**facts, **person})

    def _was_verified(self, call: Call, record: Record, verdict: str, detail: str) -> None:
        facts = {**_facts(call, verdict, detail), "path": call.path}
        verified = record.verified
        if verified is None:
            log.info("verification", **facts)
            self._audit.record("verification", facts)
            return
        facts |= {"digest": verified.digest.hex(), "signers": len(verified.outcomes)}
        log.info("verification", **facts, **_person_in_log(_peer_of(verified.outcomes[0])))
        if self._audit.enabled:
            each = {
                str(number): _signer_in_audit(outcome)
                for number, outcome in enumerate(verified.outcomes, 1)
            }
            self._audit.record("verification", {**facts, "signers": each})


@contextmanager
def _reported(call: Call, report: Callable[[Call, Record, str, str], None]) -> Iterator[Record]:
    record = Record()
    try:
        yield record
    except Refusal as refusal:
        report(call, record, refusal.reason, refusal.detail)
        raise
    report(call, record, _VALID, "")


def _facts(call: Call, verdict: str, detail: str) -> dict[str, object]:
    facts: dict[str, object] = {
        "client": call.caller.user or call.caller.source,
        "host": call.caller.host,
        "verdict": str(verdict),
    }
    if detail:
        facts["detail"] = detail
    return facts


def _upload_facts(call: Call, record: UploadRecord) -> dict[str, object]:
    phone = {"phone": record.phone} if record.phone else {}
    return {"client": call.caller.user, "document_id": record.document_id, **phone}


def _person_in_log(peer: VerifiedPeer | None) -> dict[str, object]:
    if peer is None:
        return {}
    know_centres(centre.subject for centre in peer.path[1:])
    return person_in_log(peer.leaf)


def _signer_in_audit(outcome: SignerOutcome) -> dict[str, object]:
    """Return a signer's facts; without a right signature and a path their name is not proven."""
    peer, verdict = _peer_of(outcome), outcome.verdict
    unproven: dict[str, object] = {"serial": verdict.signer.serial_hex}
    fields = unproven if peer is None else person_in_audit(peer.leaf)
    fields["verdict"] = _VALID if outcome.finding is None else str(outcome.finding.reason)
    if verdict.time is not None:
        fields["time"] = timestamp(verdict.time)
    return fields


def _peer_of(outcome: SignerOutcome) -> VerifiedPeer | None:
    """Return the proof of the person who signed, None if nobody is proven."""
    verdict = outcome.verdict
    return verdict.chain.peer if verdict.verified and verdict.chain else None

"""The log line and the audit record of a sign-in and of a verification."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.calls import CALLER, GivenStatuses, verifier
from tests.support.log_lines import read_records
from tests.support.messages import DOCUMENT, made, signer
from tests.support.pki import OFFICER, stranger, user
from tests.support.verdicts import UNKNOWN, signers_chain
from tunnel_gateway.cms.composing import join
from tunnel_gateway.daemon.audit.audit_trail import Audit
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.observability.logs import configure_logs
from tunnel_gateway.rest.call import Call
from tunnel_gateway.rest.records import Record, Records
from tunnel_gateway.rest.statuses import Reason, Refusal
from tunnel_gateway.rest.working import Threads

SIGN_IN = Call("/backend/auth", CALLER)
VERIFICATION = Call("/backend/pkcs7/verify/attached", CALLER)
LEAF = signer().leaf


class Kept:
    """Records with their log and their audit file."""

    def __init__(self, log: io.StringIO, folder: Path) -> None:
        configure_logs("json", "info", log)
        self._log = log
        self._path = folder / "audit.jsonl"
        self._audit = Audit(self._path)
        self.records = Records(self._audit)

    @property
    def line(self) -> dict[str, Any]:
        return [line for line in read_records(self._log.getvalue()) if "verdict" in line][-1]

    @property
    def audited(self) -> dict[str, Any]:
        self._audit.close()
        records = read_records(self._path.read_bytes())
        (only,) = [record for record in records if "verdict" in record]
        return only


@pytest.fixture
def kept(log: io.StringIO, tmp_path: Path) -> Kept:
    return Kept(log, tmp_path)


def test_a_sign_in(kept: Kept) -> None:
    with kept.records.sign_in(SIGN_IN) as record:
        record.peer = signers_chain().peer
    line = kept.line
    assert (line["event"], line["level"], line["verdict"]) == ("sign_in", "info", "valid")
    assert (line["client"], line["host"]) == ("192.0.2.7", "example.uz")
    assert (line["user"], line["serial"]) == ("G… O…", LEAF.serial_hex)
    assert "10000000000001" not in json.dumps(line)
    audited = kept.audited
    assert audited["event"] == "sign_in"
    assert audited["name"] == "G‘ANIYEV O‘KTAM"
    assert audited["pinfl"] == "10000000000001"
    assert audited["subject"] == LEAF.subject
    assert audited["client"] == "192.0.2.7"


def test_a_refused_sign_in_of_a_person_that_is_known(kept: Kept) -> None:
    def refuse() -> None:
        with kept.records.sign_in(SIGN_IN) as record:
            record.peer = signers_chain().peer
            raise Refusal(Reason.CHALLENGE_UNKNOWN, "why")

    with pytest.raises(Refusal):
        refuse()
    assert (kept.line["verdict"], kept.line["detail"]) == ("challenge_unknown", "why")
    audited = kept.audited
    assert (audited["verdict"], audited["pinfl"]) == ("challenge_unknown", "10000000000001")


def test_a_sign_in_of_nobody_names_nobody(kept: Kept) -> None:
    with pytest.raises(Refusal), kept.records.sign_in(SIGN_IN):
        raise Refusal(Reason.MALFORMED)
    assert "user" not in kept.line
    assert "name" not in kept.audited


async def verify(kept: Kept, threads: Threads, message: bytes, statuses: GivenStatuses) -> None:
    with kept.records.verification(VERIFICATION) as record:
        record.verified = await verifier(threads, statuses).verify(CALLER, message)
        record.verified.fields(with_content=True)


async def test_a_verification(kept: Kept, threads: Threads) -> None:
    await verify(kept, threads, made().der, GivenStatuses())
    line = kept.line
    assert (line["event"], line["level"], line["verdict"]) == ("verification", "info", "valid")
    assert line["path"] == VERIFICATION.path
    assert line["digest"] == digest(DOCUMENT).hex()
    assert (line["signers"], line["user"]) == (1, "G… O…")
    audited = kept.audited
    assert audited["digest"] == digest(DOCUMENT).hex()
    assert list(audited["signers"]) == ["1"]
    person = audited["signers"]["1"]
    assert (person["pinfl"], person["verdict"]) == ("10000000000001", "valid")
    assert person["time"] == "2026-03-01T12:00:00.000000Z"
    assert DOCUMENT.decode() not in json.dumps([line, audited])


async def test_each_signer_has_a_verdict(kept: Kept, threads: Threads) -> None:
    other = user(person=OFFICER)
    message = join(made().der, made(identity=other).der)
    statuses = GivenStatuses({other.leaf.serial: UNKNOWN})
    with pytest.raises(Refusal):
        await verify(kept, threads, message, statuses)
    assert (kept.line["verdict"], kept.line["signers"]) == ("status_unknown", 2)
    signers = kept.audited["signers"]
    assert [signers[key]["verdict"] for key in ("1", "2")] == ["valid", "status_unknown"]
    assert signers["2"]["inn"] == "300000001"


async def test_a_stranger_is_not_named(kept: Kept, threads: Threads) -> None:
    odd = user(stranger())
    with pytest.raises(Refusal):
        await verify(kept, threads, made(identity=odd).der, GivenStatuses())
    assert kept.line["verdict"] == "certificate_untrusted"
    assert "user" not in kept.line
    person = kept.audited["signers"]["1"]
    assert person["serial"] == odd.leaf.serial_hex
    assert "name" not in person


def test_a_message_that_cannot_be_read(kept: Kept) -> None:
    with pytest.raises(Refusal), kept.records.verification(VERIFICATION):
        raise Refusal(Reason.MALFORMED, "malformed: it breaks off")
    assert "digest" not in kept.line
    assert kept.audited["detail"] == "malformed: it breaks off"


def test_a_fault_of_this_program_is_no_verdict(kept: Kept) -> None:
    with pytest.raises(ZeroDivisionError), kept.records.sign_in(SIGN_IN):
        raise ZeroDivisionError
    assert kept.records is not None


def test_a_record_begins_empty() -> None:
    assert (Record().peer, Record().verified) == (None, None)

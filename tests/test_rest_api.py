"""The page about the REST API against the code: methods, reasons, and their order."""

from __future__ import annotations

import re
from pathlib import Path

from tunnel_gateway.rest.methods.auth import Auth
from tunnel_gateway.rest.methods.certificate_status import CertificateStatus
from tunnel_gateway.rest.methods.detach import Detach
from tunnel_gateway.rest.methods.join import Join
from tunnel_gateway.rest.methods.make_attached import MakeAttached
from tunnel_gateway.rest.methods.timestamp_data import TimestampData
from tunnel_gateway.rest.methods.timestamp_pkcs7 import TimestampPkcs7
from tunnel_gateway.rest.methods.verify_attached import VerifyAttached
from tunnel_gateway.rest.methods.verify_detached import VerifyDetached
from tunnel_gateway.rest.methods.verify_digest import VerifyDigest
from tunnel_gateway.rest.methods.verify_many import MAX_DOCUMENTS, VerifyMany
from tunnel_gateway.rest.statuses import STATUS_OF, Reason

PAGE = (Path(__file__).parents[1] / "docs/rest-api.md").read_text(encoding="utf-8")
METHODS = (
    Auth,
    CertificateStatus,
    Detach,
    Join,
    MakeAttached,
    TimestampData,
    TimestampPkcs7,
    VerifyAttached,
    VerifyDetached,
    VerifyDigest,
    VerifyMany,
)
_ROW = re.compile(r"^\| (-\d+) \| (`[a-z_`, ]+) \|", re.MULTILINE)


def test_every_method_is_there() -> None:
    for method in METHODS:
        for verb in method.verbs:
            assert f"| `{verb} {method.path}` |" in PAGE


def test_every_reason_of_a_verdict_is_there_in_its_order() -> None:
    written = [
        (int(number), Reason(word))
        for number, words in _ROW.findall(PAGE)
        for word in re.findall(r"`(\w+)`", words)
    ]
    known = [(int(STATUS_OF[reason]), reason) for reason in Reason if STATUS_OF[reason] > -400]
    assert written == known


def test_the_bounds_are_those_of_the_code() -> None:
    assert f"Up to {MAX_DOCUMENTS} messages in one call, 32 MiB together" in PAGE
    assert VerifyMany.wanted.raw == 32 * 1024 * 1024

"""The page about the REST API against the code: methods, reasons, and their order."""

from __future__ import annotations

import re
from pathlib import Path

from tunnel_gateway.rest.methods.auth import Auth
from tunnel_gateway.rest.methods.certificate_status import CertificateStatus
from tunnel_gateway.rest.methods.detach import Detach
from tunnel_gateway.rest.methods.join import Join
from tunnel_gateway.rest.methods.make_attached import MakeAttached
from tunnel_gateway.rest.methods.mobile_auth import MobileAuth
from tunnel_gateway.rest.methods.mobile_authenticate import MobileAuthenticate
from tunnel_gateway.rest.methods.mobile_sign import MobileSign
from tunnel_gateway.rest.methods.mobile_status import MobileStatus
from tunnel_gateway.rest.methods.mobile_upload import MobileUpload
from tunnel_gateway.rest.methods.mobile_verify import MobileVerify
from tunnel_gateway.rest.methods.timestamp_data import TimestampData
from tunnel_gateway.rest.methods.timestamp_pkcs7 import TimestampPkcs7
from tunnel_gateway.rest.methods.verify_attached import VerifyAttached
from tunnel_gateway.rest.methods.verify_detached import VerifyDetached
from tunnel_gateway.rest.methods.verify_digest import VerifyDigest
from tunnel_gateway.rest.methods.verify_many import MAX_DOCUMENTS, VerifyMany
from tunnel_gateway.rest.statuses import (
    BACKEND_MOBILE,
    FRONTEND_MOBILE,
    OF_PHONES,
    Reason,
    status_of,
)

PAGE = (Path(__file__).parents[1] / "docs/rest-api.md").read_text(encoding="utf-8")
METHODS = (
    Auth,
    CertificateStatus,
    Detach,
    Join,
    MakeAttached,
    MobileAuth,
    MobileAuthenticate,
    MobileSign,
    MobileStatus,
    MobileUpload,
    MobileVerify,
    TimestampData,
    TimestampPkcs7,
    VerifyAttached,
    VerifyDetached,
    VerifyDigest,
    VerifyMany,
)
_ROW = re.compile(r"^\| (-?\d+) \| (`[a-z_`, ]+) \|", re.MULTILINE)


def rows(heading: str) -> list[tuple[int, Reason]]:
    """Return the numbers and reasons of the table below a heading."""
    text = PAGE.partition(f"# {heading}\n")[2].partition("\n#")[0]
    return [
        (int(number), Reason(word))
        for number, words in _ROW.findall(text)
        for word in re.findall(r"`(\w+)`", words)
    ]


def test_every_method_is_there() -> None:
    for method in METHODS:
        for verb in method.verbs:
            assert f"| `{verb} {method.path}` |" in PAGE


def test_every_reason_of_a_verdict_is_there_in_its_order() -> None:
    assert rows("Status and reason") == [
        (status_of(reason), reason)
        for reason in Reason
        if status_of(reason) > -400 and reason not in OF_PHONES
    ]


def test_the_numbers_of_the_mobile_paths_are_there() -> None:
    told = set()
    for start in (FRONTEND_MOBILE, BACKEND_MOBILE):
        written = rows(f"At `{start}`")
        assert written == [(status_of(reason, start), reason) for _, reason in written]
        other = {one for one in Reason if status_of(one, start) != status_of(one)}
        reasons = {reason for _, reason in written}
        assert other <= reasons
        assert reasons <= other | OF_PHONES
        told |= reasons
    assert told >= OF_PHONES


def test_the_bounds_are_those_of_the_code() -> None:
    assert f"Up to {MAX_DOCUMENTS} messages in one call, 32 MiB together" in PAGE
    assert VerifyMany.wanted.raw == 32 * 1024 * 1024

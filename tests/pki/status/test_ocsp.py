"""OCSP answers: honest ones, and every lie that a responder or somebody between can tell."""

from __future__ import annotations

import shutil
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.pki import MADE, NOW, authority, stranger, user
from tests.support.revocation import HOUR, Reply, delegate
from tunnel_gateway.errors import RevocationDataError
from tunnel_gateway.pki.certificates.certificate import Certificate, to_pem
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.pki.status.ocsp import (
    MAX_ANSWER_SIZE,
    NONCE_SIZE,
    Answer,
    make_request,
    read_answer,
)
from tunnel_gateway.pki.status.revoked_info import RevokedInfo

NONCE = bytes(range(NONCE_SIZE))
USER = user().leaf


def centre() -> Identity:
    return authority().centre


def reply(signer: Identity | None = None, **facts: Any) -> bytes:
    facts = {"this_update": NOW - HOUR, "next_update": NOW + HOUR} | facts
    made = Reply(signer or centre(), centre().leaf, **facts)
    return made(make_request(USER, centre().leaf, NONCE))


def read(data: bytes, nonce: bytes | None = NONCE, certificate: Certificate = USER) -> Answer:
    return read_answer(data, certificate, centre().leaf, NOW, nonce)


@pytest.mark.parametrize("by_key", [True, False])
@pytest.mark.parametrize("nonce", [None, b""], ids=["echoed", "without a nonce"])
def test_the_issuer_says_good(by_key: bool, nonce: bytes | None) -> None:
    answer = read(reply(by_key=by_key, nonce=nonce))
    assert answer == Answer(
        centre().leaf.authority, USER.serial, None, NOW - HOUR, NOW + HOUR, None
    )


def test_the_issuer_says_revoked() -> None:
    answer = read(reply(status="revoked"))
    assert answer.revoked == RevokedInfo(NOW - HOUR, "keyCompromise")


def test_an_answer_that_was_kept_has_the_nonce_of_another_time() -> None:
    assert read(reply(nonce=bytes(32)), nonce=None).revoked is None


@pytest.mark.parametrize("nocheck", [True, False])
def test_a_delegated_responder(nocheck: bool) -> None:
    responder = delegate(centre(), "OCSPSigning", at=MADE, nocheck=nocheck)
    answer = read(reply(responder, shown=[centre().leaf, responder.leaf]))
    assert answer.responder == responder.leaf.serial


def test_without_a_next_update_it_holds_for_an_hour() -> None:
    early = NOW - timedelta(minutes=50)
    assert read(reply(unlimited=True, this_update=early)).expires == early + HOUR
    refused("expired", reply(unlimited=True, this_update=NOW - 2 * HOUR))


def refused(reason: str, data: bytes, **more: Any) -> None:
    with pytest.raises(RevocationDataError, match=reason):
        read(data, **more)


@pytest.mark.parametrize(
    ("reason", "facts"),
    [
        ("does not know", {"status": "unknown"}),
        ("not about certificate", {"serial": 1}),
        ("in the future", {"this_update": NOW + HOUR}),
        ("expired on", {"this_update": NOW - 3 * HOUR, "next_update": NOW - HOUR}),
        ("another nonce", {"nonce": bytes(32)}),
        ("critical extension", {"extension": "1.2.3.4"}),
    ],
)
def test_lies_of_the_right_signer(reason: str, facts: dict[str, Any]) -> None:
    refused(reason, reply(**facts))


def test_lies_about_the_signer() -> None:
    other = stranger().centre  # has the same name
    refused("does not verify with the issuer's key", reply(other))
    refused("not in it", reply(delegate(centre(), "OCSPSigning", at=MADE)))
    for purposes in (["clientAuth"], ["anyExtendedKeyUsage"]):
        wrong = delegate(centre(), *purposes, at=MADE)
        refused("no OCSPSigning", reply(wrong, shown=[wrong.leaf]))
    foreign = delegate(other, "OCSPSigning", at=MADE)
    refused("not one of the issuer's", reply(foreign, shown=[foreign.leaf]))
    above = delegate(authority().root, "OCSPSigning", at=MADE)
    refused("not one of the issuer's", reply(above, shown=[above.leaf]))
    expired = delegate(centre(), "OCSPSigning", at=MADE - timedelta(days=3650))
    refused("expired", reply(expired, shown=[expired.leaf]))
    forged = delegate(centre(), "OCSPSigning", at=MADE)
    theft = reply(forged, shown=[forged.leaf], key=user().private_key)
    refused("signature does not verify", theft)


def test_an_answer_about_another_issuers_certificate() -> None:
    with pytest.raises(RevocationDataError, match="not about"):
        read_answer(reply(), USER, authority().root.leaf, NOW, NONCE)


@pytest.mark.parametrize(
    ("reason", "data"),
    [
        ("malformed", b""),
        ("malformed", b"<html>"),
        ("malformed", b"\x30\x82\xff\xff"),
        ("try_later", b"\x30\x03\x0a\x01\x03"),
        ("limit", bytes(MAX_ANSWER_SIZE + 1)),
    ],
)
def test_garbage(reason: str, data: bytes) -> None:
    refused(reason, data)


def test_trailing_bytes_and_every_end() -> None:
    whole = reply()
    refused("malformed", whole + b"\0")
    for size in range(0, len(whole), 7):
        with pytest.raises(RevocationDataError):
            read(whole[:size])


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_flipped_byte_never_changes_what_it_says(place: int, mask: int) -> None:
    data = bytearray(reply(by_key=True, status="revoked"))
    data[place % len(data)] ^= mask
    try:
        answer = read(bytes(data))
    except RevocationDataError:
        return
    assert answer == read(reply(by_key=True, status="revoked"))


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not there to ask")
def test_openssl_reads_and_writes_the_same(tmp_path: Path) -> None:
    """An independent reader of our request, which names the certificate as it would itself."""
    request, issuer, leaf = (tmp_path / name for name in ("request", "issuer", "leaf"))
    request.write_bytes(make_request(USER, centre().leaf, NONCE))
    issuer.write_bytes(to_pem([centre().leaf]))
    leaf.write_bytes(to_pem([USER]))

    def openssl(*arguments: str | Path) -> list[str]:
        command = ["openssl", "ocsp", *arguments, "-req_text"]
        run = subprocess.run(command, capture_output=True, check=True, text=True)
        return [line.strip() for line in run.stdout.splitlines()]

    ours = openssl("-reqin", request)
    theirs = openssl("-issuer", issuer, "-cert", leaf, "-no_nonce")
    named = [line for line in theirs if line.startswith(("Issuer", "Serial", "Hash"))]
    assert len(named) == 4
    assert set(named) <= set(ours)
    assert any(NONCE.hex().upper() in line for line in ours)

"""What a centre answers, without its socket."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.centre import MemoryRegister, RunningCentre, running_centre
from tests.support.pki import authority
from tests.support.stamps import usual
from tunnel_gateway.centre.centre import LIFE, Centre
from tunnel_gateway.cms import time_stamp
from tunnel_gateway.cms.judging import judge_time_stamp
from tunnel_gateway.errors import FileError
from tunnel_gateway.gost.curves import CRYPTOPRO_C
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.authority import TIME_STAMP_POLICY
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.encoding.oids import FAMILY_2024
from tunnel_gateway.pki.status.crl import RevocationList
from tunnel_gateway.pki.status.ocsp import Answer, make_request, read_answer
from tunnel_gateway.pki.status.revoked_info import RevokedInfo

NONCE = bytes(range(32))
STAMPED = b"the bytes of a signature"


@pytest.fixture(
    scope="module",
    params=[{}, {"curve": CRYPTOPRO_C, "family": FAMILY_2024}],
    ids=["2009, curve A", "2024, curve C"],
)
def running(request: pytest.FixtureRequest) -> Iterator[RunningCentre]:
    with running_centre(**request.param) as made:
        yield made


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def status(running: RunningCentre, certificate: Certificate, issuer: Certificate) -> Answer:
    reply = running.centre.answer_status(make_request(certificate, issuer, NONCE), now())
    return read_answer(reply.der, certificate, issuer, now(), NONCE)


def test_the_status_of_a_user_and_of_the_centre(running: RunningCentre) -> None:
    user, centre = running.issue_user().leaf, running.authority.centre.leaf
    answer = status(running, user, centre)
    assert answer.revoked is None
    assert answer.expires - answer.this_update == LIFE
    assert answer.responder == running.responder.leaf.serial
    of_centre = status(running, centre, running.root)
    assert (of_centre.revoked, of_centre.responder) == (None, None)


def test_the_list_says_the_same_as_the_answers(running: RunningCentre) -> None:
    centre = running.authority.centre.leaf
    users = [running.issue_user() for _ in range(3)]
    yesterday = now() - timedelta(days=1)
    running.revoke(users[0], "keyCompromise", yesterday)
    running.suspend(users[1])

    def listed() -> RevocationList:
        made = RevocationList(running.centre.list_of("centre", now()).der)
        made.proven_by(centre)
        made.check_current(now())
        assert made.this_update < now() < made.next_update
        return made

    first = listed()
    for user in users:
        said = status(running, user.leaf, centre).revoked
        assert said == first.revoked(user.leaf.serial)
    assert first.revoked(users[0].leaf.serial) == RevokedInfo(yesterday, "keyCompromise")
    held = first.revoked(users[1].leaf.serial)
    assert held is not None
    assert held.reason == "certificateHold"
    running.restore(users[1])
    assert status(running, users[1].leaf, centre).revoked is None
    assert listed().revoked(users[1].leaf.serial) is None
    of_root = RevocationList(running.centre.list_of("root", now()).der)
    of_root.proven_by(running.root)
    assert of_root.entries() == {}


def test_certificates(running: RunningCentre) -> None:
    assert running.centre.certificate_of("root").der == running.root.der
    assert running.centre.certificate_of("centre").der == running.authority.centre.leaf.der


def test_a_time_stamp(running: RunningCentre) -> None:
    request = time_stamp.make_request(digest(STAMPED), running.root.family, NONCE[:16])
    reply = running.centre.stamp(request, now())
    assert reply.said == "granted"
    token = time_stamp.read_answer(reply.der, digest(STAMPED), NONCE[:16])
    verdict = judge_time_stamp(token, digest(STAMPED), running.validator(), now())
    assert verdict.fault is None
    stamp, chain = verdict.stamp, verdict.chain
    assert stamp is not None
    assert chain is not None
    assert chain.certificate == running.time_stamper.leaf
    assert stamp.policy == TIME_STAMP_POLICY
    assert stamp.authority_name == f"6: {running.services.tsa}"
    assert status(running, chain.certificate, running.authority.centre.leaf).revoked is None


def test_a_refused_time_stamp(running: RunningCentre) -> None:
    assert running.centre.stamp(b"nothing", now()).said.startswith("rejection; ")


def test_every_algorithm_is_the_authoritys(running: RunningCentre) -> None:
    leaves = [running.responder.leaf, running.time_stamper.leaf, running.issue_user().leaf]
    assert {leaf.family for leaf in leaves} == {running.root.family}
    assert {leaf.public_key.curve for leaf in leaves} == {running.root.public_key.curve}


def test_an_authority_without_addresses() -> None:
    with pytest.raises(FileError, match="name no address"):
        Centre(
            authority(),
            responder=usual(),
            time_stamper=usual(),
            register=MemoryRegister(),
            entropy=os.urandom,
        )

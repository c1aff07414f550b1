"""``tunnel-gateway pki serve``: the real program, asked for everything that a centre answers."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.centre import ask
from tests.support.credentials import Credentials, Holder
from tests.support.house import house
from tests.support.pki import PERSON
from tests.support.processes import (
    COMMAND,
    LoggingProgram,
    Program,
    ReservedPort,
    check_event,
)
from tunnel_gateway.centre.authority_folder import AuthorityFolder
from tunnel_gateway.cli.main import main
from tunnel_gateway.cms import time_stamp
from tunnel_gateway.cms.judging import judge_time_stamp
from tunnel_gateway.errors import AlertReceivedError, RevocationDataError
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.observability.centre_events import CENTRE_EVENTS
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.files.keyfiles import load_certificates, load_identity
from tunnel_gateway.pki.services import Services
from tunnel_gateway.pki.status.crl import RevocationList
from tunnel_gateway.pki.status.ocsp import NONCE_SIZE, make_request, read_answer
from tunnel_gateway.pki.status.revoked_info import HOLD, RevokedInfo
from tunnel_gateway.pki.trust.validation import ChainValidator


class Served:
    """An authority in a folder, and the program that answers for it."""

    def __init__(self, path: Path) -> None:
        reserved = ReservedPort()
        self.services = Services(reserved.number)
        self.path = path
        self.folder = AuthorityFolder(path)
        assert main(["pki", "init", str(path), "--address", self.services.base]) == 0
        self.root, self.centre = (
            load_certificates(path / f"ca/{name}.pem")[0] for name in ("root", "centre")
        )
        self.program = LoggingProgram("the centre", *COMMAND, "pki", "serve", str(path))
        self.said = self.program.next_output()
        reserved.close()

    def issue(self, name: str) -> Path:
        """A new user; returns the file with their chain."""
        assert main(["pki", "issue", str(self.path), "--user", name]) == 0
        return self.folder.user_folder(name) / "chain.pem"

    def revoke(self, chain: Path, *options: str) -> int:
        return main(["pki", "revoke", str(self.path), str(chain), *options])

    def status(self, certificate: Certificate, issuer: Certificate) -> RevokedInfo | None:
        """Ask where the certificate says."""
        assert certificate.ocsp_urls == (self.services.ocsp,)
        nonce = os.urandom(NONCE_SIZE)
        answer = ask(self.services, "POST", "/ocsp", make_request(certificate, issuer, nonce))
        return read_answer(answer.body, certificate, issuer, datetime.now(UTC), nonce).revoked

    def listed(self) -> dict[int, RevokedInfo]:
        """Read the list of the centre, which must be current."""
        read = RevocationList(ask(self.services, "GET", "/crl/centre.crl").body)
        read.proven_by(self.centre)
        read.check_current(datetime.now(UTC))
        return read.entries()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    made = Served(tmp_path_factory.mktemp("served") / "dev")
    yield made
    made.program.signal(signal.SIGTERM)
    assert made.program.exit_code() == 0
    for line in made.program.records():
        check_event(line, CENTRE_EVENTS)
        assert line["event"] != "internal_error"


def test_it_says_where_it_is_and_what_for(served: Served) -> None:
    assert served.said == {
        "address": served.services.base,
        "ocsp": served.services.ocsp,
        "tsa": served.services.tsa,
        "crl": [served.services.list_of(name) for name in ("root", "centre")],
        "certificates": [served.services.certificate_of(name) for name in ("root", "centre")],
    }
    line = served.program.logged("centre_listening", address=served.services.base)
    assert "for development and tests" in line["detail"]


def test_everything_of_pki_init_is_good(served: Served) -> None:
    chains = sorted(served.path.rglob("chain.pem"))
    assert len(chains) == 3
    for path in (*chains, served.path / "ca/tsa.pem"):
        leaf, centre = load_certificates(path)
        assert served.status(leaf, centre) is None
        assert served.status(centre, served.root) is None
    data = ask(served.services, "GET", "/certificates/centre.cer").body
    assert Certificate.from_der(data) == served.centre


@pytest.mark.parametrize(
    ("options", "reason"), [((), None), (("--reason", "keyCompromise"), "keyCompromise")]
)
def test_a_revocation_shows_at_once(
    served: Served, options: tuple[str, ...], reason: str | None
) -> None:
    chain = served.issue(f"revoked {reason}")
    leaf = load_certificates(chain)[0]
    assert served.status(leaf, served.centre) is None
    before = datetime.now(UTC).replace(microsecond=0)
    assert served.revoke(chain, *options) == 0
    info = served.status(leaf, served.centre)
    assert info is not None
    assert info.since is not None
    assert before <= info.since <= datetime.now(UTC)
    assert info.reason == reason
    assert served.listed()[leaf.serial] == info


def test_a_suspension_is_taken_back(served: Served) -> None:
    chain = served.issue("suspended")
    leaf = load_certificates(chain)[0]
    assert served.revoke(chain, "--hold") == 0
    info = served.status(leaf, served.centre)
    assert info is not None
    assert info.reason == HOLD
    assert served.revoke(chain, "--release") == 0
    assert served.status(leaf, served.centre) is None
    assert leaf.serial not in served.listed()


def test_a_certificate_that_it_did_not_issue(served: Served) -> None:
    foreign = served.folder.authority().issue_user(
        PERSON, now=datetime.now(UTC), entropy=os.urandom
    )
    with pytest.raises(RevocationDataError, match="does not know"):
        served.status(foreign.leaf, served.centre)


def test_a_time_stamp(served: Served) -> None:
    nonce = os.urandom(time_stamp.NONCE_SIZE)
    request = time_stamp.make_request(digest(b"a signature"), served.root.family, nonce)
    answer = ask(served.services, "POST", "/tsa", request)
    token = time_stamp.read_answer(answer.body, digest(b"a signature"), nonce)
    verdict = judge_time_stamp(
        token, digest(b"a signature"), ChainValidator([served.root]), datetime.now(UTC)
    )
    assert verdict.fault is None
    stamp = verdict.stamp
    assert stamp is not None
    assert stamp.policy == "1.2.860.3.2.11.1"
    assert stamp.authority_name == f"6: {served.services.tsa}"
    assert abs((datetime.now(UTC) - stamp.time).total_seconds()) < 60


def test_a_list_that_cannot_be_read(served: Served) -> None:
    chain = served.path / "users/citizen/chain.pem"
    leaf = load_certificates(chain)[0]
    path = served.folder.list_path("centre")
    assert served.revoke(chain, "--hold") == 0
    assert served.revoke(chain, "--release") == 0
    kept = path.read_bytes()
    path.write_bytes(b"not a list")
    for answer in (
        ask(served.services, "GET", "/crl/centre.crl"),
        ask(served.services, "POST", "/ocsp", make_request(leaf, served.centre, bytes(32))),
    ):
        assert answer.status == 503
        assert "move it away" in answer.body.decode()
    path.write_bytes(kept)
    assert served.status(leaf, served.centre) is None


def test_a_second_one_finds_the_port_taken(served: Served) -> None:
    second = Program("a second one", *COMMAND, "pki", "serve", str(served.path))
    assert second.exit_code() == 1
    (line,) = second.errors
    assert "in use" in line
    assert "pki init --address" in line


@pytest.mark.parametrize("missing", ["root", "tsa", "ocsp"])
def test_a_folder_without_a_part_of_the_authority(
    served: Served, tmp_path: Path, missing: str
) -> None:
    """As an earlier version made it, or as nobody did."""
    path = tmp_path / "dev"
    shutil.copytree(served.path, path)
    (path / f"ca/{missing}.key.pem").unlink()
    program = Program("the centre", *COMMAND, "pki", "serve", str(path))
    assert program.exit_code() == 1
    (line,) = program.errors
    assert f"ca/{missing}.key.pem: not there; name the DIR of a pki init" in line


class FolderCredentials(Credentials):
    """What a gateway and its clients need, from the folder of `pki init`."""

    def __init__(self, served: Served) -> None:
        self.folder = served.path
        self.authority = served.folder.authority()
        self.truststore = served.path / "truststore.pem"
        self.servers = served.path / "servers"
        self.citizen = self.holder("citizen")

    def holder(self, name: str) -> Holder:
        folder = self.folder / "users" / name
        key, chain = folder / "key.pem", folder / "chain.pem"
        return Holder(key, chain, load_identity(key, chain))


async def test_a_gateway_that_asks_it(served: Served, tmp_path: Path) -> None:
    """Without a network: the gateway learns from the certificates alone where to ask."""
    credentials = FolderCredentials(served)
    served.issue("never good")
    revoked = credentials.holder("never good")
    assert served.revoke(revoked.chain) == 0
    settings = {"revocation": "hard", "revocation_recheck": 1}
    async with house(credentials, tmp_path, **settings) as made:
        with pytest.raises(AlertReceivedError, match="certificate_revoked"):
            await made.client(identity=revoked.identity)
        _, page, destination = await made.open()
        # A user who is revoked while the tunnel is open.
        assert served.revoke(credentials.citizen.chain) == 0
        await page.saw("lost")
        destination.close()
        assert "certificate_revoked" in str(page.error)
        with pytest.raises(AlertReceivedError, match="certificate_revoked"):
            await made.client()

"""OpenSSL with its gost-engine asks a running development authority, as a client of a centre does.

It does not know the national identifiers. So the authority runs under the CryptoPro identifiers of
the same algorithms, as in ``test_cms``; all the rest of it is as in ``pki serve``.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from asn1crypto import keys

from tests.interop.gost_engine import DIGEST_OID, PUBLIC_KEY_OID, GostEngine
from tests.interop.test_cms import CRYPTOPRO
from tests.support.centre import RunningCentre, running_centre
from tunnel_gateway.cms import stamping
from tunnel_gateway.pki import responding
from tunnel_gateway.pki.certificates import certificate
from tunnel_gateway.pki.certificates.certificate import to_pem
from tunnel_gateway.pki.encoding import oids, pem
from tunnel_gateway.pki.files.keyfiles import Identity

ALGORITHMS = frozenset({CRYPTOPRO.signature_oid, CRYPTOPRO.digest_oid, PUBLIC_KEY_OID, DIGEST_OID})


class Asker:
    """OpenSSL, and the certificates of the authority in files."""

    def __init__(self, engine: GostEngine, centre: RunningCentre, folder: Path) -> None:
        self.openssl = engine
        self.centre = centre
        self.folder = folder
        self.root = self.write("root.pem", to_pem([centre.root]))
        self.issuer = self.write("centre.pem", to_pem([centre.authority.centre.leaf]))

    def write(self, name: str, data: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(data)
        return path

    def user(self) -> tuple[Identity, Path]:
        user = self.centre.issue_user()
        return user, self.write(f"{user.leaf.serial_hex}.pem", to_pem([user.leaf]))

    def status(self, path: Path, issuer: Path, *options: str) -> str:
        """What OpenSSL says of the answer about a certificate, once it has verified it."""
        said = self.openssl(
            *("ocsp", "-url", self.centre.services.ocsp, *options),
            *("-CAfile", self.root, "-issuer", issuer, "-cert", path),
        )
        return said.decode().replace(f"{path}: ", "")

    def verify(self, path: Path) -> bool:
        """Check a certificate against lists that OpenSSL fetches where the certificates say."""
        check = ("verify", "-CAfile", self.root, "-untrusted", self.issuer, "-crl_download")
        # OpenSSL wants a list about the root too, which names no place for it.
        data = self.centre.ask("GET", "/crl/root.crl").body
        of_root = self.write("root.crl", pem.armour("X509 CRL", data))
        return self.openssl.accepts(*check, "-crl_check_all", "-CRLfile", of_root, path)


@pytest.fixture(scope="module")
def asker(gost_engine: GostEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asker]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(certificate, "SIGNATURE_OIDS", ALGORITHMS)
        for module in (stamping, responding):
            patch.setattr(module, "DIGEST_OIDS", ALGORITHMS)
        patch.setitem(oids.FAMILY_BY_KEY_OID, CRYPTOPRO.key_oid, CRYPTOPRO)
        specs = keys.PublicKeyAlgorithm._oid_specs
        patch.setitem(specs, CRYPTOPRO.key_oid, oids.KeyParameters)
        with running_centre(family=CRYPTOPRO) as centre:
            yield Asker(gost_engine, centre, tmp_path_factory.mktemp("centre"))


@pytest.mark.parametrize("options", [(), ("-sha256",), ("-no_nonce",)])
def test_good(asker: Asker, options: tuple[str, ...]) -> None:
    _, path = asker.user()
    said = asker.status(path, asker.issuer, *options)
    assert said.startswith("good\n")
    assert asker.status(asker.issuer, asker.root, *options).startswith("good\n")
    assert asker.verify(path)


def test_revoked(asker: Asker) -> None:
    user, path = asker.user()
    since = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    asker.centre.revoke(user, "keyCompromise", since)
    said = asker.status(path, asker.issuer)
    assert said.startswith("revoked\n")
    assert "Reason: keyCompromise" in said
    assert f"Revocation Time: {since:%b %e %H:%M:%S %Y} GMT" in said
    assert not asker.verify(path)


def test_suspended_and_restored(asker: Asker) -> None:
    user, path = asker.user()
    asker.centre.suspend(user)
    assert "Reason: certificateHold" in asker.status(path, asker.issuer)
    assert not asker.verify(path)
    asker.centre.restore(user)
    assert asker.status(path, asker.issuer).startswith("good\n")
    assert asker.verify(path)


def test_unknown(asker: Asker) -> None:
    user, path = asker.user()
    asker.centre.forget(user)
    assert asker.status(path, asker.issuer).startswith("unknown\n")


def test_a_request_by_get(asker: Asker) -> None:
    _, path = asker.user()
    request, answer = asker.folder / "request", asker.folder / "answer"
    asker.openssl("ocsp", "-issuer", asker.issuer, "-cert", path, "-reqout", request)
    text = quote(b64encode(request.read_bytes()), safe="")
    answer.write_bytes(asker.centre.ask("GET", f"/ocsp/{text}").body)
    check = ("ocsp", "-respin", answer, "-reqin", request, "-CAfile", asker.root)
    said = asker.openssl(*check, "-verify_other", asker.issuer, "-resp_text").decode()
    assert "Cert Status: good" in said


def test_lists(asker: Asker) -> None:
    user, _ = asker.user()
    asker.centre.revoke(user, "cessationOfOperation")
    data = asker.centre.ask("GET", "/crl/centre.crl").body
    path = asker.write("list", data)
    shown = asker.openssl("crl", "-inform", "DER", "-in", path, "-text", "-noout").decode()
    assert f"Serial Number: {user.leaf.serial:X}" in shown
    assert "Cessation Of Operation" in shown
    check = ("crl", "-inform", "DER", "-in", path, "-noout", "-CAfile")
    assert asker.openssl.accepts(*check, asker.issuer)
    assert not asker.openssl.accepts(*check, asker.root)


@pytest.mark.parametrize("with_certificates", [True, False])
def test_time_stamps(asker: Asker, with_certificates: bool) -> None:
    document = asker.write("document", b"\x00a document\xff")
    query, answer = asker.folder / "query", asker.folder / "stamped"
    asker.openssl(
        *("ts", "-query", "-data", document, "-md_gost94", "-out", query),
        *(["-cert"] if with_certificates else []),
    )
    answer.write_bytes(asker.centre.ask("POST", "/tsa", query.read_bytes()).body)
    shown = asker.openssl("ts", "-reply", "-in", answer, "-text").decode()
    assert "Policy OID: 1.2.860.3.2.11.1" in shown
    assert f"TSA: URI:{asker.centre.services.tsa}" in shown
    check: list[str | Path] = ["ts", "-verify", "-in", answer, "-CAfile", asker.root]
    if not with_certificates:
        assert not asker.openssl.accepts(*check, "-queryfile", query)
        chain = asker.write("chain.pem", to_pem(asker.centre.time_stamper.chain))
        check += ["-untrusted", chain]
    assert asker.openssl.accepts(*check, "-queryfile", query)
    other = asker.write("other", b"\x00another document\xff")
    assert not asker.openssl.accepts(*check, "-data", other)


def test_a_refused_time_stamp(asker: Asker) -> None:
    document = asker.write("document", b"a document")
    query = asker.folder / "query"
    asker.openssl("ts", "-query", "-data", document, "-sha256", "-out", query)
    answer = asker.write("refused", asker.centre.ask("POST", "/tsa", query.read_bytes()).body)
    shown = asker.openssl("ts", "-reply", "-in", answer, "-text").decode()
    assert "Status: Rejected." in shown
    assert "unrecognized or unsupported algorithm" in shown

"""Whole messages that OpenSSL with its gost-engine makes are verified here, and ours there.

It does not know the national identifiers, so our code runs under the CryptoPro identifiers of the
same algorithms, as in ``test_cms``.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from asn1crypto import keys

from tests.interop.gost_engine import DIGEST_OID, PUBLIC_KEY_OID, GostEngine, private_key_pem
from tests.interop.test_cms import CRYPTOPRO, on_each_curve, relabelled
from tests.support.messages import DOCUMENT
from tests.support.pki import NOW, authority, user
from tunnel_gateway.cms import composing, signed_data, signer_checks, time_stamp
from tunnel_gateway.cms.frame import MAX_SIGNERS
from tunnel_gateway.cms.judging import document_digest, judge
from tunnel_gateway.cms.signed_data import parse_signed_data
from tunnel_gateway.cms.signing import sign_data
from tunnel_gateway.cms.verdicts import MessageVerdict, Step
from tunnel_gateway.gost.curves import CRYPTOPRO_A, CURVES, Curve
from tunnel_gateway.pki.certificates import certificate
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.encoding import oids, pem
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.pki.trust import paths
from tunnel_gateway.pki.trust.validation import ChainValidator

ALGORITHMS = frozenset({CRYPTOPRO.signature_oid, CRYPTOPRO.digest_oid, PUBLIC_KEY_OID, DIGEST_OID})
# A message has 64 MiB at most.
LARGE = 63 * 1024 * 1024


@pytest.fixture
def under_cryptopro(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (signed_data, signer_checks, certificate, paths):
        monkeypatch.setattr(module, "SIGNATURE_OIDS", ALGORITHMS)
    for module in (signed_data, signer_checks, time_stamp):
        monkeypatch.setattr(module, "DIGEST_OIDS", ALGORITHMS)
    monkeypatch.setitem(oids.FAMILY_BY_KEY_OID, CRYPTOPRO.key_oid, CRYPTOPRO)
    specs = keys.PublicKeyAlgorithm._oid_specs
    monkeypatch.setitem(specs, CRYPTOPRO.key_oid, oids.KeyParameters)


class Signers:
    """Users and their centre under OpenSSL's identifiers, also in files."""

    def __init__(self, folder: Path, curves: list[Curve]) -> None:
        self.folder = folder
        root, centre = authority().root, authority().centre
        self.root = relabelled(root.leaf, root, root.leaf.public_key.curve)
        self.centre = relabelled(centre.leaf, root, centre.leaf.public_key.curve)
        self.identities = [user(curve=curve) for curve in curves]
        self.leaves = [
            relabelled(each.leaf, centre, each.leaf.public_key.curve) for each in self.identities
        ]
        for name, der in (("root", self.root), ("centre", self.centre)):
            (folder / f"{name}.pem").write_bytes(pem.armour("CERTIFICATE", der))
        for number, (each, der) in enumerate(zip(self.identities, self.leaves, strict=True)):
            (folder / f"{number}.pem").write_bytes(pem.armour("CERTIFICATE", der))
            (folder / f"{number}.key").write_text(private_key_pem(each.private_key))

    def sign_there(self, engine: GostEngine, document: bytes, *options: str) -> bytes:
        signers: list[str | Path] = []
        for number in range(len(self.identities)):
            signers += ["-signer", self.folder / f"{number}.pem"]
            signers += ["-inkey", self.folder / f"{number}.key"]
        command: list[str | Path] = ["cms", "-sign", "-binary", "-md", "md_gost94"]
        command += ["-outform", "DER", "-certfile", self.folder / "centre.pem"]
        return engine(*command, *options, *signers, data=document)

    def sign_here(self, document: bytes) -> bytes:
        message = b""
        for each, leaf in zip(self.identities, self.leaves, strict=True):
            one = self._sign_one(each, leaf, document)
            message = composing.join(message, one) if message else one
        return message

    def _sign_one(self, identity: Identity, leaf: bytes, document: bytes) -> bytes:
        return sign_data(
            identity.private_key,
            [leaf, self.centre],
            CRYPTOPRO,
            document,
            detached=False,
            signing_time=NOW,
            entropy=os.urandom,
        ).der

    def judge(self, message: bytes, document: bytes | None = None) -> MessageVerdict:
        signed = parse_signed_data(message)
        validator = ChainValidator([Certificate.from_der(self.root)])
        digest = document_digest(signed, document)
        verdict = judge(signed, digest, validator, datetime.now(UTC))
        for one, leaf in zip(verdict.signers, self.leaves, strict=False):
            assert one.chain is not None
            assert one.chain.peer is not None, one.chain.fault
            assert one.chain.certificate.der in self.leaves
            assert leaf in self.leaves
        return verdict

    def accepted_there(self, engine: GostEngine, message: bytes, *options: str | Path) -> bool:
        (self.folder / "message").write_bytes(message)
        check: list[str | Path] = ["cms", "-verify", "-binary", "-inform", "DER"]
        check += ["-in", self.folder / "message", "-CAfile", self.folder / "root.pem"]
        check += ["-attime", str(int(NOW.timestamp())), "-purpose", "any"]
        return engine.accepts(*check, "-out", self.folder / "out", *options)


@pytest.mark.usefixtures("under_cryptopro")
@on_each_curve
@pytest.mark.parametrize("options", [(), ("-stream",)], ids=["DER", "BER"])
# Not the empty document: for it the engine's digest is another than the published one.
@pytest.mark.parametrize("document", [b"x", DOCUMENT, b"\xff" * 100_000], ids=len)
def test_one_signer_of_openssl(
    gost_engine: GostEngine,
    tmp_path: Path,
    curve: Curve,
    options: tuple[str, ...],
    document: bytes,
) -> None:
    signers = Signers(tmp_path, [curve])
    attached = signers.sign_there(gost_engine, document, "-nodetach", *options)
    verdict = signers.judge(attached)
    assert verdict.content == document
    assert [one.verified for one in verdict.signers] == [True]
    if options:  # OpenSSL streams only what it attaches
        return
    detached = signers.sign_there(gost_engine, document)
    assert [one.verified for one in signers.judge(detached, document).signers] == [True]
    other = signers.judge(detached, document + b"x")
    assert other.failed is Step.DOCUMENT


@pytest.mark.usefixtures("under_cryptopro")
@pytest.mark.parametrize("count", [2, MAX_SIGNERS])
def test_many_signers(gost_engine: GostEngine, tmp_path: Path, count: int) -> None:
    signers = Signers(tmp_path, [CURVES[number % len(CURVES)] for number in range(count)])
    verdict = signers.judge(signers.sign_there(gost_engine, DOCUMENT, "-nodetach", "-stream"))
    assert [one.verified for one in verdict.signers] == [True] * count
    ours = signers.sign_here(DOCUMENT)
    assert signers.judge(ours).failed is None
    assert signers.accepted_there(gost_engine, ours)
    assert (tmp_path / "out").read_bytes() == DOCUMENT
    assert not signers.accepted_there(gost_engine, ours[:-1] + bytes([ours[-1] ^ 1]))


@pytest.mark.usefixtures("under_cryptopro")
def test_a_document_of_the_largest_size(gost_engine: GostEngine, tmp_path: Path) -> None:
    signers = Signers(tmp_path, [CRYPTOPRO_A])
    document = os.urandom(1024) * (LARGE // 1024)
    verdict = signers.judge(signers.sign_there(gost_engine, document, "-nodetach", "-stream"))
    assert [one.verified for one in verdict.signers] == [True]
    assert verdict.content == document
    # OpenSSL takes its time for a whole one.
    part = document[: LARGE // 16]
    assert signers.accepted_there(gost_engine, signers.sign_here(part))

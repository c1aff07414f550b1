"""OpenSSL with its gost-engine verifies time stamps of ours, and makes one that holds here.

It does not know the national identifiers. So our code runs under the CryptoPro identifiers of the
same algorithms, as in ``test_cms``.
"""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from asn1crypto import keys, tsp

from tests.interop.gost_engine import DIGEST_OID, PUBLIC_KEY_OID, GostEngine, private_key_pem
from tests.interop.test_cms import CRYPTOPRO, on_each_curve, relabelled
from tests.support.pki import NOW, authority
from tests.support.stamps import POLICY, stamper
from tunnel_gateway.cms import signed_data, signer_checks, time_stamp
from tunnel_gateway.cms.shown_certificates import ShownCertificates
from tunnel_gateway.cms.signing import sign_data
from tunnel_gateway.gost.curves import Curve
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.certificates import certificate
from tunnel_gateway.pki.encoding import ber, oids, pem, tags
from tunnel_gateway.pki.files.keyfiles import Identity

STAMPED = b"\x00the bytes of a signature\xff"
NONCE = bytes(range(16))
ALGORITHMS = frozenset({CRYPTOPRO.signature_oid, CRYPTOPRO.digest_oid, PUBLIC_KEY_OID, DIGEST_OID})

CONFIGURATION = """\
[tsa]
default_tsa = authority
[authority]
serial = {folder}/serial
signer_cert = {folder}/signer.pem
certs = {folder}/centre.pem
signer_key = {folder}/key.pem
signer_digest = md_gost94
default_policy = {policy}
digests = md_gost94
ess_cert_id_alg = sha256
accuracy = secs:1
tsa_name = yes
"""


def files(identity: Identity, folder: Path) -> list[bytes]:
    """Certificates of an authority and its centre under OpenSSL's identifiers, also in files."""
    root, centre = authority().root, authority().centre
    chain = [
        relabelled(identity.leaf, centre, identity.leaf.public_key.curve),
        relabelled(centre.leaf, root, centre.leaf.public_key.curve),
    ]
    anchor = relabelled(root.leaf, root, root.leaf.public_key.curve)
    for name, der in zip(("signer", "centre", "root"), (*chain, anchor), strict=True):
        (folder / f"{name}.pem").write_bytes(pem.armour("CERTIFICATE", der))
    (folder / "key.pem").write_text(private_key_pem(identity.private_key))
    (folder / "data").write_bytes(STAMPED)
    return chain


@on_each_curve
def test_openssl_verifies_ours(gost_engine: GostEngine, curve: Curve, tmp_path: Path) -> None:
    identity = stamper(curve=curve)
    chain = files(identity, tmp_path)
    entry = {"cert_hash": hashlib.sha256(chain[0]).digest()}
    names = tsp.SigningCertificateV2({"certs": [entry]})
    token = sign_data(
        identity.private_key,
        chain,
        CRYPTOPRO,
        tsp.TSTInfo(
            {
                "version": "v1",
                "policy": POLICY,
                "message_imprint": {
                    "hash_algorithm": {"algorithm": CRYPTOPRO.digest_oid},
                    "hashed_message": digest(STAMPED),
                },
                "serial_number": 7,
                "gen_time": NOW,
                "nonce": int.from_bytes(NONCE, "big"),
            }
        ).dump(),
        detached=False,
        signing_time=NOW,
        entropy=os.urandom,
        content_type=time_stamp.TST_INFO_OID,
        more_attributes=[
            signed_data.attribute(time_stamp.SIGNING_CERTIFICATE_V2_OID, names.dump())
        ],
    ).der
    granted = tsp.PKIStatusInfo({"status": "granted"}).dump()
    (tmp_path / "answer").write_bytes(ber.write(tags.SEQUENCE, granted + token))
    (tmp_path / "query").write_bytes(time_stamp.make_request(digest(STAMPED), CRYPTOPRO, NONCE))
    (tmp_path / "other").write_bytes(STAMPED + b" ")
    check: list[str | Path] = ["ts", "-verify", "-in", tmp_path / "answer"]
    check += ["-CAfile", tmp_path / "root.pem", "-attime", str(int(NOW.timestamp()))]
    assert gost_engine.accepts(*check, "-queryfile", tmp_path / "query")
    assert gost_engine.accepts(*check, "-data", tmp_path / "data")
    assert not gost_engine.accepts(*check, "-data", tmp_path / "other")
    shown = gost_engine("ts", "-reply", "-in", tmp_path / "answer", "-text").decode()
    assert f"Policy OID: {POLICY}" in shown
    assert "Time stamp: Mar  1 12:00:00 2026 GMT" in shown


@on_each_curve
def test_one_of_openssl(
    gost_engine: GostEngine, curve: Curve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = stamper(curve=curve, not_after=datetime(2040, 1, 1, tzinfo=UTC))
    files(identity, tmp_path)
    (tmp_path / "serial").write_text("0a\n")
    (tmp_path / "query").write_bytes(time_stamp.make_request(digest(STAMPED), CRYPTOPRO, NONCE))
    configuration = tmp_path / "tsa.cnf"
    configuration.write_text(CONFIGURATION.format(folder=tmp_path, policy=POLICY))
    before = datetime.now(UTC).replace(microsecond=0)
    answer = gost_engine("ts", "-reply", "-config", configuration, "-queryfile", tmp_path / "query")
    for module in (signed_data, signer_checks, certificate):
        monkeypatch.setattr(module, "SIGNATURE_OIDS", ALGORITHMS)
    for reader in (signed_data, signer_checks, time_stamp):
        monkeypatch.setattr(reader, "DIGEST_OIDS", ALGORITHMS)
    monkeypatch.setitem(oids.FAMILY_BY_KEY_OID, CRYPTOPRO.key_oid, CRYPTOPRO)
    specs = keys.PublicKeyAlgorithm._oid_specs
    monkeypatch.setitem(specs, CRYPTOPRO.key_oid, oids.KeyParameters)
    token = time_stamp.read_answer(answer, digest(STAMPED), NONCE)
    stamp = time_stamp.parse_time_stamp(token)
    assert stamp.policy == POLICY
    assert before <= stamp.time <= datetime.now(UTC)
    assert stamp.authority_name == "4: CN=TSA"
    time_stamp.check_imprint(stamp, digest(STAMPED))
    time_stamp.check_content(stamp)
    shown = ShownCertificates(stamp.signed.certificates).of_signer(stamp.signer)
    authority_certificate = certificate.Certificate.from_der(shown.der)
    assert authority_certificate.serial == identity.leaf.serial
    signer_checks.check_signature(stamp.signer, authority_certificate)
    time_stamp.check_named_certificate(stamp, authority_certificate)

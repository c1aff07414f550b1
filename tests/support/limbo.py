"""The published path-validation cases of tests/data, judged by our validator.

Their certificates have keys of ECDSA, RSA and others. So in these tests, and only there, the
validator knows ECDSA and RSA beside GOST; all else is as in the product.
"""

from __future__ import annotations

import functools
import gzip
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import algos, pem
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from tests.support.pki import NOW, authority
from tunnel_gateway.errors import CertificateError
from tunnel_gateway.gost.curves import PublicKey
from tunnel_gateway.pki.certificates import certificate
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.encoding.oids import FAMILY_BY_KEY_OID, SIGNATURE_OIDS, Family
from tunnel_gateway.pki.trust import validation
from tunnel_gateway.pki.trust.paths import GostSignatureValidator
from tunnel_gateway.pki.trust.validation import ChainValidator

FILE = Path(__file__).parents[1] / "data" / "x509-limbo.json.gz"
_HASHES = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}
_SIGNATURES = frozenset(
    algos.SignedDigestAlgorithmId.unmap(f"{hash_}_{kind}")
    for hash_ in _HASHES
    for kind in ("ecdsa", "rsa")
)


@dataclass(frozen=True)
class Case:
    """One case; ``fields`` as in the file."""

    id: str
    fields: dict[str, Any]

    @property
    def expected(self) -> bool:
        """Whether the publishers expect that the chain is accepted."""
        return bool(self.fields["expected_result"] == "SUCCESS")


@functools.cache
def cases() -> dict[str, Case]:
    """Every case by its identifier."""
    with gzip.open(FILE) as file:
        return {one["id"]: Case(one["id"], one) for one in json.load(file)["testcases"]}


class _BesideGost(GostSignatureValidator):
    """Checks ECDSA with P curves and RSA with PKCS #1 v1.5 too."""

    def check(self, signature: bytes, signed_data: bytes, key: bytes, algorithm: bytes) -> None:
        signature_algorithm = algos.SignedDigestAlgorithm.load(algorithm, strict=True)
        if signature_algorithm["algorithm"].dotted not in _SIGNATURES:
            super().check(signature, signed_data, key, algorithm)
            return
        hash_ = _HASHES[signature_algorithm.hash_algo]
        try:
            loaded = load_der_public_key(key)
        except (ValueError, UnsupportedAlgorithm):
            raise InvalidSignature from None
        if isinstance(loaded, ec.EllipticCurvePublicKey):
            loaded.verify(signature, signed_data, ec.ECDSA(hash_))
        elif isinstance(loaded, rsa.RSAPublicKey):
            loaded.verify(signature, signed_data, padding.PKCS1v15(), hash_)
        else:
            raise InvalidSignature


def _read_public_key(info: Any) -> tuple[Family, PublicKey]:
    # Nobody signs with the key of a case: any of ours may stand for it.
    if info["algorithm"]["algorithm"].dotted not in FAMILY_BY_KEY_OID and info.algorithm in {
        "ec",
        "rsa",
    }:
        root = authority().root.leaf
        return root.family, root.public_key
    return _GOST_KEY(info)


_GOST_KEY = certificate.read_public_key


def plug_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the validator know ECDSA and RSA until the test is over."""
    monkeypatch.setattr(certificate, "read_public_key", _read_public_key)
    monkeypatch.setattr(certificate, "SIGNATURE_OIDS", SIGNATURE_OIDS | _SIGNATURES)
    monkeypatch.setattr(validation, "GostSignatureValidator", _BesideGost)


def judge(case: Case) -> str | None:
    """Return None if the chain of the case is accepted, or the text of the refusal."""
    fields = case.fields
    time = fields["validation_time"]
    at = datetime.fromisoformat(time) if time else NOW.astimezone(UTC)
    chain = [fields["peer_certificate"], *fields["untrusted_intermediates"]]
    try:
        anchors = [Certificate.from_der(_der(one)) for one in fields["trusted_certs"]]
        validator = ChainValidator(anchors)
        ders = [_der(one) for one in chain]
        if fields["validation_kind"] == "CLIENT":
            validator.verify_client(ders, at)
        else:
            validator.verify_server(ders, at, fields["expected_peer_name"]["value"])
    except CertificateError as error:
        return f"{error.code}: {error}"
    return None


def _der(text: str) -> bytes:
    return bytes(pem.unarmor(text.encode())[2])

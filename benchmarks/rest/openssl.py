"""OpenSSL with its GOST engine, one process for each message.

It does not know the national identifiers. So a message is made for it under the identifiers of
CryptoPro, which name the same mathematics.
"""

from __future__ import annotations

import os
import resource
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from asn1crypto import core, x509

from benchmarks.gost_engine import CONFIGURATION
from benchmarks.programs import BenchmarkError
from benchmarks.verification import DOCUMENT, Bench
from tunnel_gateway.cms.signing import sign_data
from tunnel_gateway.gost import signature
from tunnel_gateway.gost.curves import CRYPTOPRO_A
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.encoding import ber, pem, tags
from tunnel_gateway.pki.encoding.oids import Family
from tunnel_gateway.pki.files.keyfiles import Identity

_CURVE: Final = "1.2.643.2.2.35.1"
_FAMILY: Final = Family(
    name="CryptoPro",
    key_oid="1.2.643.2.2.19",
    signature_name="GOST R 34.10-2001 with GOST R 34.11-94",
    signature_oid="1.2.643.2.2.3",
    digest_oid="1.2.643.2.2.9",
    parameter_sets={_CURVE: CRYPTOPRO_A},
)
_DIGEST_SET: Final = "1.2.643.2.2.30.1"


class OpenSsl:
    """Verifies one message of 1 KB; its files lie in a folder."""

    def __init__(self, folder: Path, bench: Bench) -> None:
        authority, user = bench.authority, bench.user()
        folder.mkdir()
        root, centre, leaf = (
            _relabelled(identity, issuer)
            for identity, issuer in (
                (authority.root, authority.root),
                (authority.centre, authority.root),
                (user, authority.centre),
            )
        )
        message = sign_data(
            user.private_key,
            [leaf, centre],
            _FAMILY,
            DOCUMENT,
            detached=False,
            signing_time=datetime.now(UTC),
            entropy=os.urandom,
        )
        (folder / "message").write_bytes(message.der)
        (folder / "root.pem").write_bytes(pem.armour("CERTIFICATE", root))
        (folder / "openssl.cnf").write_text(CONFIGURATION, encoding="ascii")
        self._environment = {**os.environ, "OPENSSL_CONF": str(folder / "openssl.cnf")}
        self._command = (
            *("openssl", "cms", "-verify", "-binary", "-inform", "DER", "-purpose", "any"),
            *("-in", str(folder / "message"), "-CAfile", str(folder / "root.pem")),
        )

    def cpu_milliseconds(self, count: int) -> float:
        """Return the processor time of one verification, the mean of ``count`` processes."""
        before = _of_children()
        for _ in range(count):
            done = subprocess.run(
                self._command, env=self._environment, capture_output=True, check=False
            )
            if done.returncode or done.stdout != DOCUMENT:
                raise BenchmarkError(f"openssl refuses the message: {done.stderr!r}")
        return 1000 * (_of_children() - before) / count


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _relabelled(identity: Identity, issuer: Identity) -> bytes:
    """Return the certificate under CryptoPro's identifiers, signed again."""
    body = x509.Certificate.load(identity.leaf.der)["tbs_certificate"]
    algorithm = _sequence(_oid(_FAMILY.signature_oid))
    fields = {name: body[name].dump() for name in body}
    fields["signature"] = algorithm
    fields["subject_public_key_info"] = _sequence(
        _sequence(_oid(_FAMILY.key_oid), _sequence(_oid(_CURVE), _oid(_DIGEST_SET))),
        core.OctetBitString(core.OctetString(identity.leaf.public_key.encoded).dump()).dump(),
    )
    signed = _sequence(*fields.values())
    made = signature.sign(issuer.private_key, digest(signed), os.urandom(32))
    return _sequence(signed, algorithm, core.OctetBitString(made).dump())


def _oid(dotted: str) -> bytes:
    return bytes(core.ObjectIdentifier(dotted).dump())


def _sequence(*parts: bytes) -> bytes:
    return ber.write(tags.SEQUENCE, b"".join(parts))

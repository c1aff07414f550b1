"""OpenSSL with its gost-engine reads and verifies signed messages that we make.

It does not know the national identifiers. So a message is checked in two ways: as it is, the
parts taken out of it by OpenSSL; and whole, made under the CryptoPro identifiers of the same
algorithms, by the same code.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from asn1crypto import core

from tests.interop.gost_engine import CURVE_OIDS, PUBLIC_KEY_OID, GostEngine, public_key_pem
from tests.support.judged import holds
from tests.support.messages import DOCUMENT, made
from tests.support.pki import NOW, altered, authority, user
from tunnel_gateway.cms.signing import sign_data
from tunnel_gateway.gost.curves import CURVES, Curve
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.encoding import ber, pem, tags
from tunnel_gateway.pki.encoding.oids import FAMILIES, Family
from tunnel_gateway.pki.files.keyfiles import Identity

CRYPTOPRO = Family(
    name="CryptoPro",
    key_oid=PUBLIC_KEY_OID,
    signature_name="GOST R 34.10-2001 with GOST R 34.11-94",
    signature_oid="1.2.643.2.2.3",
    digest_oid="1.2.643.2.2.9",
    parameter_sets={oid: curve for curve in CURVES for oid in [CURVE_OIDS[curve.name]]},
)
on_each_curve = pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)


@on_each_curve
@pytest.mark.parametrize("family", FAMILIES, ids=str)
def test_the_signature_that_openssl_finds(
    gost_engine: GostEngine, tmp_path: Path, curve: Curve, family: Family
) -> None:
    identity = user(curve=curve, family=family)
    message = tmp_path / "message"
    message.write_bytes(made(identity=identity).der)
    attributes, signature = parts(gost_engine, message)
    (tmp_path / "key").write_text(public_key_pem(identity.leaf.public_key))
    (tmp_path / "signature").write_bytes(signature)
    check = ("dgst", "-md_gost94", "-verify", tmp_path / "key", "-signature")
    assert gost_engine.accepts(*check, tmp_path / "signature", data=attributes)
    assert not gost_engine.accepts(*check, tmp_path / "signature", data=attributes + b"x")
    # The digest in the attributes is that of the document.
    assert gost_engine("dgst", "-md_gost94", "-binary", data=DOCUMENT) in attributes


def parts(gost_engine: GostEngine, message: Path) -> tuple[bytes, bytes]:
    """The signed attributes as a SET, and the signature: the last two such in OpenSSL's list."""
    listed = gost_engine("asn1parse", "-inform", "DER", "-in", message).decode()
    line = re.compile(r" *(\d+):d=(\d+) +hl=(\d+) l= *(\d+) (prim|cons): (.+)")
    found = [match.groups() for match in map(line.match, listed.splitlines()) if match]
    data = message.read_bytes()

    def inside(entry: tuple[str, ...]) -> bytes:
        start = int(entry[0]) + int(entry[2])
        return data[start : start + int(entry[3])]

    attributes = [one for one in found if one[1] == "5" and one[5].strip() == "cont [ 0 ]"][-1]
    signature = [one for one in found if one[1] == "5" and one[5].startswith("OCTET STRING")][-1]
    return ber.write(tags.SET, inside(attributes)), inside(signature)


def relabelled(certificate: Certificate, signer: Identity, curve: Curve) -> bytes:
    """The certificate under CryptoPro's identifiers, signed anew."""
    algorithm = ber.write(tags.SEQUENCE, core.ObjectIdentifier(CRYPTOPRO.signature_oid).dump())
    body = public_key_pem(certificate.public_key).encode()
    ((_, info, _),) = pem.blocks(body)
    assert certificate.public_key.curve is curve
    return altered(certificate, signer, signature=algorithm, subject_public_key_info=info)


@on_each_curve
@pytest.mark.parametrize("detached", [False, True])
def test_a_whole_message(
    gost_engine: GostEngine,
    tmp_path: Path,
    curve: Curve,
    detached: bool,
) -> None:
    identity = user(curve=curve)
    root, centre = authority().root, authority().centre
    root_der = relabelled(root.leaf, root, root.leaf.public_key.curve)
    chain = [
        relabelled(identity.leaf, centre, curve),
        relabelled(centre.leaf, root, centre.leaf.public_key.curve),
    ]
    signed = sign_data(
        identity.private_key,
        chain,
        CRYPTOPRO,
        DOCUMENT,
        detached=detached,
        signing_time=NOW,
        entropy=os.urandom,
    )
    (tmp_path / "root.pem").write_bytes(pem.armour("CERTIFICATE", root_der))
    (tmp_path / "message").write_bytes(signed.der)
    (tmp_path / "document").write_bytes(DOCUMENT)
    (tmp_path / "other").write_bytes(DOCUMENT + b" ")
    check: list[str | Path] = [
        "cms",
        "-verify",
        "-binary",
        "-inform",
        "DER",
        "-in",
        tmp_path / "message",
    ]
    check += ["-CAfile", tmp_path / "root.pem", "-attime", str(int(NOW.timestamp()))]
    check += ["-purpose", "any"]
    if detached:
        assert gost_engine(*check, "-content", tmp_path / "document") == DOCUMENT
        assert not gost_engine.accepts(*check, "-content", tmp_path / "other")
    else:
        assert gost_engine(*check) == DOCUMENT
    spoilt = bytearray(signed.der)
    spoilt[-1] ^= 1
    (tmp_path / "message").write_bytes(spoilt)
    assert not gost_engine.accepts(*check, "-content", tmp_path / "document")


def test_a_message_that_openssl_wrote_anew(gost_engine: GostEngine, tmp_path: Path) -> None:
    """Our message, read and written again by OpenSSL, still holds here."""
    message = tmp_path / "message"
    message.write_bytes(made().der)
    again = gost_engine("cms", "-cmsout", "-inform", "DER", "-in", message, "-outform", "DER")
    assert holds(again)

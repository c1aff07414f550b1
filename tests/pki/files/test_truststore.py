"""Trust anchors: PEM and PKCS#12, from ``keytool`` and from elsewhere."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    NoEncryption,
    pkcs12,
)

from tests.support.keystores import PASSWORD as STORE_PASSWORD
from tests.support.keystores import jks, jks_entry, openssl_lot, pfx
from tests.support.pki import authority, stranger, user
from tunnel_gateway.errors import FileError
from tunnel_gateway.pki.certificates.certificate import Certificate, to_pem
from tunnel_gateway.pki.files.keyfiles import MAX_FILE_SIZE
from tunnel_gateway.pki.files.truststore import load_trust_anchors

ROOT = authority().root.leaf
ROOTS = (ROOT, stranger().root.leaf)
PASSWORD = b"changeit"


def file(folder: Path, content: bytes, name: str = "truststore.jks") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def packed(*certificates: Certificate, password: bytes | None = PASSWORD) -> bytes:
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return pkcs12.serialize_key_and_certificates(
        None,
        None,
        None,
        [x509.load_der_x509_certificate(one.der) for one in certificates],
        encryption,
    )


@pytest.mark.parametrize("name", ["truststore.pem", "truststore.jks", "truststore"])
def test_the_content_decides_and_not_the_name(tmp_path: Path, name: str) -> None:
    assert load_trust_anchors(file(tmp_path, to_pem(ROOTS), name)) == ROOTS
    assert load_trust_anchors(file(tmp_path, packed(*ROOTS), name), PASSWORD) == ROOTS


def test_a_java_truststore_as_cryptography_writes_it(tmp_path: Path) -> None:
    entry = pkcs12.PKCS12Certificate(x509.load_der_x509_certificate(ROOT.der), b"root")
    content = pkcs12.serialize_java_truststore([entry], BestAvailableEncryption(PASSWORD))
    assert load_trust_anchors(file(tmp_path, content), PASSWORD) == (ROOT,)


def test_a_store_without_a_password(tmp_path: Path) -> None:
    assert load_trust_anchors(file(tmp_path, packed(ROOT, password=None))) == (ROOT,)


@pytest.mark.parametrize("content", [packed(ROOT), jks(jks_entry(ROOT), password=PASSWORD)])
@pytest.mark.parametrize(
    ("password", "reason"),
    [(None, "none is configured"), (b"", "none is configured|wrong"), (b"wrong", "is wrong")],
)
def test_a_wrong_password(
    tmp_path: Path, password: bytes | None, reason: str, content: bytes
) -> None:
    path = file(tmp_path, content)
    with pytest.raises(FileError, match=rf"truststore.jks: .*({reason})"):
        load_trust_anchors(path, password)


@pytest.mark.parametrize(
    "content", [b"\x30\x00", b"\x30\x82\xff\xff", packed(ROOT)[:-1]], ids=range(3)
)
def test_what_is_no_pkcs12(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(FileError, match=r"truststore.jks: not a PKCS#12 file"):
        load_trust_anchors(file(tmp_path, content), PASSWORD)


def test_a_certificate_of_windows(tmp_path: Path) -> None:
    """A .cer is one certificate in DER or PEM."""
    for content in (ROOT.der, to_pem([ROOT])):
        assert load_trust_anchors(file(tmp_path, content), PASSWORD) == (ROOT,)


@pytest.mark.parametrize(
    ("form", "remedy"), [("DER", "-inform DER -print_certs"), ("PEM", "-print_certs")]
)
def test_certificates_in_a_p7b_are_named_with_the_remedy(
    tmp_path: Path, form: str, remedy: str
) -> None:
    bundle = tmp_path / "roots.pem"
    bundle.write_bytes(to_pem(ROOTS))
    command = ["openssl", "crl2pkcs7", "-nocrl", "-certfile", str(bundle), "-outform", form]
    content = subprocess.run(command, check=True, capture_output=True).stdout
    with pytest.raises(FileError, match=f"openssl pkcs7 {remedy} -in FILE -out NEW"):
        load_trust_anchors(file(tmp_path, content), PASSWORD)


@pytest.mark.parametrize("version", [1, 2])
def test_a_keystore_in_the_old_java_format(tmp_path: Path, version: int) -> None:
    form = None if version == 1 else b"X.509"
    entries = [jks_entry(root, form=form) for root in ROOTS]
    path = file(tmp_path, jks(*entries, version=version, password=PASSWORD))
    assert load_trust_anchors(path, PASSWORD) == ROOTS


def test_other_old_java_formats_are_named_with_the_remedy(tmp_path: Path) -> None:
    path = file(tmp_path, b"\xce\xce\xce\xce" + bytes(100))
    with pytest.raises(FileError, match="keytool -importkeystore -srckeystore OLD -destkeystore"):
        load_trust_anchors(path, PASSWORD)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b"<!DOCTYPE html>", "it is a web page"),
        (b"hello", "neither PEM nor PKCS#12 nor a Java keystore"),
        (b"-----BEGIN CERTIFICATE-----\n", "line 1: the PEM block CERTIFICATE is cut off"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "no certificate"),
        (bytes(MAX_FILE_SIZE + 1), "over"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_truststore(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(FileError, match=f"truststore.jks: .*{reason}"):
        load_trust_anchors(file(tmp_path, content))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="No such file"):
        load_trust_anchors(tmp_path / "none")


def test_only_cas_are_anchors(tmp_path: Path) -> None:
    leaf = user().leaf
    java = jks(jks_entry(ROOT), jks_entry(leaf), password=PASSWORD)
    for content in (to_pem([ROOT, leaf]), packed(ROOT, leaf), java):
        with pytest.raises(
            FileError, match=f"certificate {leaf.serial_hex} .* is not a CA certificate"
        ):
            load_trust_anchors(file(tmp_path, content), PASSWORD)


def test_a_store_with_a_private_key(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    content = pkcs12.serialize_key_and_certificates(
        b"own", key, None, None, BestAvailableEncryption(PASSWORD)
    )
    java = jks(jks_entry(ROOT), jks_entry(ROOT, kind=1), password=PASSWORD)
    for store in (content, java):
        with pytest.raises(FileError, match="it holds a private key"):
            load_trust_anchors(file(tmp_path, store), PASSWORD)


def test_certificates_of_other_algorithms(tmp_path: Path, other_certificate: bytes) -> None:
    certificate = x509.load_der_x509_certificate(other_certificate)
    content = pkcs12.serialize_key_and_certificates(
        None, None, None, [certificate], BestAvailableEncryption(PASSWORD)
    )
    with pytest.raises(FileError, match="is not an E-IMZO one"):
        load_trust_anchors(file(tmp_path, content), PASSWORD)


@pytest.fixture
def other_certificate(tmp_path: Path) -> bytes:
    out = tmp_path / "other.der"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-nodes", "-subj", "/CN=other"]
    command += ["-pkeyopt", "ec_paramgen_curve:P-256", "-keyout", os.devnull]
    command += ["-outform", "DER", "-out", str(out)]
    subprocess.run(command, check=True, capture_output=True)
    return out.read_bytes()


KEYTOOL = shutil.which("keytool")
needs_keytool = pytest.mark.skipif(
    KEYTOOL is None,
    reason="NOT COMPARED with Java: install default-jre-headless, for keytool",
)


def keytool(store: Path, *options: str, password: str = PASSWORD.decode()) -> None:
    """Put both roots into a store as Java does."""
    for number, root in enumerate(ROOTS):
        single = file(store.parent, to_pem([root]), f"{number}.pem")
        command = [str(KEYTOOL), "-importcert", "-noprompt", "-alias", str(number)]
        command += ["-file", str(single), "-keystore", str(store), "-storepass", password]
        subprocess.run([*command, *options], check=True, capture_output=True)


@needs_keytool
@pytest.mark.parametrize(
    "options",
    [
        (),
        # RC2 with 40 bits and HMAC-SHA1, as Java wrote it until version 16.
        ("-J-Dkeystore.pkcs12.legacy",),
        (
            "-J-Dkeystore.pkcs12.certProtectionAlgorithm=NONE",
            "-J-Dkeystore.pkcs12.macAlgorithm=NONE",
        ),
    ],
    ids=["PBES2", "legacy", "without a password"],
)
def test_a_store_of_keytool(tmp_path: Path, options: tuple[str, ...]) -> None:
    store = tmp_path / "truststore.jks"
    keytool(store, "-storetype", "PKCS12", *options)
    assert load_trust_anchors(store, PASSWORD) == ROOTS


@needs_keytool
@pytest.mark.parametrize("password", ["changeit", "12345678"])
def test_an_old_store_of_keytool(tmp_path: Path, password: str) -> None:
    store = tmp_path / "truststore.jks"
    keytool(store, "-storetype", "JKS", password=password)
    assert store.read_bytes().startswith(b"\xfe\xed\xfe\xed")
    assert set(load_trust_anchors(store, password.encode())) == set(ROOTS)
    with pytest.raises(FileError, match="the password is wrong, or the keystore was changed"):
        load_trust_anchors(store, b"boshqa")


@needs_keytool
@pytest.mark.parametrize("kind", ["JKS", "PKCS12"])
def test_a_private_key_of_keytool(tmp_path: Path, kind: str) -> None:
    store = tmp_path / "truststore.jks"
    command = [str(KEYTOOL), "-genkeypair", "-keyalg", "EC", "-dname", "CN=x", "-storetype", kind]
    command += ["-keystore", str(store), "-storepass", "changeit", "-keypass", "changeit"]
    subprocess.run(command, check=True, capture_output=True)
    with pytest.raises(FileError, match="it holds a private key"):
        load_trust_anchors(store, PASSWORD)


@pytest.mark.parametrize("scheme", ["PBE-SHA1-RC2-40", "PBE-SHA1-RC2-128", "PBE-SHA1-3DES"])
def test_a_store_of_openssl(tmp_path: Path, scheme: str) -> None:
    content = pfx(openssl_lot(tmp_path, ROOTS, scheme), mac="sha1")
    assert load_trust_anchors(file(tmp_path, content), STORE_PASSWORD) == ROOTS


def test_an_empty_store(tmp_path: Path) -> None:
    path = file(tmp_path, EMPTY_P12)
    with pytest.raises(FileError, match="no certificate in it"):
        load_trust_anchors(path)


# PFX, version 3, whose AuthenticatedSafe is an empty list, without a MAC (RFC 7292, section 4).
EMPTY_P12 = bytes.fromhex("3016 020103 3011 06092a864886f70d010701 a004 0402 3000")

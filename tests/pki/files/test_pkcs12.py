"""PKCS#12: what others write is read, what is written here is read by others, and the bounds."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import cms, core
from asn1crypto import pkcs12 as asn1
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from tests.support.keystores import (
    PASSWORD,
    certificate_bag,
    closed_lot,
    des_bag,
    gost_info,
    key_bag,
    lot,
    nested_bag,
    pfx,
    sec1_info,
    shrouded_bag,
)
from tests.support.pki import user
from tunnel_gateway.errors import KeystoreError, WrongPasswordError
from tunnel_gateway.pki.encoding.oids import FAMILY_2009
from tunnel_gateway.pki.files import pbe, pkcs12

USER = user()
INFO = sec1_info(USER.private_key, FAMILY_2009)
DERS = [certificate.der for certificate in USER.chain]
BAGS = [certificate_bag(certificate) for certificate in USER.chain]


def read(data: bytes, password: bytes | None = PASSWORD) -> tuple[list[bytes], list[bytes]]:
    """The keys and the certificates of a file."""
    found = pkcs12.Pfx(data, password)
    return [found.decrypt(key) for key in found.keys], [bag.der for bag in found.certificates]


def written(password: bytes = PASSWORD, rounds: int = 10) -> bytes:
    return pkcs12.write(INFO, DERS, "G‘ani", password, os.urandom, rounds=rounds)


def test_what_is_written_is_read() -> None:
    assert read(written()) == ([INFO], DERS)
    found = pkcs12.Pfx(written(), PASSWORD)
    (key,) = found.keys
    assert key.alias == "G‘ani"
    assert [bag.local_id == key.local_id for bag in found.certificates] == [True, False]


def test_what_is_written_is_well_protected() -> None:
    data = pkcs12.write(INFO, DERS, "men", PASSWORD, os.urandom)
    parsed = asn1.Pfx.load(data)
    assert parsed["mac_data"]["mac"]["digest_algorithm"]["algorithm"].native == "sha256"
    assert parsed["mac_data"]["iterations"].native == pbe.ROUNDS
    lots = parsed.authenticated_safe
    closed = lots[0]["content"]["encrypted_content_info"]["content_encryption_algorithm"]
    bag = asn1.SafeContents.load(lots[1]["content"].native)[0]["bag_value"]
    for algorithm in (closed, bag["encryption_algorithm"]):
        assert algorithm.encryption_cipher == "aes"
        assert algorithm.kdf_hmac == "sha256"
        assert algorithm.kdf_iterations == pbe.ROUNDS
    for secret in (USER.private_key.to_bytes(), *DERS):
        assert secret not in data


def test_entropy_decides_what_is_written() -> None:
    one, two = (pkcs12.write(INFO, DERS, "men", b"p", bytes, rounds=1) for _ in range(2))
    assert one == two


def test_openssl_reads_what_is_written(tmp_path: Path) -> None:
    path = tmp_path / "user.pfx"
    path.write_bytes(written())
    command = ["openssl", "pkcs12", "-in", str(path), "-nokeys", "-passin", "stdin"]
    shown = subprocess.run(command, input=PASSWORD + b"\n", capture_output=True, check=True)
    assert shown.stdout.count(b"BEGIN CERTIFICATE") == 2


@pytest.mark.skipif(
    shutil.which("keytool") is None,
    reason="NOT COMPARED with Java: install default-jre-headless, for keytool",
)
def test_java_reads_what_is_written(tmp_path: Path) -> None:
    path = tmp_path / "user.pfx"
    path.write_bytes(written(b"changeit"))
    command = ["keytool", "-list", "-rfc", "-keystore", str(path), "-storepass", "changeit"]
    shown = subprocess.run(command, capture_output=True, check=True).stdout
    assert shown.count(b"PrivateKeyEntry") == 1
    assert shown.count(b"BEGIN CERTIFICATE") == 2


@pytest.mark.parametrize("mac", ["sha1", "sha256", "sha512", None])
@pytest.mark.parametrize("make", [shrouded_bag, des_bag, key_bag], ids=["PBES2", "3DES", "clear"])
@pytest.mark.parametrize("form", [sec1_info, gost_info], ids=["SEC1", "GOST"])
def test_every_form_of_a_key(
    form: Callable[..., bytes], make: Callable[..., Any], mac: str | None
) -> None:
    info = form(USER.private_key, FAMILY_2009)
    for lots in ([lot(make(info)), closed_lot(*BAGS)], [closed_lot(*BAGS, make(info))]):
        assert read(pfx(*lots, mac=mac)) == ([info], DERS)


def ordinary(folder: Path, *options: str) -> tuple[bytes, bytes, bytes]:
    """A PFX of OpenSSL with an EC key and its certificate: the file, the key, the certificate."""
    key, certificate, out = (folder / name for name in ("key.pem", "cert.pem", "out.p12"))
    make = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    make += ["-subj", "/CN=x", "-keyout", str(key), "-out", str(certificate)]
    export = ["pkcs12", "-export", "-inkey", str(key), "-in", str(certificate), *options]
    export += ["-name", "Kalit", "-passout", "stdin", "-out", str(out)]
    for command in (make, export):
        subprocess.run(
            ["openssl", *command], input=PASSWORD + b"\n", check=True, capture_output=True
        )
    loaded = load_pem_private_key(key.read_bytes(), None)
    info = loaded.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    der = subprocess.run(
        ["openssl", "x509", "-in", str(certificate), "-outform", "DER"],
        capture_output=True,
        check=True,
    )
    return out.read_bytes(), info, der.stdout


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("-legacy",),
        ("-legacy", "-descert"),
        ("-legacy", "-certpbe", "PBE-SHA1-RC2-128", "-keypbe", "PBE-SHA1-RC2-128"),
        ("-legacy", "-certpbe", "PBE-SHA1-RC2-40", "-keypbe", "PBE-SHA1-RC2-40"),
        ("-legacy", "-certpbe", "PBE-SHA1-2DES", "-keypbe", "PBE-SHA1-2DES"),
        ("-certpbe", "AES-128-CBC", "-keypbe", "AES-192-CBC", "-macalg", "sha512"),
        ("-certpbe", "DES-EDE3-CBC", "-keypbe", "DES-EDE3-CBC", "-macalg", "sha1"),
        ("-certpbe", "NONE", "-keypbe", "NONE"),
        ("-nomac",),
        ("-iter", "100000", "-maciter"),
    ],
    ids=" ".join,
)
def test_what_openssl_writes(tmp_path: Path, options: tuple[str, ...]) -> None:
    data, info, der = ordinary(tmp_path, *options)
    assert read(data) == ([info], [der])
    (key,) = pkcs12.Pfx(data, PASSWORD).keys
    assert key.alias == "Kalit"
    assert key.local_id is not None


def test_indefinite_lengths() -> None:
    # As Bouncy Castle writes: BER, and the content in pieces (X.690, 8.1.3.6 and 8.7.3).
    parsed = asn1.Pfx.load(pfx(lot(shrouded_bag(INFO), *BAGS)))
    content = parsed["auth_safe"]["content"].native
    pieces = b"".join(
        core.OctetString(content[place : place + 1000]).dump()
        for place in range(0, len(content), 1000)
    )
    data = core.ObjectIdentifier("1.2.840.113549.1.7.1").dump()
    data += b"\xa0\x80\x24\x80" + pieces + bytes(4)
    ber = b"\x30\x80" + parsed["version"].dump() + b"\x30\x80" + data + bytes(2)
    ber += parsed["mac_data"].dump() + bytes(2)
    assert read(ber) == ([INFO], DERS)


def test_bags_of_other_kinds_are_passed_over() -> None:
    crl = {"crl_id": "1.2.840.113549.1.9.23.1", "crl_value": b"a CRL"}
    other = asn1.SafeBag({"bag_id": "crl_bag", "bag_value": crl})
    assert read(pfx(lot(other, key_bag(INFO), *BAGS, other))) == ([INFO], DERS)


def test_a_wrong_password() -> None:
    for data in (written(), pfx(closed_lot(*BAGS), mac=None)):
        with pytest.raises(WrongPasswordError, match="the password is wrong"):
            read(data, b"boshqa")
        with pytest.raises(WrongPasswordError, match="protected by a password, and none is conf"):
            read(data, None)


def test_a_key_under_another_password() -> None:
    with pytest.raises(WrongPasswordError, match="the password is wrong"):
        read(pfx(lot(shrouded_bag(INFO)), password=b"boshqa"), b"boshqa")


def test_the_empty_password() -> None:
    assert read(pfx(lot(key_bag(INFO)), password=b""), None) == ([INFO], [])
    assert read(pfx(lot(key_bag(INFO)), password=b""), b"") == ([INFO], [])


def test_a_file_that_was_changed() -> None:
    data = bytearray(pfx(lot(key_bag(INFO), *BAGS)))
    place = bytes(data).index(USER.private_key.to_bytes())
    data[place] ^= 1
    with pytest.raises(WrongPasswordError, match="or the file was changed"):
        read(bytes(data))


def test_every_cut_is_seen() -> None:
    data = written()
    for size in range(len(data)):
        with pytest.raises(KeystoreError, match="damaged"):
            read(data[:size])
    with pytest.raises(KeystoreError, match="damaged"):
        read(data + b"\x00")


def signed() -> bytes:
    parsed = asn1.Pfx.load(pfx(lot(*BAGS), mac=None))
    parsed["auth_safe"] = cms.ContentInfo({"content_type": "digested_data"})
    return bytes(parsed.dump(force=True))


def many(count: int) -> bytes:
    return pfx(*[lot() for _ in range(count)])


def deep(depth: int) -> bytes:
    bag = BAGS[0]
    for _ in range(depth):
        bag = nested_bag(bag)
    return pfx(lot(bag))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not a PKCS#12 file"),
        (b"\x30\x00", "not a PKCS#12 file"),
        (DERS[0], "not a PKCS#12 file"),
        (INFO, "not a PKCS#12 file"),
        (signed(), "not a PKCS#12 file"),
        (bytes(pkcs12.MAX_SIZE + 1), "524289 bytes of PKCS#12; 524288 is the limit"),
        (many(1025), "1025 parts in one file; 1024 is the limit"),
        (deep(4), "bags in bags, more than 4 deep"),
        (pfx(lot(), rounds=2**31), "more than 4000000 rounds"),
        (pfx(lot(shrouded_bag(INFO, rounds=1)), rounds=4_000_001), "more than 4000000 rounds"),
        (
            pfx(cms.ContentInfo({"content_type": "digested_data", "content": None})),
            "a part of it is digested_data",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(KeystoreError, match=reason):
        read(data)


def test_what_is_just_allowed() -> None:
    assert read(many(1024)) == ([], [])
    assert read(deep(3)) == ([], DERS[:1])


def test_the_keys_share_the_work_of_the_file() -> None:
    closed = [shrouded_bag(INFO, rounds=1_500_000) for _ in range(3)]
    found = pkcs12.Pfx(pfx(lot(*closed)), PASSWORD)
    for key in found.keys[:2]:
        assert found.decrypt(key) == INFO
    with pytest.raises(KeystoreError, match="more than 4000000 rounds"):
        found.decrypt(found.keys[2])


def test_a_key_does_not_show_itself() -> None:
    (key,) = pkcs12.Pfx(pfx(lot(key_bag(INFO))), PASSWORD).keys
    assert USER.private_key.to_bytes().hex() not in repr(key)
    assert "content" not in repr(key)


def test_aliases_are_seen_without_the_password() -> None:
    assert pkcs12.shown_aliases(written()) == ("G‘ani",)
    info = sec1_info(user().private_key, FAMILY_2009)
    for bag in (key_bag(info, "cn=b", b"1"), shrouded_bag(info)):
        shown = pkcs12.shown_aliases(pfx(lot(bag), lot(certificate_bag(user().leaf, "c", b"1"))))
        assert shown in (("cn=b",), (None,))
    assert pkcs12.shown_aliases(pfx(closed_lot(key_bag(info, "cn=b", b"1")))) == ()


@pytest.mark.parametrize("data", [b"", b"0\x00", bytes(pkcs12.MAX_SIZE + 1)])
def test_aliases_of_no_file(data: bytes) -> None:
    with pytest.raises(KeystoreError):
        pkcs12.shown_aliases(data)


@pytest.mark.parametrize("none", [None, b""])
def test_the_null_password_and_the_empty_one(none: bytes | None) -> None:
    """Java and others write a file without a password under the null one, OpenSSL the empty one."""
    for written_under in (None, b""):
        data = pfx(lot(*BAGS), lot(des_bag(INFO, password=written_under)), password=written_under)
        assert read(data, none) == ([INFO], DERS)
        without_mac = pfx(lot(*BAGS), lot(des_bag(INFO, password=written_under)), mac=None)
        assert read(without_mac, none) == ([INFO], DERS)
        with pytest.raises(WrongPasswordError, match="the password is wrong"):
            read(data, b"another")
    with pytest.raises(WrongPasswordError, match="none is configured"):
        read(pfx(lot(*BAGS)), none)


def test_the_null_password_is_derived_from_the_salt_alone() -> None:
    """RFC 7292, appendix B.2: with no password the input is the diversifier and the salt."""
    expected = b"\x03" * 64 + b"saltsalt" * 8
    for _ in range(5):
        expected = hashlib.sha256(expected).digest()
    assert pbe.Derivation("sha256", None, b"saltsalt", 5).derive(3, 32, pbe.Work()) == expected


def test_both_ways_of_no_password_count_as_work() -> None:
    rounds = pbe.MAX_ROUNDS * 2 // 3
    content = asn1.AuthenticatedSafe([lot(*BAGS)]).dump()
    mac = {
        "mac": {"digest_algorithm": {"algorithm": "sha256"}, "digest": bytes(32)},
        "mac_salt": b"saltsalt",
        "iterations": rounds,
    }
    auth_safe = cms.ContentInfo({"content_type": "data", "content": content})
    data = asn1.Pfx({"version": 3, "auth_safe": auth_safe, "mac_data": mac}).dump()
    with pytest.raises(KeystoreError, match="rounds of key derivation"):
        pkcs12.Pfx(data, None)

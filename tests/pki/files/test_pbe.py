"""Encryption under a password: every scheme that is read, and the bounds on the work."""

from __future__ import annotations

import os
from typing import Any

import pytest
from asn1crypto import algos, core, pkcs12
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from tunnel_gateway.errors import KeystoreError, WrongPasswordError
from tunnel_gateway.pki.files import pbe

SECRET = core.Sequence(contents=core.OctetString(b"a key, or certificates").dump()).dump()
PASSWORD = "parol’".encode()
SIZES = {"aes128_cbc": 16, "aes192_cbc": 24, "aes256_cbc": 32, "tripledes_3key": 24}
HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(),  # noqa: S303 - old files have it
    "sha256": hashes.SHA256(),
    "sha512": hashes.SHA512(),
    "sha384": hashes.SHA384(),
}


def pbes2(
    cipher: str = "aes256_cbc",
    prf: str = "sha256",
    rounds: int = 1000,
    salt: bytes = b"saltsalt",
    key_length: int | None = None,
) -> tuple[algos.EncryptionAlgorithm, bytes]:
    """SECRET under PASSWORD, made here without the module's own writer."""
    size = SIZES.get(cipher, 32)
    key = PBKDF2HMAC(HASHES[prf], size, salt, max(1, min(rounds, 1000))).derive(PASSWORD)
    algorithm = TripleDES(key) if cipher == "tripledes_3key" else algorithms.AES(key)
    iv = os.urandom(algorithm.block_size // 8)
    padder = padding.PKCS7(algorithm.block_size).padder()
    encryptor = Cipher(algorithm, modes.CBC(iv)).encryptor()
    closed = encryptor.update(padder.update(SECRET) + padder.finalize()) + encryptor.finalize()
    derivation: dict[str, Any] = {
        "salt": algos.Pbkdf2Salt("specified", salt),
        "iteration_count": rounds,
        "prf": {"algorithm": prf},
    }
    if key_length is not None:
        derivation["key_length"] = key_length
    parameters = {
        "key_derivation_func": {"algorithm": "pbkdf2", "parameters": derivation},
        "encryption_scheme": {"algorithm": cipher, "parameters": iv},
    }
    return scheme("pbes2", algos.Pbes2Params(parameters)), closed


def scheme(name: str, parameters: Any) -> algos.EncryptionAlgorithm:
    return algos.EncryptionAlgorithm({"algorithm": name, "parameters": parameters})


def pkcs12_scheme(name: str, rounds: int = 1, salt: bytes = b"saltsalt") -> Any:
    return scheme(name, {"salt": salt, "iterations": rounds})


def opened(closed: tuple[Any, bytes], password: bytes = PASSWORD) -> bytes:
    return pbe.decrypt(*closed, password, pbe.Work())


@pytest.mark.parametrize("prf", ["sha1", "sha256", "sha512"])
@pytest.mark.parametrize("cipher", SIZES)
def test_every_supported_scheme_of_pbes2(cipher: str, prf: str) -> None:
    assert opened(pbes2(cipher, prf)) == SECRET


def test_a_key_length_that_is_the_ciphers() -> None:
    assert opened(pbes2(key_length=32)) == SECRET
    with pytest.raises(ValueError, match="do not fit"):
        opened(pbes2(key_length=16))


def test_encryption_and_back() -> None:
    closed = pbe.encrypt(SECRET, PASSWORD, os.urandom, rounds=1000)
    assert SECRET not in closed[1]
    assert opened(closed) == SECRET
    assert closed[0].kdf_iterations == 1000
    assert pbe.encrypt(b"x", b"p", os.urandom)[0].kdf_iterations == 600_000


@pytest.mark.parametrize(
    ("closed", "reason"),
    [
        (pbes2(prf="sha384"), "HMAC of SHA-1, SHA-256 or SHA-512 is supported"),
        (pbes2(cipher="aes256_ofb"), "encrypted with aes256_ofb"),
        (pbes2(rounds=pbe.MAX_ROUNDS + 1), "more than 4000000 rounds"),
        (pbes2(rounds=2**20_000), "more than 4000000 rounds"),
        (pbes2(rounds=0), "asks for no round of key derivation"),
        (pbes2(rounds=-(2**200)), "asks for no round of key derivation"),
        ((pkcs12_scheme("pkcs12_sha1_rc4_128"), bytes(8)), "encrypted with pkcs12_sha1_rc4_128"),
        ((pkcs12_scheme("pbes1_md5_des"), bytes(8)), "encrypted with pbes1_md5_des"),
        (
            (pkcs12_scheme("pkcs12_sha1_tripledes_3key", 2**31), bytes(8)),
            "more than 4000000 rounds",
        ),
        (
            (pkcs12_scheme("pkcs12_sha1_rc2_40"), bytes(pbe.MAX_RC2_SIZE + 8)),
            "262152 bytes under RC2",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_schemes_that_are_refused(closed: tuple[Any, bytes], reason: str) -> None:
    with pytest.raises(KeystoreError, match=reason):
        opened(closed)


def test_a_salt_that_is_no_salt() -> None:
    for closed in (
        pbes2(salt=bytes(1025)),
        (pkcs12_scheme("pkcs12_sha1_rc2_40", 1, bytes(1025)), b""),
    ):
        with pytest.raises(ValueError, match=r"fit|too long"):
            opened(closed)


def test_a_wrong_password() -> None:
    # The padding of this one comes out wrong under the other password, for good: the IV is fixed.
    closed = pbe.encrypt(SECRET, PASSWORD, bytes, rounds=1)
    with pytest.raises(WrongPasswordError, match="the password is wrong, or the file is damaged"):
        opened(closed, b"boshqa")


def test_a_password_that_is_a_file_of_something_else() -> None:
    for password in (bytes(1025), b"\xff" * 1025):
        with pytest.raises(WrongPasswordError, match="more than 1024 bytes"):
            opened(pbes2(), password)


def test_a_wrong_password_whose_padding_looks_right() -> None:
    closed = pbe.encrypt(b"\x31\x00", PASSWORD, os.urandom, rounds=1)
    with pytest.raises(WrongPasswordError, match="the password is wrong"):
        opened(closed)


def test_the_work_of_a_whole_file_is_bounded() -> None:
    work = pbe.Work()
    work.spend(1_000_000, 2)
    work.spend(2_000_000)
    with pytest.raises(KeystoreError, match="more than 4000000 rounds"):
        work.spend(1)


def test_the_derivation_of_pkcs12() -> None:
    # Made by OpenSSL 3.0: openssl kdf -keylen 24 -kdfopt digest:SHA1 -kdfopt id:1 -kdfopt iter:1
    # -kdfopt hexpass:0073006d006500670000 -kdfopt hexsalt:0a58cf64530d823f PKCS12KDF, and so on.
    derivation = pbe.Derivation("sha1", b"smeg", bytes.fromhex("0a58cf64530d823f"), 1)
    key = derivation.derive(1, 24, pbe.Work())
    assert key.hex() == "8aaae6297b6cb04642ab5b077851284eb7128f1a2a7fbca3"
    assert derivation.derive(2, 8, pbe.Work()).hex() == "79993dfe048d3b76"
    # With digest:SHA256, id:3, iter:1000: four blocks, so that the state is stepped.
    derivation = pbe.Derivation("sha256", b"smeg", bytes.fromhex("0a58cf64530d823f"), 1000)
    assert derivation.derive(3, 100, pbe.Work()).hex() == (
        "35ac16a454d608fb10c8d7c6338ca85818587aed0ff771fd265957e412c2c03c26ad8fa213a9fcf342d684dae9"
        "8b66ee87e7ea6d3179303c84a70f3d5dcc8e679924fb48ee745d1e14f752512a1c12d30cb1b47a5886089e2e10"
        "bf1eeadf4a45807fc087"
    )


def test_a_password_in_utf_16() -> None:
    assert pbe.utf16("a’".encode()) == b"\x00a\x20\x19"
    assert pbe.utf16(b"a\xff") == b"\x00a\x00\xff"
    assert pbe.utf16("😀".encode()) == bytes.fromhex("d83dde00")


@pytest.mark.parametrize("name", ["sha1", "sha256", "sha512"])
def test_the_mac(name: str) -> None:
    derivation = pbe.Derivation(name, PASSWORD, b"salt", 3)
    data = mac_data(name, pbe.mac(derivation, SECRET, pbe.Work()))
    pbe.check_mac(data, SECRET, PASSWORD, pbe.Work())
    for content, password in ((SECRET + b"x", PASSWORD), (SECRET, b"boshqa")):
        with pytest.raises(WrongPasswordError, match="the password is wrong, or the file was"):
            pbe.check_mac(data, content, password, pbe.Work())


def test_a_mac_that_is_not_supported() -> None:
    with pytest.raises(KeystoreError, match="its MAC is made with md5"):
        pbe.check_mac(mac_data("md5", bytes(16)), SECRET, PASSWORD, pbe.Work())


def mac_data(name: str, digest: bytes) -> pkcs12.MacData:
    info = {"digest_algorithm": {"algorithm": name}, "digest": digest}
    return pkcs12.MacData({"mac": info, "mac_salt": b"salt", "iterations": 3})

"""Encryption and authentication under a password, as PKCS#8 and PKCS#12 files have it.

Opened: PBES2 (RFC 8018) with PBKDF2 and AES-CBC or triple DES, and the older schemes of PKCS#12
(RFC 7292, appendix C) with triple DES or RC2. Written: PBES2 with PBKDF2-HMAC-SHA256 and
AES-256-CBC. MACs are those of PKCS#12 with SHA-1, SHA-256 or SHA-512.

A file says itself how many rounds of key derivation it wants. ``Work`` bounds what one file
may cost in all, before any of it is done.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from asn1crypto import algos, core
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm, Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from tunnel_gateway.errors import KeystoreError, WrongPasswordError
from tunnel_gateway.pki.files import rc2

# OWASP recommends this number for PBKDF2-HMAC-SHA256 (2023): a quarter of a second at each start.
ROUNDS: Final = 600_000
# One file may ask for this many rounds in all: some three seconds. OpenSSL and Java write 2,048 to
# 10,000 rounds for each key, each group of certificates and the MAC.
MAX_ROUNDS: Final = 4_000_000
# RC2 runs in Python: a second for this much. Some hundred certificates fit in.
MAX_RC2_SIZE: Final = 256 * 1024
# PKCS#12 repeats password and salt up to full blocks, so long ones cost time and memory.
MAX_PASSWORD_SIZE: Final = 1024
_MAX_SALT_SIZE: Final = 1024

# RFC 8018, section 4.1, asks for at least 8 bytes.
_SALT_SIZE: Final = 16
_AES_BLOCK_SIZE: Final = 16
_DES_BLOCK_SIZE: Final = 8

_PBKDF2_HASHES: Final[dict[str, type[hashes.HashAlgorithm]]] = {
    "sha1": hashes.SHA1,
    "sha256": hashes.SHA256,
    "sha512": hashes.SHA512,
}
_DIGESTS: Final = {"sha1": hashlib.sha1, "sha256": hashlib.sha256, "sha512": hashlib.sha512}
_HASH_NAMES: Final = "SHA-1, SHA-256 or SHA-512"

# The purposes that RFC 7292, appendix B.3, tells apart.
_FOR_KEY: Final = 1
_FOR_IV: Final = 2
_FOR_MAC: Final = 3


@dataclass(frozen=True, slots=True)
class _Pbes2Cipher:
    key_size: int
    block_size: int
    algorithm: Callable[[bytes], BlockCipherAlgorithm]


_PBES2_CIPHERS: Final = {
    "aes128_cbc": _Pbes2Cipher(16, _AES_BLOCK_SIZE, algorithms.AES),
    "aes192_cbc": _Pbes2Cipher(24, _AES_BLOCK_SIZE, algorithms.AES),
    "aes256_cbc": _Pbes2Cipher(32, _AES_BLOCK_SIZE, algorithms.AES),
    "tripledes_3key": _Pbes2Cipher(24, _DES_BLOCK_SIZE, TripleDES),
}
_PKCS12_KEY_SIZES: Final = {
    "pkcs12_sha1_tripledes_3key": 24,
    "pkcs12_sha1_tripledes_2key": 16,
    "pkcs12_sha1_rc2_128": 16,
    "pkcs12_sha1_rc2_40": 5,
}


class Work:
    """Counts the rounds of key derivation that one file asks for."""

    def __init__(self) -> None:
        self._left = MAX_ROUNDS

    def spend(self, rounds: int, times: int = 1) -> None:
        """Take ``times`` derivations of so many rounds; raises KeystoreError if it is too much."""
        if rounds < 1:
            raise KeystoreError("it asks for no round of key derivation at all")
        if rounds * times > self._left:
            raise KeystoreError(
                f"it asks for more than {MAX_ROUNDS} rounds of key derivation, which would delay"
                " the start; write it again with fewer"
            )
        self._left -= rounds * times


def decrypt(algorithm: Any, data: bytes, password: bytes | None, work: Work) -> bytes:
    """Open the SEQUENCE that is encrypted under ``password`` by asn1crypto's EncryptionAlgorithm.

    None is PKCS#12's null password; see ``Derivation``.

    Raises WrongPasswordError if that fails, and KeystoreError for a scheme that is not
    supported or wants too much work. Malformed parameters raise what asn1crypto raises.
    """
    _check_password(password or b"")
    scheme = algorithm["algorithm"].native
    if scheme == "pbes2":
        padded, block_size = _decrypt_pbes2(algorithm, data, password or b"", work)
    elif scheme in _PKCS12_KEY_SIZES:
        padded, block_size = _decrypt_pkcs12(algorithm, data, password, work), _DES_BLOCK_SIZE
    else:
        raise KeystoreError(
            f"it is encrypted with {scheme}; PBES2 and PKCS#12's triple DES and RC2 are supported"
        )
    unpadder = padding.PKCS7(8 * block_size).unpadder()
    try:
        opened = unpadder.update(padded) + unpadder.finalize()
        # One wrong password in 256 leaves bytes that look like padding. Hardly any leaves a
        # SEQUENCE.
        core.Sequence.load(opened, strict=True)
    except ValueError:
        raise WrongPasswordError("the password is wrong, or the file is damaged") from None
    return opened


def _decrypt_pbes2(algorithm: Any, data: bytes, password: bytes, work: Work) -> tuple[bytes, int]:
    name = algorithm["parameters"]["encryption_scheme"]["algorithm"].native
    cipher = _PBES2_CIPHERS.get(name)
    if algorithm.kdf != "pbkdf2" or cipher is None or algorithm.kdf_hmac not in _PBKDF2_HASHES:
        raise KeystoreError(
            f"it is encrypted with {name} under {algorithm.kdf}; AES-CBC or triple DES under"
            f" PBKDF2 with HMAC of {_HASH_NAMES} is supported"
        )
    salt, rounds = algorithm.kdf_salt, algorithm.kdf_iterations
    wanted = algorithm["parameters"]["key_derivation_func"]["parameters"]["key_length"].native
    if wanted not in (None, cipher.key_size) or len(salt) > _MAX_SALT_SIZE:
        raise ValueError("parameters of PBKDF2 that do not fit")
    work.spend(rounds)
    prf = _PBKDF2_HASHES[algorithm.kdf_hmac]()
    key = PBKDF2HMAC(prf, cipher.key_size, salt, rounds).derive(password)
    return _decrypt_cbc(cipher.algorithm(key), algorithm.encryption_iv, data), cipher.block_size


def _decrypt_pkcs12(algorithm: Any, data: bytes, password: bytes | None, work: Work) -> bytes:
    scheme = algorithm["algorithm"].native
    parameters = algorithm["parameters"]
    derivation = Derivation(
        "sha1", password, parameters["salt"].native, parameters["iterations"].native
    )
    key = derivation.derive(_FOR_KEY, _PKCS12_KEY_SIZES[scheme], work)
    iv = derivation.derive(_FOR_IV, _DES_BLOCK_SIZE, work)
    if "rc2" not in scheme:
        # With two keys, the first one is the third as well.
        return _decrypt_cbc(TripleDES((key + key)[:24]), iv, data)
    if len(data) > MAX_RC2_SIZE:
        raise KeystoreError(
            f"{len(data)} bytes under RC2, and {MAX_RC2_SIZE} is the limit; write it again with AES"
        )
    return rc2.decrypt_cbc(key, iv, data)


def _decrypt_cbc(algorithm: BlockCipherAlgorithm, iv: bytes, data: bytes) -> bytes:
    decryptor = Cipher(algorithm, modes.CBC(iv)).decryptor()
    return decryptor.update(data) + decryptor.finalize()


@dataclass(frozen=True, slots=True)
class Derivation:
    """PKCS#12's own way from a password to keys (RFC 7292, appendix B.2).

    ``password`` None is the null password of programs that got no password. It differs from the
    empty password, which still has the end of a text.
    """

    hash_name: str
    password: bytes | None = field(repr=False)
    salt: bytes
    rounds: int

    def derive(self, purpose: int, size: int, work: Work) -> bytes:
        """Derive ``size`` bytes; raises KeystoreError if it is too much work."""
        if len(self.salt) > _MAX_SALT_SIZE:
            raise ValueError("a salt that is too long")
        digest = _DIGESTS[self.hash_name]
        block_size = digest().block_size
        blocks = -(-size // digest().digest_size)
        work.spend(self.rounds, blocks)
        # Appendix B.1: the password is a BMPString with two zero bytes at its end.
        text = b"" if self.password is None else utf16(self.password) + b"\x00\x00"
        state = _repeated(self.salt, block_size) + _repeated(text, block_size)
        derived = b""
        for _ in range(blocks):
            block = bytes((purpose,)) * block_size + state
            for _ in range(self.rounds):
                block = digest(block).digest()
            derived += block
            state = _stepped(state, (block * block_size)[:block_size])
        return derived[:size]


def _stepped(state: bytes, step: bytes) -> bytes:
    # Each block of the state, as a number, grows by the step and one.
    size = len(step)
    grown = [
        int.from_bytes(state[position : position + size], "big") + int.from_bytes(step, "big") + 1
        for position in range(0, len(state), size)
    ]
    return b"".join((number % (1 << 8 * size)).to_bytes(size, "big") for number in grown)


def _repeated(text: bytes, block_size: int) -> bytes:
    size = -(-len(text) // block_size) * block_size
    return (text * (size // len(text) + 1))[:size] if text else b""


def utf16(password: bytes) -> bytes:
    """Return a password, UTF-8 or else ISO-8859-1, in UTF-16 as Java has it in memory."""
    _check_password(password)
    try:
        text = password.decode()
    except UnicodeDecodeError:
        text = password.decode("iso-8859-1")
    return text.encode("utf-16-be")


def _check_password(password: bytes) -> None:
    if len(password) > MAX_PASSWORD_SIZE:
        raise WrongPasswordError(
            f"a password of more than {MAX_PASSWORD_SIZE} bytes; is that the right file?"
        )


def check_mac(mac_data: Any, content: bytes, password: bytes | None, work: Work) -> None:
    """Raise WrongPasswordError unless the MacData of asn1crypto is right for ``content``.

    Raises KeystoreError for a MAC that is not supported or wants too much work.
    """
    hash_name = mac_data["mac"]["digest_algorithm"]["algorithm"].native
    if hash_name not in _DIGESTS:
        raise KeystoreError(f"its MAC is made with {hash_name}; {_HASH_NAMES} is supported")
    expected = mac_data["mac"]["digest"].native
    salt, rounds = mac_data["mac_salt"].native, mac_data["iterations"].native
    computed = mac(Derivation(hash_name, password, salt, rounds), content, work)
    if not hmac.compare_digest(computed, expected):
        raise WrongPasswordError("the password is wrong, or the file was changed")


def mac(derivation: Derivation, content: bytes, work: Work) -> bytes:
    """Make the MAC of PKCS#12 (RFC 7292, appendix A)."""
    size = _DIGESTS[derivation.hash_name]().digest_size
    return hmac.digest(derivation.derive(_FOR_MAC, size, work), content, derivation.hash_name)


def encrypt(
    data: bytes, password: bytes, entropy: Callable[[int], bytes], rounds: int = ROUNDS
) -> tuple[algos.EncryptionAlgorithm, bytes]:
    """Close ``data`` with PBES2: PBKDF2-HMAC-SHA256 and AES-256-CBC.

    ``entropy`` gives as many random bytes as it is asked for.
    """
    salt, iv = entropy(_SALT_SIZE), entropy(_AES_BLOCK_SIZE)
    key = PBKDF2HMAC(hashes.SHA256(), 32, salt, rounds).derive(password)
    padder = padding.PKCS7(8 * _AES_BLOCK_SIZE).padder()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    padded = padder.update(data) + padder.finalize()
    derivation = {
        "salt": algos.Pbkdf2Salt(name="specified", value=salt),
        "iteration_count": rounds,
        "prf": {"algorithm": "sha256"},
    }
    parameters = algos.Pbes2Params(
        {
            "key_derivation_func": {"algorithm": "pbkdf2", "parameters": derivation},
            "encryption_scheme": {"algorithm": "aes256_cbc", "parameters": iv},
        }
    )
    algorithm = algos.EncryptionAlgorithm({"algorithm": "pbes2", "parameters": parameters})
    return algorithm, encryptor.update(padded) + encryptor.finalize()

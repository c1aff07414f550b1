"""Private keys as PKCS#8 (RFC 5958): both forms that Uzbek software writes, encrypted or not.

E-IMZO writes the bare identifier of the parameter set and a SEC1 ECPrivateKey (RFC 5915), whose
number is big-endian. Other tools write the GOST form: the parameters as in a public key, and
the number as 32 bytes little-endian, with or without an OCTET STRING around it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from asn1crypto import algos, core, keys
from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from tunnel_gateway.errors import InvalidKeyError
from tunnel_gateway.gost.curves import SCALAR_SIZE, Curve, PrivateKey
from tunnel_gateway.pki.certificate import MALFORMED
from tunnel_gateway.pki.oids import FAMILY_BY_KEY_OID, Family, KeyParameters

# What OWASP asks of PBKDF2-HMAC-SHA256 (2023); a quarter of a second, once, at start.
ITERATIONS: Final = 600_000
# About a second of work. A file that asks for more is damaged or meant to block the start.
MAX_ITERATIONS: Final = 2_000_000

_SALT_SIZE: Final = 16
_BLOCK_SIZE: Final = 16
_KEY_SIZES: Final = {"aes128_cbc": 16, "aes192_cbc": 24, "aes256_cbc": 32}
_HASHES: Final[dict[str, type[hashes.HashAlgorithm]]] = {
    "sha1": hashes.SHA1,
    "sha256": hashes.SHA256,
    "sha512": hashes.SHA512,
}


class _Algorithm(core.Sequence):  # type: ignore[misc]
    _fields = [("algorithm", core.ObjectIdentifier), ("parameters", core.Any)]  # noqa: RUF012


class _PrivateKeyInfo(core.Sequence):  # type: ignore[misc]
    _fields = [  # noqa: RUF012
        ("version", core.Integer),
        ("algorithm", _Algorithm),
        ("private_key", core.OctetString),
        ("attributes", core.Any, {"optional": True}),
    ]


class _EcPrivateKey(core.Sequence):  # type: ignore[misc]
    _fields = [  # noqa: RUF012
        ("version", core.Integer),
        ("private_key", core.OctetString),
        ("parameters", core.Any, {"explicit": 0, "optional": True}),
        ("public_key", core.Any, {"explicit": 1, "optional": True}),
    ]


def decode(der: bytes) -> PrivateKey:
    """Read an unencrypted PrivateKeyInfo in either form.

    Raises InvalidKeyError, with the reason, for anything else.
    """
    try:
        info = _PrivateKeyInfo.load(der, strict=True)
        oid = info["algorithm"]["algorithm"].native
        family = FAMILY_BY_KEY_OID.get(oid)
        if family is None:
            raise InvalidKeyError(f"the key algorithm {oid} is not an E-IMZO one")
        curve, number = _parts(family, info)
    except MALFORMED as fault:
        raise InvalidKeyError(f"not a PKCS#8 private key ({type(fault).__name__})") from fault
    return PrivateKey(curve, number)


def _parts(family: Family, info: Any) -> tuple[Curve, bytes]:
    parameters = info["algorithm"]["parameters"]
    content = info["private_key"].native
    # The form of the parameters says which form the number has; its bytes could not.
    if isinstance(parameters.parse(), core.ObjectIdentifier):
        return _curve(family, parameters.native), _sec1_number(content)
    set_oid = parameters.parse(KeyParameters)["parameter_set"].native
    return _curve(family, set_oid), _gost_number(content)


def _curve(family: Family, parameter_set: str) -> Curve:
    curve = family.parameter_sets.get(parameter_set)
    if curve is None:
        raise InvalidKeyError(f"the parameter set {parameter_set} is not known")
    return curve


def _sec1_number(content: bytes) -> bytes:
    key = _EcPrivateKey.load(content, strict=True)
    if key["version"].native != 1:
        raise InvalidKeyError(f"an ECPrivateKey of version {key['version'].native}")
    # Some writers leave out leading zeros, others add one.
    return int.from_bytes(key["private_key"].native, "big").to_bytes(SCALAR_SIZE, "big")


def _gost_number(content: bytes) -> bytes:
    if len(content) != SCALAR_SIZE:
        content = core.OctetString.load(content, strict=True).native
    if len(content) != SCALAR_SIZE:
        raise InvalidKeyError(f"a private key of {len(content)} bytes; it should have 32")
    return content[::-1]


def encode(private_key: PrivateKey, family: Family) -> bytes:
    """Write a PrivateKeyInfo in the form of E-IMZO."""
    parameter_set = family.parameter_set(private_key.curve)
    number = _EcPrivateKey({"version": 1, "private_key": private_key.to_bytes()})
    return bytes(
        _PrivateKeyInfo(
            {
                "version": 0,
                "algorithm": {
                    "algorithm": family.key_oid,
                    "parameters": core.Any(core.ObjectIdentifier(parameter_set)),
                },
                "private_key": number.dump(),
            }
        ).dump()
    )


def decrypt(der: bytes, password: bytes) -> bytes:
    """Open an EncryptedPrivateKeyInfo: PBES2 with PBKDF2 and AES-CBC (RFC 8018).

    Raises InvalidKeyError if the password is wrong, the scheme is another one, or the number
    of iterations is over ``MAX_ITERATIONS``.
    """
    try:
        info = keys.EncryptedPrivateKeyInfo.load(der, strict=True)
        return _open(info["encryption_algorithm"], info["encrypted_data"].native, password)
    except MALFORMED as fault:
        raise InvalidKeyError("the password is wrong, or the key file is damaged") from fault


def _open(algorithm: Any, encrypted: bytes, password: bytes) -> bytes:
    scheme = algorithm["algorithm"].native
    if scheme != "pbes2" or algorithm.kdf != "pbkdf2":
        raise InvalidKeyError(f"the key is encrypted with {scheme}; only PBES2 is supported")
    cipher = algorithm["parameters"]["encryption_scheme"]["algorithm"].native
    if cipher not in _KEY_SIZES or algorithm.kdf_hmac not in _HASHES:
        raise InvalidKeyError(
            f"the key is encrypted with {cipher} and {algorithm.kdf_hmac};"
            " only AES-CBC with HMAC of SHA-1, SHA-256 or SHA-512 is supported"
        )
    if not 0 < algorithm.kdf_iterations <= MAX_ITERATIONS:
        raise InvalidKeyError(
            f"the key file asks for {algorithm.kdf_iterations} iterations of PBKDF2;"
            f" {MAX_ITERATIONS} is the limit"
        )
    key = PBKDF2HMAC(
        _HASHES[algorithm.kdf_hmac](),
        _KEY_SIZES[cipher],
        algorithm.kdf_salt,
        algorithm.kdf_iterations,
    ).derive(password)
    decryptor = Cipher(algorithms.AES(key), modes.CBC(algorithm.encryption_iv)).decryptor()
    unpadder = padding.PKCS7(8 * _BLOCK_SIZE).unpadder()
    padded = decryptor.update(encrypted) + decryptor.finalize()
    return unpadder.update(padded) + unpadder.finalize()


def encrypt(der: bytes, password: bytes, entropy: Callable[[int], bytes]) -> bytes:
    """Close a PrivateKeyInfo with PBES2: PBKDF2-HMAC-SHA256 and AES-256-CBC.

    ``entropy`` gives as many random bytes as it is asked for.
    """
    salt, iv = entropy(_SALT_SIZE), entropy(_BLOCK_SIZE)
    key = PBKDF2HMAC(hashes.SHA256(), 32, salt, ITERATIONS).derive(password)
    padder = padding.PKCS7(8 * _BLOCK_SIZE).padder()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    padded = padder.update(der) + padder.finalize()
    parameters = algos.Pbes2Params(
        {
            "key_derivation_func": {
                "algorithm": "pbkdf2",
                "parameters": {
                    "salt": algos.Pbkdf2Salt(name="specified", value=salt),
                    "iteration_count": ITERATIONS,
                    "prf": {"algorithm": "sha256"},
                },
            },
            "encryption_scheme": {"algorithm": "aes256_cbc", "parameters": iv},
        }
    )
    return bytes(
        keys.EncryptedPrivateKeyInfo(
            {
                "encryption_algorithm": {"algorithm": "pbes2", "parameters": parameters},
                "encrypted_data": encryptor.update(padded) + encryptor.finalize(),
            }
        ).dump()
    )

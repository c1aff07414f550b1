"""Private keys as PKCS#8 (RFC 5958): both forms that Uzbek software writes, encrypted or not.

E-IMZO writes the bare identifier of the parameter set and a SEC1 ECPrivateKey (RFC 5915), whose
number is big-endian. Other tools write the GOST form: the parameters as in a public key, and
the number as 32 bytes little-endian, with or without an OCTET STRING around it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from asn1crypto import core, keys

from tunnel_gateway.errors import InvalidKeyError, KeystoreError
from tunnel_gateway.gost.curves import SCALAR_SIZE, Curve, PrivateKey
from tunnel_gateway.pki.encoding.der import load_der, malformed_as
from tunnel_gateway.pki.encoding.oids import FAMILY_BY_KEY_OID, Family, KeyParameters
from tunnel_gateway.pki.files import pbe

# A key has some hundred bytes; asn1crypto takes time quadratic in the number of a list's members.
MAX_SIZE: Final = 16 * 1024


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
    if len(der) > MAX_SIZE:
        raise InvalidKeyError(f"a private key of {len(der)} bytes; {MAX_SIZE} is the limit")
    with malformed_as(
        lambda fault: InvalidKeyError(f"not a PKCS#8 private key ({type(fault).__name__})")
    ):
        info = load_der(_PrivateKeyInfo, der)
        oid = info["algorithm"]["algorithm"].native
        family = FAMILY_BY_KEY_OID.get(oid)
        if family is None:
            raise InvalidKeyError(f"the key algorithm {oid} is not an E-IMZO one")
        curve, number = _parts(family, info)
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
    key = load_der(_EcPrivateKey, content)
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
    """Open an EncryptedPrivateKeyInfo (RFC 5958).

    Raises WrongPasswordError if the password is wrong, and KeystoreError for anything else that
    is not as it should be.
    """
    if len(der) > MAX_SIZE:
        raise KeystoreError(f"an encrypted key of {len(der)} bytes; {MAX_SIZE} is the limit")
    with malformed_as(
        lambda fault: KeystoreError(
            f"not a PKCS#8 encrypted private key ({type(fault).__name__}); the file is damaged"
        )
    ):
        info = load_der(keys.EncryptedPrivateKeyInfo, der)
        return open_info(info, password, pbe.Work())


def open_info(info: Any, password: bytes | None, work: pbe.Work) -> bytes:
    """Open asn1crypto's EncryptedPrivateKeyInfo, like ``decrypt``, as part of more ``work``."""
    return pbe.decrypt(info["encryption_algorithm"], info["encrypted_data"].native, password, work)


def encrypt(
    der: bytes, password: bytes, entropy: Callable[[int], bytes], rounds: int = pbe.ROUNDS
) -> bytes:
    """Close a PrivateKeyInfo with PBES2, as ``pbe.encrypt`` does."""
    algorithm, closed = pbe.encrypt(der, password, entropy, rounds)
    return bytes(
        keys.EncryptedPrivateKeyInfo(
            {"encryption_algorithm": algorithm, "encrypted_data": closed}
        ).dump()
    )

"""Known answers, asked at every start: a build that gives a wrong answer must not run.

A check compares with a value that another implementation has computed. So a fault in the extension,
in libgcrypt or in the processor cannot agree with itself. If no value is published, both directions
of an operation are compared with each other. All checks take about 5 ms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from cryptography.exceptions import InvalidSignature, InvalidTag

from tunnel_gateway.errors import SelfTestError, TunnelGatewayError
from tunnel_gateway.gost.cipher import Gost28147, MagmaMGM
from tunnel_gateway.gost.curves import CRYPTOPRO_A, CURVES, Curve, PrivateKey, PublicKey
from tunnel_gateway.gost.digest import digest, hmac
from tunnel_gateway.gost.key_agreement import agree
from tunnel_gateway.gost.signature import sign, verify
from tunnel_gateway.gost.streams import Mode, ParamSet, Stream

GUIDE: Final = "E-IMZO integration guide"
OWN: Final = "both directions held against each other"

# The guide's answer of /backend/pkcs7/verify/attached (section 2.2.4).
GUIDE_DIGEST: Final = "3369cd520c8e556502b9bc0ac34ca69cafee96f2f4a8371a63d4dd7d3a458d05"
GUIDE_SIGNATURE: Final = bytes.fromhex(
    "a88ab92b3eed2221925a8532a88ff52d94fc7fa2d0b3579f614822f0723395ee"
    "4727de2ed694a21715879637b3181febb94da9016f5a1737d7e9f9920719e90d"
)
GUIDE_TIMESTAMP_IMPRINT: Final = "e96377344d7bab212bcb6c6b82c25fb61600bb4d3f9645aa40c3ec51e4827605"
GUIDE_PUBLIC_KEY: Final = bytes.fromhex(
    "7edc4bc5f9d163d87eba31ae70fa0caa540a16fce39aca8ba0da73e07de6b67c"
    "403a109f5a3a41c1dbb8c8a13f883c672108c448c284746b9756f590e48952b7"
)
# That signature is over this: the DER SET of contentType, signingTime and messageDigest.
GUIDE_SIGNED_ATTRIBUTES: Final = (
    bytes.fromhex("3169 3018 06092a864886f70d010903 310b 06092a864886f70d010701")
    + bytes.fromhex("301c 06092a864886f70d010905 310f 170d")
    + b"220927061753Z"
    + bytes.fromhex("302f 06092a864886f70d010904 3122 0420")
    + bytes.fromhex(GUIDE_DIGEST)
)

# The key that every E-IMZO checks the API-KEYs of the guide's section 1.1 with.
API_KEY_PUBLIC_KEY: Final = bytes.fromhex(
    "bd8ca7ef42e6272b40cd5d49bc19e15dad176f4ed254ea1dc228b6be1a37c729"
    "499786478e1d06c0cbc33351f7d233a5ef1a4b0b2a33130d27d1793ad20114be"
)
API_KEYS: Final = {
    "localhost": "96d0c1491615c82b9a54d9989779df825b690748224c2b04f500f370d51827ce"
    "2644d8d4a82c18184d73ab8530bb8ed537269603f61db0d03d2104abf789970b",
    "127.0.0.1": "a7bcfa5d490b351be0754130df03a068f855db4333d43921125b9cf2670ef6a4"
    "0370c646b90401955e1f7bc9cdbf59ce0b2c5467d820be189c845d0b79cfc96f",
}

MAGMA_KEY: Final = bytes.fromhex("ffeeddccbbaa99887766554433221100f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff")
MGM_NONCE: Final = bytes.fromhex("12def06b3c130a59")
MGM_ASSOCIATED: Final = bytes.fromhex(
    "0101010101010101020202020202020203030303030303030404040404040404 0505050505050505ea"
)
MGM_PLAINTEXT: Final = bytes.fromhex(
    "ffeeddccbbaa998811223344556677008899aabbcceeff0a0011223344556677"
    "99aabbcceeff0a001122334455667788aabbcceeff0a00112233445566778899 aabbcc"
)
MGM_SEALED: Final = bytes.fromhex(
    "c795066c5f9ea03b85113342459185ae1f2e00d6bf2b785d940470b8bb9c8e7d"
    "9a5dd3731f7ddc70ec27cb0ace6fa57670f65c646abb75d547aa37c3bcb5c34e 03bb9c a7928069aa10fd10"
)

GOST28147_KEY: Final = bytes.fromhex(
    "546d203368656c326973652073736e62206167796967747473656865202c3d73"
)
# id-GostR3411-94-TestParamSet (RFC 5831, section 7.1): an S-box that nothing here uses.
TEST_SBOX: Final = bytes(
    int(digit, 16)
    for digit in "4a92d80e6b1c7f53eb4c6dfa23810759581da342efc7609b7da1089fe46cb253"
    "6c715fd84a9e03b24ba0721d36859cfedb413f590ae7682c1fd057a4923e6b8c"
)
# The end of 1040 zero bytes under that key: the key changes before byte 1024.
STREAM_IV: Final = bytes(range(1, 9))
STREAM_END: Final = bytes.fromhex("6d63509aeb6c19d74232935ea2fb92456e43ff154f74650b")


@dataclass(frozen=True, slots=True)
class KnownAnswer:
    """A question, the origin of its answer, and a check that we give this answer."""

    name: str
    source: str
    check: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Result:
    """Whether one known answer came out."""

    name: str
    source: str
    passed: bool


def _digest_is(data: bytes, expected: str) -> bool:
    return digest(data).hex() == expected


def _hmac_is(key: bytes, data: bytes, expected: str) -> bool:
    return hmac(key, data).hex() == expected


def _verifies(curve: Curve, public_key: bytes, signature: bytes, signed: bytes) -> bool:
    verify(PublicKey(curve, public_key), signature, signed)
    return True


def _refuses(public_key: PublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        verify(public_key, signature, signed)
    except InvalidSignature:
        return True
    return False


def _guide_signature() -> bool:
    signed = digest(GUIDE_SIGNED_ATTRIBUTES)
    return _verifies(CRYPTOPRO_A, GUIDE_PUBLIC_KEY, GUIDE_SIGNATURE, signed)


def _api_key(domain: str) -> bool:
    signed = digest(digest(domain.encode("ascii")))
    return _verifies(CRYPTOPRO_A, API_KEY_PUBLIC_KEY, bytes.fromhex(API_KEYS[domain]), signed)


def _private_key(curve: Curve, seed: bytes) -> PrivateKey:
    return PrivateKey.generate(curve, lambda size: (digest(seed) * size)[:size])


def _signs(curve: Curve) -> bool:
    key, signed = _private_key(curve, b"signer"), digest(b"signed")
    signature, public_key = sign(key, signed, digest(b"entropy")), key.public_key()
    altered = signature[:-1] + bytes([signature[-1] ^ 1])
    return _verifies(curve, public_key.encoded, signature, signed) and _refuses(
        public_key, altered, signed
    )


def _agrees(curve: Curve) -> bool:
    ours, theirs = _private_key(curve, b"ours"), _private_key(curve, b"theirs")
    return agree(ours, theirs.public_key(), 1) == agree(theirs, ours.public_key(), 1)


def _gost28147() -> bool:
    cipher = Gost28147(GOST28147_KEY, TEST_SBOX)
    block = bytes.fromhex("1b0bbc32cebcab42")
    return cipher.encrypt_blocks(bytes(8)) == block and cipher.decrypt_blocks(block) == bytes(8)


def _stream() -> bool:
    arguments = (ParamSet.CRYPTOPRO_A, Mode.GCFB, GOST28147_KEY, STREAM_IV)
    ciphertext = Stream(*arguments).encrypt(bytes(1040))
    plaintext = Stream(*arguments).decrypt(ciphertext)
    return ciphertext.endswith(STREAM_END) and plaintext == bytes(1040)


def _magma() -> bool:
    block = MagmaMGM(MAGMA_KEY).encrypt_block(bytes.fromhex("fedcba9876543210"))
    return block.hex() == "4ee901e5c2d8ca3d"


def _mgm_seals() -> bool:
    return MagmaMGM(MAGMA_KEY).encrypt(MGM_NONCE, MGM_PLAINTEXT, MGM_ASSOCIATED) == MGM_SEALED


def _mgm_opens() -> bool:
    return MagmaMGM(MAGMA_KEY).decrypt(MGM_NONCE, MGM_SEALED, MGM_ASSOCIATED) == MGM_PLAINTEXT


def _mgm_refuses() -> bool:
    altered = bytes([MGM_SEALED[0] ^ 1]) + MGM_SEALED[1:]
    try:
        MagmaMGM(MAGMA_KEY).decrypt(MGM_NONCE, altered, MGM_ASSOCIATED)
    except InvalidTag:
        return True
    return False


_CRYPTOPRO = "vectors of the CryptoPro S-box"
_DIGEST = "GOST R 34.11-94 of "
_EMPTY = "981e5f3ca30c841487830f84fb433e13ac1101569b9c13584ac483234cd656c0"
_ABC = "b285056dbf18d7392d7677369524dd14747459ed8143997e163b2986f92fd42c"
_HMAC = "7314e7c04fb2e662c543674253f68bd0b73445d07f241bed872882da21662d58"

KNOWN_ANSWERS: Final = (
    KnownAnswer(_DIGEST + "nothing", _CRYPTOPRO, partial(_digest_is, b"", _EMPTY)),
    KnownAnswer(_DIGEST + '"abc"', _CRYPTOPRO, partial(_digest_is, b"abc", _ABC)),
    KnownAnswer(
        _DIGEST + "the guide's document",
        f"{GUIDE}, section 2.2.4",
        partial(_digest_is, b"some document", GUIDE_DIGEST),
    ),
    KnownAnswer(
        _DIGEST + "the guide's signature",
        f"{GUIDE}, section 2.2.4, timestamp",
        partial(_digest_is, GUIDE_SIGNATURE, GUIDE_TIMESTAMP_IMPRINT),
    ),
    KnownAnswer(
        "HMAC of GOST R 34.11-94",
        "TC26 MR 26.2.001-2012, PBKDF2 with one iteration",
        partial(_hmac_is, b"password", b"salt\0\0\0\1", _HMAC),
    ),
    KnownAnswer("the guide's signature", f"{GUIDE}, section 2.2.4", _guide_signature),
    *(
        KnownAnswer(f"API-KEY of {domain}", f"{GUIDE}, section 1.1", partial(_api_key, domain))
        for domain in API_KEYS
    ),
    *(KnownAnswer(f"signature on {curve.name}", OWN, partial(_signs, curve)) for curve in CURVES),
    *(
        KnownAnswer(f"key agreement on {curve.name}", OWN, partial(_agrees, curve))
        for curve in CURVES
    ),
    KnownAnswer("GOST 28147-89 block", "RFC 5831, section 7.3.1", _gost28147),
    KnownAnswer("GOST 28147-89 stream", "gost-engine 3.0.1, gost89", _stream),
    KnownAnswer("Magma block", "RFC 8891, appendix A.4", _magma),
    KnownAnswer("Magma-MGM seals", "RFC 9058, appendix A.2", _mgm_seals),
    KnownAnswer("Magma-MGM opens", "RFC 9058, appendix A.2", _mgm_opens),
    KnownAnswer("Magma-MGM refuses an altered message", "RFC 9058, appendix A.2", _mgm_refuses),
)


def run(known_answers: Iterable[KnownAnswer] = KNOWN_ANSWERS) -> Iterator[Result]:
    """Ask every question, in order; a check that is refused an answer has not passed."""
    for known in known_answers:
        try:
            passed = known.check()
        except (InvalidSignature, InvalidTag, TunnelGatewayError):
            passed = False
        yield Result(known.name, known.source, passed)


def require(known_answers: Iterable[KnownAnswer] = KNOWN_ANSWERS) -> None:
    """Return if all is well; raise SelfTestError that names the first wrong answer."""
    for result in run(known_answers):
        if not result.passed:
            raise SelfTestError(
                f"wrong answer: {result.name} ({result.source}). The extension, libgcrypt or the"
                " machine is faulty: reinstall them and run `tunnel-gateway selftest`"
            )

"""API-KEYs: they decide which pages may call the agent.

An API-KEY is a signature over the name of a domain, in 128 hexadecimal digits: GOST R 34.10-2001
over the digest of the digest of the name in ASCII (section 1.1 of the vendor's guide; the two keys
in it verify in this way). The vendor issues the keys for real domains. For development the agent's
settings can name more issuers; `tunnel-gateway pki apikey` signs as such an issuer.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from cryptography.exceptions import InvalidSignature

from tunnel_gateway.agent.calls import Caller
from tunnel_gateway.agent.reasons import refused
from tunnel_gateway.gost import signature
from tunnel_gateway.gost.curves import CRYPTOPRO_A, PrivateKey, PublicKey
from tunnel_gateway.gost.digest import digest

# The key of the vendor's issuer, x then y, little-endian.
VENDOR: Final = PublicKey(
    CRYPTOPRO_A,
    bytes.fromhex("29c7371abeb628c21dea54d24e6f17ad5de119bc495dcd402b27e642efa78cbd")[::-1]
    + bytes.fromhex("be1401d23a79d1270d13332a0b4b1aefa533d2f75133c3cbc0061d8e47869749")[::-1],
)

MAX_LIST: Final = 128  # domains and keys in one call
# The keys for the caller's own domain that are tried: each costs a verification.
_MAX_TRIED: Final = 4
# A domain with an API-KEY can have an origin for each port, so their number has a limit.
MAX_ORIGINS: Final = 256
_HEX_DIGITS: Final = 2 * signature.SIGNATURE_SIZE


def make_api_key(issuer: PrivateKey, domain: str, entropy: bytes) -> str:
    """Return the API-KEY of a domain, A-labels in lower case; ``entropy`` is 32 random bytes."""
    return signature.sign(issuer, _signed(domain), entropy).hex().upper()


def _signed(domain: str) -> bytes:
    return digest(digest(domain.encode("ascii")))


class ApiKeys:
    """The origins that installed a valid API-KEY since the agent started."""

    def __init__(self, issuers: Sequence[PublicKey] = ()) -> None:
        self._issuers = (VENDOR, *issuers)
        self._opened: dict[str, None] = {}  # the origin that installed first comes first

    def is_open_to(self, caller: Caller) -> bool:
        """Tell whether the caller's origin has installed a valid API-KEY."""
        return caller.origin in self._opened

    def install(self, caller: Caller, arguments: Sequence[object]) -> None:
        """Open the API to the caller's origin: ``arguments`` are domain, key, domain, key …

        Keys for other domains are ignored, because one list can serve several sites. Raises
        CallRefusedError: ``bad_arguments``, ``api_key_missing`` or ``api_key_invalid``. Then the
        origin also loses the key that it has installed before.
        """
        self._opened.pop(caller.origin, None)
        texts = [argument for argument in arguments if isinstance(argument, str)]
        if len(texts) != len(arguments) or len(texts) % 2 or len(texts) > MAX_LIST:
            raise refused("bad_arguments", expected="domain, key, domain, key …")
        pairs = zip(texts[::2], texts[1::2], strict=True)
        keys = [key for domain, key in pairs if domain.lower() == caller.domain]
        if not keys:
            raise refused("api_key_missing", domain=caller.domain)
        if not any(self._is_valid(caller.domain, key) for key in keys[:_MAX_TRIED]):
            raise refused("api_key_invalid", domain=caller.domain)
        if len(self._opened) >= MAX_ORIGINS:
            del self._opened[next(iter(self._opened))]
        self._opened[caller.origin] = None

    def _is_valid(self, domain: str, key: str) -> bool:
        if len(key) != _HEX_DIGITS:
            return False
        try:
            signed = bytes.fromhex(key)
        except ValueError:
            return False
        for issuer in self._issuers:
            with suppress(InvalidSignature):
                signature.verify(issuer, signed, _signed(domain))
                return True
        return False

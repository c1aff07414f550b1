"""Fixtures of the heavy tests."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import pytest

from tunnel_gateway.gost.curves import Curve, PrivateKey, PublicKey
from tunnel_gateway.gost.key_agreement import agree
from tunnel_gateway.gost.signature import sign, verify
from tunnel_gateway.protocol import authentication, connection

_public_key = PrivateKey.public_key


@functools.cache
def _known_public_key(curve: Curve, d: bytes) -> PublicKey:
    return _public_key(PrivateKey(curve, d))


@functools.cache
def _known_agreement(curve: Curve, d: bytes, peer: PublicKey, ukm: int) -> bytes:
    return agree(PrivateKey(curve, d), peer, ukm)


@functools.cache
def _known_signature(curve: Curve, d: bytes, digest: bytes, entropy: bytes) -> bytes:
    return sign(PrivateKey(curve, d), digest, entropy)


@pytest.fixture(scope="module")
def remembered() -> Iterator[None]:
    """Public-key operations give the answer of the last time to the same question.

    They are pure functions, cost 1 to 3 ms each, and a handshake that is repeated with other
    splits or faults asks them the same again. A wrong signature is never remembered.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            PrivateKey, "public_key", lambda key: _known_public_key(key.curve, key.to_bytes())
        )
        patch.setattr(
            connection,
            "agree",
            lambda key, peer, ukm: _known_agreement(key.curve, key.to_bytes(), peer, ukm),
        )
        patch.setattr(
            authentication,
            "sign",
            lambda key, digest, entropy: _known_signature(
                key.curve, key.to_bytes(), digest, entropy
            ),
        )
        patch.setattr(authentication, "verify", functools.cache(verify))
        yield

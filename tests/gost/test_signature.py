"""GOST R 34.10-2001 signatures."""

from __future__ import annotations

import functools
import os
from base64 import b64decode
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature

from tests.support import reference_curve
from tests.support.reference_curve import CURVES_BY_NAME
from tests.vectors import load
from tunnel_gateway.errors import SelfTestError
from tunnel_gateway.gost import signature as module
from tunnel_gateway.gost._native._gost import ffi, lib
from tunnel_gateway.gost.curves import (
    CRYPTOPRO_A,
    CURVES,
    Curve,
    FrequentKey,
    PrivateKey,
    PublicKey,
    swap_halves,
)
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.gost.signature import sign

VECTORS = load("signature")
DIGEST = digest(b"what is signed")

on_each_curve = pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
on_each_vector = pytest.mark.parametrize(
    "vector", VECTORS["signature"], ids=lambda vector: vector["curve"]
)


def new_key(curve: Curve) -> PrivateKey:
    return PrivateKey.generate(curve, os.urandom)


@functools.lru_cache(8)
def frequent(public_key: PublicKey) -> FrequentKey:
    """The key, after so many checks that it has a table of its multiples."""
    key = FrequentKey(public_key)
    while key.table() is None:
        pass
    return key


def verify(public_key: PublicKey, signature: bytes, signed: bytes) -> None:
    """Check with the table and without: both must say the same."""
    try:
        module.verify(public_key, signature, signed)
    except InvalidSignature:
        with pytest.raises(InvalidSignature):
            module.verify(frequent(public_key), signature, signed)
        raise
    module.verify(frequent(public_key), signature, signed)


def refused(public_key: PublicKey, signature: bytes, signed: bytes) -> bool:
    with pytest.raises(InvalidSignature):
        verify(public_key, signature, signed)
    return True


def numbers(pair: bytes) -> tuple[int, int]:
    """Two numbers of 32 bytes each, big-endian."""
    return int.from_bytes(pair[:32], "big"), int.from_bytes(pair[32:], "big")


def sign_with(curve: Curve, d: bytes, signed: bytes, k: bytes) -> bytes | None:
    """What ``sign`` does with the one-time number k, or None if k will not do."""
    number = int.from_bytes(signed, "little") % curve.n or 1
    signature = ffi.new("uint8_t[]", 64)
    if not lib.gost_curve_sign(curve.native_name, d, number.to_bytes(32, "big"), k, signature):
        return None
    return bytes(ffi.buffer(signature))


@on_each_vector
def test_published_signatures_by_the_reference(vector: dict[str, str]) -> None:
    curve = CURVES_BY_NAME[vector["curve"]]
    d, k, s_and_r, xy = (
        bytes.fromhex(vector[name]) for name in ("d", "k", "signature", "public_key")
    )
    e = int.from_bytes(bytes.fromhex(vector["digest"]), "little") % curve.n
    s, r = numbers(s_and_r)
    secret, one_time = int.from_bytes(d, "big"), int.from_bytes(k, "big")
    assert reference_curve.multiply(curve, secret) == numbers(xy)
    assert reference_curve.sign(curve, secret, e, one_time) == (s, r)
    assert reference_curve.accepts(curve, numbers(xy), e, s, r)
    assert not reference_curve.accepts(curve, numbers(xy), e, s + 1, r)


@on_each_curve
def test_signatures_by_another_way(curve: Curve) -> None:
    for size in (1, 2, 31, 32, 32, 32):
        d, e, k = (int.from_bytes(os.urandom(size), "big") % (curve.n - 1) + 1 for _ in range(3))
        signature = sign_with(
            curve, d.to_bytes(32, "big"), e.to_bytes(32, "little"), k.to_bytes(32, "big")
        )
        expected = reference_curve.sign(curve, d, e, k)
        if 0 in expected:  # rarely; of small numbers k = 1 is one on CryptoPro-C
            assert signature is None
        else:
            assert signature is not None
            assert numbers(signature) == expected


@on_each_curve
def test_digests_whose_inverse_is_at_an_edge(curve: Curve) -> None:
    private_key = new_key(curve)
    numbers_near = (1, 2, 3, 4, curve.n - 1, curve.n - 2, curve.n // 2, curve.n // 2 + 1)
    for number in (*numbers_near, *(1 << bit for bit in range(8, 255, 13))):
        for e in (number, pow(number, -1, curve.n)):
            signed = e.to_bytes(32, "little")
            signature = sign(private_key, signed, os.urandom(32))
            verify(private_key.public_key(), signature, signed)
            assert refused(private_key.public_key(), signature, digest(signed))


def test_a_published_signature() -> None:
    (vector,) = (one for one in VECTORS["signature"] if one["curve"] == CRYPTOPRO_A.name)
    public_key = PublicKey(CRYPTOPRO_A, swap_halves(bytes.fromhex(vector["public_key"])))
    d, k, signed, signature = (
        bytes.fromhex(vector[name]) for name in ("d", "k", "digest", "signature")
    )
    verify(public_key, signature, signed)
    assert refused(public_key, signature, digest(signed))
    assert PrivateKey(CRYPTOPRO_A, d).public_key() == public_key
    assert sign_with(CRYPTOPRO_A, d, signed, k) == signature


def test_a_published_certificate_verifies() -> None:
    vector: dict[str, Any] = VECTORS["certificate"]
    der = b64decode(vector["base64"])
    start, end = vector["tbs"]
    public_key = PublicKey(CRYPTOPRO_A, der[vector["public_key_at"] :][:64])
    signature = der[vector["signature_at"] :]
    verify(public_key, signature, digest(der[start:end]))
    assert refused(public_key, signature, digest(der[start : end - 1]))
    assert PrivateKey(CRYPTOPRO_A, bytes.fromhex(vector["d"])).public_key() == public_key


@on_each_curve
def test_what_is_signed_verifies(curve: Curve) -> None:
    private_key = new_key(curve)
    public_key = private_key.public_key()
    for _ in range(10):
        signed = os.urandom(32)
        signature = sign(private_key, signed, os.urandom(32))
        assert len(signature) == 64
        verify(public_key, signature, signed)
        assert refused(public_key, signature, os.urandom(32))
        assert refused(new_key(curve).public_key(), signature, signed)


@on_each_curve
def test_the_ends_of_the_range_sign_too(curve: Curve) -> None:
    for scalar in (1, curve.n - 1):
        private_key = PrivateKey(curve, scalar.to_bytes(32, "big"))
        verify(private_key.public_key(), sign(private_key, DIGEST, bytes(32)), DIGEST)


@on_each_curve
def test_every_byte_of_signature_and_digest_counts(curve: Curve) -> None:
    private_key = new_key(curve)
    public_key = private_key.public_key()
    signature = sign(private_key, DIGEST, os.urandom(32))
    for position in range(64):
        altered = bytearray(signature)
        altered[position] ^= 1 << position % 8
        assert refused(public_key, bytes(altered), DIGEST)
    for position in range(32):
        altered = bytearray(DIGEST)
        altered[position] ^= 1 << position % 8
        assert refused(public_key, signature, bytes(altered))


@on_each_curve
def test_numbers_out_of_range_are_refused(curve: Curve) -> None:
    private_key = new_key(curve)
    public_key = private_key.public_key()
    signature = sign(private_key, DIGEST, os.urandom(32))
    s, r = signature[:32], signature[32:]
    for number in (0, curve.n, curve.n + 1, 2**256 - 1):
        encoded = number.to_bytes(32, "big")
        assert refused(public_key, encoded + r, DIGEST)
        assert refused(public_key, s + encoded, DIGEST)
        assert refused(public_key, encoded + encoded, DIGEST)


def test_an_r_of_zero_would_be_good_for_every_key() -> None:
    """On CryptoPro-C, s = e makes C the generator, whose x is zero, whoever's key is asked."""
    curve = CURVES[2]
    e = int.from_bytes(DIGEST, "little") % curve.n
    for _ in range(3):
        forged = e.to_bytes(32, "big") + bytes(32)
        assert refused(new_key(curve).public_key(), forged, DIGEST)


@on_each_curve
def test_an_s_of_zero_would_be_good_for_a_chosen_digest(curve: Curve) -> None:
    """With r the x of k·Q and e = -r/k, s = 0 makes C the point k·Q."""
    d, k = 0x1234567, 0x7654321
    public_key = PrivateKey(curve, d.to_bytes(32, "big")).public_key()
    multiple = PrivateKey(curve, (k * d).to_bytes(32, "big")).public_key()
    r = int.from_bytes(multiple.encoded[:32], "little") % curve.n
    chosen = -r * pow(k, -1, curve.n) % curve.n
    forged = bytes(32) + r.to_bytes(32, "big")
    assert refused(public_key, forged, chosen.to_bytes(32, "little"))


@on_each_curve
def test_a_signature_has_one_form(curve: Curve) -> None:
    """Adding the order to s or r gives an equal number, which is not accepted."""
    private_key = new_key(curve)
    public_key = private_key.public_key()
    signature = sign(private_key, DIGEST, os.urandom(32))
    s, r = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    for other_s, other_r in ((s + curve.n, r), (s, r + curve.n), (curve.n - s, r), (r, s)):
        if max(other_s, other_r) < 2**256:
            altered = other_s.to_bytes(32, "big") + other_r.to_bytes(32, "big")
            assert refused(public_key, altered, DIGEST)


@pytest.mark.parametrize("size", [0, 32, 63, 65, 128])
def test_signatures_of_another_length_are_refused(size: int) -> None:
    assert refused(new_key(CRYPTOPRO_A).public_key(), bytes(size), DIGEST)


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_digests_and_entropy_of_another_length_are_refused(size: int) -> None:
    private_key = new_key(CRYPTOPRO_A)
    signature = sign(private_key, DIGEST, bytes(32))
    assert refused(private_key.public_key(), signature, bytes(size))
    with pytest.raises(ValueError, match="32 bytes"):
        sign(private_key, bytes(size), bytes(32))
    with pytest.raises(ValueError, match="32 bytes"):
        sign(private_key, DIGEST, bytes(size))


@on_each_curve
def test_a_digest_that_is_zero_counts_as_one(curve: Curve) -> None:
    """RFC 5832, section 6.1, step 2."""
    private_key = new_key(curve)
    signature = sign(private_key, bytes(32), os.urandom(32))
    verify(private_key.public_key(), signature, bytes(32))
    verify(private_key.public_key(), signature, (1).to_bytes(32, "little"))
    verify(private_key.public_key(), signature, curve.n.to_bytes(32, "little"))
    assert refused(private_key.public_key(), signature, (2).to_bytes(32, "little"))


def test_the_digest_is_a_little_endian_number() -> None:
    private_key = new_key(CRYPTOPRO_A)
    signature = sign(private_key, DIGEST, os.urandom(32))
    assert refused(private_key.public_key(), signature, DIGEST[::-1])


def test_the_same_inputs_give_the_same_signature() -> None:
    private_key, entropy = new_key(CRYPTOPRO_A), os.urandom(32)
    assert sign(private_key, DIGEST, entropy) == sign(private_key, DIGEST, entropy)


@on_each_curve
def test_repeated_entropy_does_not_repeat_the_one_time_number(curve: Curve) -> None:
    """Equal r would mean equal k, and two equations with one k give the private key away."""
    private_key, entropy = new_key(curve), bytes(32)
    signatures = [sign(private_key, digest(bytes([byte])), entropy) for byte in range(8)]
    signatures.append(sign(private_key, DIGEST, entropy))
    signatures.append(sign(private_key, DIGEST, b"\1" * 32))
    signatures.append(sign(new_key(curve), DIGEST, entropy))
    assert len({signature[32:] for signature in signatures}) == len(signatures)


@on_each_curve
def test_a_one_time_number_that_makes_s_zero_will_not_do(curve: Curve) -> None:
    """With e = -r·d/k modulo n, s = r·d + k·e is zero."""
    d, k = 0x1234567, 0x7654321
    x = PrivateKey(curve, k.to_bytes(32, "big")).public_key().encoded[:32]
    r = int.from_bytes(x, "little") % curve.n
    e = -r * d * pow(k, -1, curve.n) % curve.n
    as_bytes = d.to_bytes(32, "big"), e.to_bytes(32, "little"), k.to_bytes(32, "big")
    assert sign_with(curve, *as_bytes) is None
    assert sign_with(curve, as_bytes[0], DIGEST, as_bytes[2]) is not None


def test_a_one_time_number_that_makes_r_zero_will_not_do() -> None:
    """The generator of CryptoPro-C has x = 0, so that k = 1 gives r = 0."""
    curve, one = CURVES[2], (1).to_bytes(32, "big")
    assert curve.x == 0
    assert sign_with(curve, one, DIGEST, one) is None


def test_another_one_time_number_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """No entropy is known that needs a second try, so the first number is put in its place."""
    curve, attempts = CURVES[2], []
    one_time = module._one_time

    def bad_at_first(curve: Curve, seed: bytes, signed: bytes, attempt: int) -> bytes:
        attempts.append(attempt)
        return one_time(curve, seed, signed, attempt) if attempt else (1).to_bytes(32, "big")

    monkeypatch.setattr(module, "_one_time", bad_at_first)
    private_key = new_key(curve)
    verify(private_key.public_key(), sign(private_key, DIGEST, bytes(32)), DIGEST)
    assert attempts == [0, 1]
    assert len({one_time(curve, bytes(32), DIGEST, attempt) for attempt in range(9)}) == 9


def test_the_key_at_x_zero_signs_and_verifies() -> None:
    curve = CURVES[2]
    private_key = PrivateKey(curve, (1).to_bytes(32, "big"))
    assert private_key.public_key().encoded[:32] == bytes(32)
    verify(private_key.public_key(), sign(private_key, DIGEST, os.urandom(32)), DIGEST)


@on_each_curve
def test_a_wrong_signature_does_not_leave(curve: Curve, monkeypatch: pytest.MonkeyPatch) -> None:
    """One flipped bit, in the result or in the key after its public key was made."""
    flipped = new_key(curve)
    flipped.public_key()
    flipped._d = flipped._d[:-1] + bytes([flipped._d[-1] ^ 2])
    with pytest.raises(SelfTestError, match="does not verify"):
        sign(flipped, DIGEST, bytes(32))

    def faulty_sign(*arguments: Any) -> int:
        done: int = lib.gost_curve_sign(*arguments)
        arguments[-1][7] ^= 1
        return done

    faulty = SimpleNamespace(gost_curve_sign=faulty_sign, gost_curve_verify=lib.gost_curve_verify)
    monkeypatch.setattr(module, "lib", faulty)
    with pytest.raises(SelfTestError, match="does not verify"):
        sign(new_key(curve), DIGEST, bytes(32))


@on_each_curve
def test_a_table_of_multiples_comes_after_some_checks(curve: Curve) -> None:
    private_key = new_key(curve)
    key = FrequentKey(private_key.public_key())
    signature = sign(private_key, DIGEST, os.urandom(32))
    tables = []
    for _ in range(12):
        module.verify(key, signature, DIGEST)
        tables.append(key.table())
    assert tables[0] is None
    assert tables[-1] is tables[-2] is not None


def test_a_key_without_memory_for_its_table_is_checked_as_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    private_key = new_key(CRYPTOPRO_A)
    key = FrequentKey(private_key.public_key())
    signature = sign(private_key, DIGEST, os.urandom(32))
    nothing = SimpleNamespace(
        gost_curve_know=lambda *_: ffi.NULL, gost_curve_verify=lib.gost_curve_verify
    )
    monkeypatch.setattr("tunnel_gateway.gost.curves.lib", nothing)
    for _ in range(12):
        module.verify(key, signature, DIGEST)
    assert key.table() is None


@on_each_curve
def test_c_makes_tables_of_points_of_its_curves_only(curve: Curve) -> None:
    point = new_key(curve).public_key().native()
    for name, bad in ((b"another", point), (curve.native_name, bytes(64))):
        assert lib.gost_curve_know(name, bad) == ffi.NULL
    known = lib.gost_curve_know(curve.native_name, point)
    assert known != ffi.NULL
    lib.gost_curve_forget(known)

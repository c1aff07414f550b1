"""The known answers of every start: they come out, and a fault anywhere is seen."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature, InvalidTag

from tunnel_gateway.errors import InvalidPointError, SelfTestError
from tunnel_gateway.gost import known_answers
from tunnel_gateway.gost.cipher import Gost28147, MagmaMGM
from tunnel_gateway.gost.known_answers import KNOWN_ANSWERS, KnownAnswer, Result
from tunnel_gateway.gost.streams import Stream


@pytest.mark.parametrize("known", KNOWN_ANSWERS, ids=lambda known: known.name)
def test_every_known_answer_comes_out(known: KnownAnswer) -> None:
    assert known.check()


def test_the_results_are_those_of_the_table() -> None:
    assert list(known_answers.run()) == [
        Result(known.name, known.source, True) for known in KNOWN_ANSWERS
    ]
    known_answers.require()


def test_every_answer_has_its_own_name_and_a_source() -> None:
    assert len({known.name for known in KNOWN_ANSWERS}) == len(KNOWN_ANSWERS)
    assert all(known.source for known in KNOWN_ANSWERS)


def test_a_start_is_not_held_up() -> None:
    def seconds() -> float:
        start = time.process_time()
        known_answers.require()
        return time.process_time() - start

    assert min(seconds() for _ in range(5)) < 0.05


def raising(error: Exception) -> Callable[[], bool]:
    def check() -> bool:
        raise error

    return check


@pytest.mark.parametrize(
    "check",
    [lambda: False, *map(raising, (InvalidSignature(), InvalidTag(), InvalidPointError()))],
    ids=["wrong", "bad signature", "bad tag", "bad point"],
)
def test_the_first_wrong_answer_is_named(check: Callable[[], bool]) -> None:
    table = (
        KnownAnswer("right", "a source", lambda: True),
        KnownAnswer("first wrong", "its source", check),
        KnownAnswer("second wrong", "a source", lambda: False),
    )
    assert [result.passed for result in known_answers.run(table)] == [True, False, False]
    with pytest.raises(SelfTestError, match=r"first wrong \(its source\)") as caught:
        known_answers.require(table)
    assert "second" not in str(caught.value)


def test_nothing_is_asked_after_the_first_wrong_answer() -> None:
    table = (
        KnownAnswer("wrong", "a source", lambda: False),
        KnownAnswer("unasked", "a source", raising(AssertionError("asked"))),
    )
    with pytest.raises(SelfTestError, match="wrong"):
        known_answers.require(table)


def test_a_mistake_in_a_check_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        known_answers.require([KnownAnswer("broken", "a source", raising(ZeroDivisionError()))])


def flipped(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:]


class FaultyMGM(MagmaMGM):
    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        return flipped(super().encrypt(nonce, data, associated_data))

    def encrypt_block(self, block: bytes) -> bytes:
        return flipped(super().encrypt_block(block))


class TrustingMGM(MagmaMGM):
    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        return data[:-8]


class CarelessMGM(MagmaMGM):
    """Opens what is right, and everything else too."""

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        try:
            return super().decrypt(nonce, data, associated_data)
        except InvalidTag:
            return data[:-8]


class FaultyGost28147(Gost28147):
    def decrypt_blocks(self, data: bytes) -> bytes:
        return flipped(super().decrypt_blocks(data))


class FaultyStream(Stream):
    def encrypt(self, data: bytes | bytearray | memoryview) -> bytearray:
        return bytearray(flipped(bytes(super().encrypt(data))))


def sign_nothing(*arguments: Any) -> bytes:
    return bytes(64)


def verify_anything(*arguments: Any) -> None:
    return


def verify_nothing(*arguments: Any) -> None:
    raise InvalidSignature


def agree_with_oneself(private_key: Any, public_key: Any, ukm: int) -> bytes:
    return bytes(private_key.to_bytes())


@pytest.mark.parametrize(
    ("name", "fault", "seen_by"),
    [
        ("digest", flipped, "GOST R 34.11-94 of nothing"),
        ("hmac", lambda key, data: bytes(32), "HMAC"),
        ("verify", verify_nothing, "the guide's signature"),
        ("verify", verify_anything, "signature on CryptoPro-A"),
        ("sign", sign_nothing, "signature on CryptoPro-A"),
        ("agree", agree_with_oneself, "key agreement on CryptoPro-A"),
        ("Gost28147", FaultyGost28147, "GOST 28147-89 block"),
        ("Stream", FaultyStream, "GOST 28147-89 stream"),
        ("MagmaMGM", FaultyMGM, "Magma block"),
        ("MagmaMGM", TrustingMGM, "Magma-MGM opens"),
        ("MagmaMGM", CarelessMGM, "Magma-MGM refuses"),
    ],
)
def test_a_fault_in_a_primitive_is_seen(
    name: str, fault: Any, seen_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name == "digest":
        monkeypatch.setattr(known_answers, name, lambda data: fault(data.ljust(32)))
    else:
        monkeypatch.setattr(known_answers, name, fault)
    with pytest.raises(SelfTestError, match=f"wrong answer: {seen_by}"):
        known_answers.require()

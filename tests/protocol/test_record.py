"""Protected records: sealing against the reference, order, alterations and the ratchet."""

from __future__ import annotations

import pytest

from tests.support import reference_protocol as reference
from tunnel_gateway.errors import BadRecordError
from tunnel_gateway.gost.cipher import MagmaMGM
from tunnel_gateway.protocol.constants import MAX_PAYLOAD, RECORDS_PER_KEY, ContentType, RecordType
from tunnel_gateway.protocol.record import Opener, Sealer, header

SECRET = bytes(range(100, 132))
DATA = ContentType.DATA


def sealed(count: int) -> list[bytes]:
    sealer = Sealer(SECRET)
    return [sealer.seal(DATA, b"payload %d" % number) for number in range(count)]


@pytest.mark.parametrize(
    ("size", "expected"), [(0, b"\x02\0\0"), (9, b"\x02\0\x09"), (16393, b"\x02\x40\x09")]
)
def test_a_header(size: int, expected: bytes) -> None:
    assert header(RecordType.PROTECTED, size) == expected


@pytest.mark.parametrize("content", ContentType, ids=lambda content: content.name)
@pytest.mark.parametrize("payload", [b"", b"x", b"x" * 7, b"x" * 1000])
def test_a_record_comes_back(content: ContentType, payload: bytes) -> None:
    whole = Sealer(SECRET).seal(content, payload)
    assert whole == reference.protected_record(SECRET, 0, content, payload)
    assert len(whole) == 3 + 1 + len(payload) + 8
    assert Opener(SECRET).open(whole[3:]) == (content, payload)


def test_a_view_is_sealed_like_bytes() -> None:
    assert Sealer(SECRET).seal(DATA, memoryview(b"abcd")[1:3]) == Sealer(SECRET).seal(DATA, b"bc")


def test_the_longest_record() -> None:
    whole = Sealer(SECRET).seal(DATA, bytes(MAX_PAYLOAD))
    assert Opener(SECRET).open(whole[3:]) == (DATA, bytes(MAX_PAYLOAD))


@pytest.mark.parametrize("index", [1, 255, 256, 257, 511, 512, 513])
def test_numbers_and_the_ratchet_are_those_of_the_reference(index: int) -> None:
    """The record after every 256th is the first under the next key, with the number 0."""
    assert sealed(index + 1)[-1] == (
        reference.protected_record(SECRET, index, DATA, b"payload %d" % index)
    )


def test_both_sides_change_keys_together() -> None:
    opener = Opener(SECRET)
    for number, whole in enumerate(sealed(3 * RECORDS_PER_KEY + 2)):
        assert opener.open(whole[3:]) == (DATA, b"payload %d" % number)


def test_no_key_protects_more_than_256_records(monkeypatch: pytest.MonkeyPatch) -> None:
    used: dict[int, list[bytes]] = {}
    encrypt = MagmaMGM.encrypt

    def counting(mgm: MagmaMGM, nonce: bytes, data: bytes, associated: bytes | None) -> bytes:
        kept.append(mgm)
        used.setdefault(id(mgm), []).append(nonce)
        return encrypt(mgm, nonce, data, associated)

    kept: list[MagmaMGM] = []  # so that no id comes twice
    monkeypatch.setattr(MagmaMGM, "encrypt", counting)
    sealed(2 * RECORDS_PER_KEY + 1)
    assert [len(nonces) for nonces in used.values()] == [RECORDS_PER_KEY, RECORDS_PER_KEY, 1]
    for nonces in used.values():
        assert len(set(nonces)) == len(nonces)
        assert all(nonce[0] < 0x80 for nonce in nonces)


@pytest.mark.parametrize("index", range(18))
def test_every_altered_byte_is_seen(index: int) -> None:
    fragment = bytearray(sealed(1)[0][3:])
    fragment[index] ^= 0x10
    with pytest.raises(BadRecordError, match="does not open"):
        Opener(SECRET).open(bytes(fragment))


def test_the_length_in_the_header_is_protected_too() -> None:
    """The tag of a fragment with another header would be another one."""
    keys = reference.keys(SECRET)
    other = MagmaMGM(keys.key).encrypt(keys.iv, b"\x02payload", b"\x02\x00\x00")
    with pytest.raises(BadRecordError):
        Opener(SECRET).open(other)


@pytest.mark.parametrize("size", range(18))
def test_every_shortened_record_is_seen(size: int) -> None:
    with pytest.raises(BadRecordError, match="does not open"):
        Opener(SECRET).open(sealed(1)[0][3:][:size])


def test_a_longer_record_is_seen() -> None:
    with pytest.raises(BadRecordError):
        Opener(SECRET).open(sealed(1)[0][3:] + b"\0")


@pytest.mark.parametrize(
    ("before", "wrong"),
    [([], 1), ([0], 0), ([0], 2), ([0, 1], 1), ([0, 1], 0)],
    ids=["first dropped", "repeated", "dropped", "second repeated", "reordered"],
)
def test_a_record_out_of_its_order_is_seen(before: list[int], wrong: int) -> None:
    records, opener = sealed(3), Opener(SECRET)
    for number in before:
        opener.open(records[number][3:])
    with pytest.raises(BadRecordError):
        opener.open(records[wrong][3:])


def test_a_record_of_another_direction_is_seen() -> None:
    with pytest.raises(BadRecordError):
        Opener(bytes(32)).open(sealed(1)[0][3:])


def test_nothing_at_all_under_a_right_tag_is_refused() -> None:
    keys = reference.keys(SECRET)
    tag = MagmaMGM(keys.key).encrypt(keys.iv, b"", b"\x02\x00\x08")
    with pytest.raises(BadRecordError, match="without a content type"):
        Opener(SECRET).open(tag)


@pytest.mark.parametrize("kind", [Sealer, Opener])
def test_secrets_are_not_shown(kind: type[Sealer | Opener]) -> None:
    shown = repr(kind(SECRET))
    assert SECRET.hex() not in shown
    assert repr(SECRET) not in shown

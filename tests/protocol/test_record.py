"""Protected records: sealing against the reference, order, alterations and the ratchet."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support import reference_protocol as reference
from tests.support.pair import open_one, split_records
from tunnel_gateway.errors import BadRecordError
from tunnel_gateway.gost.cipher import MagmaMGM
from tunnel_gateway.gost.frames import Frames
from tunnel_gateway.protocol import record
from tunnel_gateway.protocol.constants import MAX_PAYLOAD, RECORDS_PER_KEY, ContentType, RecordType
from tunnel_gateway.protocol.record import Opener, Sealer, header

SECRET = bytes(range(100, 132))
DATA = ContentType.DATA


def sealed(count: int) -> list[bytes]:
    sealer = Sealer(SECRET)
    return [bytes(sealer.seal(DATA, b"payload %d" % number)) for number in range(count)]


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
    assert open_one(Opener(SECRET), whole) == (content, payload)


def test_a_view_is_sealed_like_bytes() -> None:
    assert Sealer(SECRET).seal(DATA, memoryview(b"abcd")[1:3]) == Sealer(SECRET).seal(DATA, b"bc")


def test_the_longest_record() -> None:
    whole = Sealer(SECRET).seal(DATA, bytes(MAX_PAYLOAD))
    assert open_one(Opener(SECRET), whole) == (DATA, bytes(MAX_PAYLOAD))


@pytest.mark.parametrize("index", [1, 255, 256, 257, 511, 512, 513])
def test_numbers_and_the_ratchet_are_those_of_the_reference(index: int) -> None:
    """The record after every 256th is the first under the next key, with the number 0."""
    assert sealed(index + 1)[-1] == (
        reference.protected_record(SECRET, index, DATA, b"payload %d" % index)
    )


def test_both_sides_change_keys_together() -> None:
    opener = Opener(SECRET)
    for number, whole in enumerate(sealed(3 * RECORDS_PER_KEY + 2)):
        assert open_one(opener, whole) == (DATA, b"payload %d" % number)


def test_no_key_protects_more_than_256_records(monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[int] = []

    class Counting(Frames):
        def __init__(self, key: bytes, iv: bytes) -> None:
            super().__init__(key, iv)
            served.append(0)

        def seal(self, *args: Any, max_payload: int, max_frames: int) -> tuple[bytearray, int]:
            sealed, taken = super().seal(*args, max_payload=max_payload, max_frames=max_frames)
            served[-1] += len(split_records(bytes(sealed)))
            return sealed, taken

    monkeypatch.setattr(record, "Frames", Counting)
    sealer = Sealer(SECRET)
    sealer.seal(DATA, bytes(MAX_PAYLOAD * 300 + 1))
    sealer.seal(DATA, b"x")
    assert served == [RECORDS_PER_KEY, 46]


@pytest.mark.parametrize("size", [MAX_PAYLOAD + 1, 3 * MAX_PAYLOAD, MAX_PAYLOAD * 257 + 5])
def test_long_data_is_cut_into_records(size: int) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    stream, opener = bytes(Sealer(SECRET).seal(DATA, data[:size])), Opener(SECRET)
    records = split_records(stream)
    assert [len(one) - 12 for one in records[:-1]] == [MAX_PAYLOAD] * (len(records) - 1)
    assert records[0] == reference.protected_record(SECRET, 0, DATA, data[:MAX_PAYLOAD])
    found = bytearray()
    while stream:
        opened = opener.open(stream)
        found += opened.data
        stream = stream[opened.taken :]
    assert found == data[:size]


def test_what_is_not_data_stands_apart() -> None:
    sealer, opener = Sealer(SECRET), Opener(SECRET)
    stream = sealer.seal(DATA, b"one") + sealer.seal(DATA, b"two")
    stream += sealer.seal(ContentType.CLOSE, b"why") + sealer.seal(DATA, b"three")
    opened = opener.open(stream)
    assert (opened.frames, opened.data, opened.other) == (3, b"onetwo", (ContentType.CLOSE, b"why"))
    assert opener.open(stream[opened.taken :]).data == b"three"


def test_what_is_genuine_before_a_forgery_counts() -> None:
    records = sealed(3)
    records[2] = records[2][:-1] + bytes([records[2][-1] ^ 1])
    opened = Opener(SECRET).open(b"".join(records))
    assert opened.forged
    assert opened.data == b"payload 0payload 1"
    assert opened.taken == len(records[0] + records[1])


@pytest.mark.parametrize("index", range(18))
def test_every_altered_byte_is_seen(index: int) -> None:
    whole = bytearray(sealed(1)[0])
    whole[3 + index] ^= 0x10
    with pytest.raises(BadRecordError, match="does not open"):
        open_one(Opener(SECRET), whole)


def test_the_length_in_the_header_is_protected_too() -> None:
    """The tag of a fragment with another header would be another one."""
    keys = reference.keys(SECRET)
    other = MagmaMGM(keys.key).encrypt(keys.iv, b"\x02payload", b"\x02\x00\x00")
    with pytest.raises(BadRecordError):
        open_one(Opener(SECRET), header(RecordType.PROTECTED, len(other)) + other)


@pytest.mark.parametrize("size", range(18))
def test_every_shortened_record_is_seen(size: int) -> None:
    with pytest.raises(BadRecordError, match="does not open"):
        open_one(Opener(SECRET), header(RecordType.PROTECTED, size) + sealed(1)[0][3 : 3 + size])


def test_a_longer_record_is_seen() -> None:
    with pytest.raises(BadRecordError):
        open_one(Opener(SECRET), header(RecordType.PROTECTED, 19) + sealed(1)[0][3:] + b"\0")


@pytest.mark.parametrize(
    ("before", "wrong"),
    [([], 1), ([0], 0), ([0], 2), ([0, 1], 1), ([0, 1], 0)],
    ids=["first dropped", "repeated", "dropped", "second repeated", "reordered"],
)
def test_a_record_out_of_its_order_is_seen(before: list[int], wrong: int) -> None:
    records, opener = sealed(3), Opener(SECRET)
    for number in before:
        open_one(opener, records[number])
    with pytest.raises(BadRecordError):
        open_one(opener, records[wrong])


def test_a_record_of_another_direction_is_seen() -> None:
    with pytest.raises(BadRecordError):
        open_one(Opener(bytes(32)), sealed(1)[0])


def test_nothing_at_all_under_a_right_tag_is_refused() -> None:
    keys = reference.keys(SECRET)
    tag = MagmaMGM(keys.key).encrypt(keys.iv, b"", b"\x02\x00\x08")
    with pytest.raises(BadRecordError, match="does not open"):
        open_one(Opener(SECRET), header(RecordType.PROTECTED, 8) + tag)


@pytest.mark.parametrize("kind", [Sealer, Opener])
def test_secrets_are_not_shown(kind: type[Sealer | Opener]) -> None:
    shown = repr(kind(SECRET))
    assert SECRET.hex() not in shown
    assert repr(SECRET) not in shown

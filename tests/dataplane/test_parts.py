"""The parts of the data plane in C that can be called alone, against what Python knows of them."""

from __future__ import annotations

import ctypes
import shutil
from collections.abc import Iterator
from ctypes import POINTER, Structure, byref, c_char_p, c_int, c_int64, c_size_t, c_void_p
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.c_programs import DRIVERS, compiled
from tunnel_gateway.dataplane._native import plane_build as build
from tunnel_gateway.protocol.constants import RECORDS_PER_KEY, ContentType
from tunnel_gateway.protocol.record import Opener, Sealer
from tunnel_gateway.transport.wire.websocket_frames import FrameTracker, close_frame

PARTS = ("page_frames.c", "records.c", "timers.c", "pool.c", "system.c")
TIMERS = 200


class FramesOpened(Structure):
    """As frames_opened in frames.h."""

    _fields_ = (
        ("frames", c_size_t),
        ("taken", c_size_t),
        ("payload", c_size_t),
        ("last", c_size_t),
        ("content", c_int),
        ("forged", c_int),
    )


@pytest.fixture(scope="module")
def parts() -> ctypes.CDLL:
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("NOT TESTED: parts of the data plane; install gcc and libgcrypt20-dev")
    flags = ("-std=c11", *build.WARNINGS, "-O2", "-shared", "-fPIC")
    included = (f"-I{build.HERE}", f"-I{build.GOST}")
    sources = [build.HERE / name for name in PARTS]
    ciphers = [build.GOST / name for name in build.GOST_SOURCES]
    libraries = ("-lgcrypt", "-lpthread")
    unit = DRIVERS / "plane_units.c"
    linked: list[str | Path] = [unit, *sources, *ciphers, *libraries]
    program = compiled(compiler, *flags, *included, *linked, name="plane_units.so")
    library = ctypes.CDLL(str(program))
    for new in ("frames", "keys", "clock", "pool"):
        getattr(library, f"unit_{new}_new").restype = c_void_p
    library.unit_keys_new.argtypes = (c_char_p, ctypes.c_uint32)
    library.unit_keys_secret.restype = c_void_p
    library.unit_clock_set.argtypes = (c_void_p, ctypes.c_uint, c_int64)
    library.records_seal.argtypes = (c_void_p, c_int, c_char_p, c_size_t, c_char_p)
    library.records_seal.restype = c_size_t
    library.records_open.argtypes = (
        c_void_p,
        c_char_p,
        c_size_t,
        c_char_p,
        POINTER(FramesOpened),
    )
    library.page_frames_follow.argtypes = (c_void_p, c_char_p, c_size_t)
    library.pool_take.restype = c_void_p
    return library


@pytest.fixture
def kept(parts: ctypes.CDLL) -> Iterator[list[int]]:
    """Memory of the library that is freed after the test."""
    memory: list[int] = []
    yield memory
    for address in memory:
        parts.unit_free(c_void_p(address))


# --- the frames of a page ------------------------------------------------------------------------

HEADS = (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", b"HTTP/1.1 101\r\n\r\n")
OTHER_HEADS = (
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 103\r\nLink: x\r\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n\r\n",
    b"HTTP/1.1 1010\r\n\r\n",
    b"HTTP/1.0 101 \r\n\r\n",
    b"HTTP/1.1 10\r\n\r\n",
    b"\r\n\r\n",
)


def frames() -> st.SearchStrategy[bytes]:
    return st.one_of(
        st.binary(max_size=12),
        st.just(close_frame(1000, "tamom")),
        st.builds(
            lambda opcode, masked, size: (
                bytes((0x80 | opcode, masked | size)) + bytes(4 * bool(masked)) + bytes(size)
            ),
            st.sampled_from([0, 1, 2, 8, 9, 10]),
            st.sampled_from([0, 0x80]),
            st.integers(0, 125),
        ),
        st.integers(0, 1000).map(lambda n: b"\x82\x7e" + n.to_bytes(2, "big") + bytes(n)),
        st.integers(0, 1000).map(lambda n: b"\x82\x7f" + n.to_bytes(8, "big") + bytes(n)),
        st.just(b"\x82\x7f" + b"\xff" * 8 + bytes(9)),
    )


@given(
    interim=st.lists(st.sampled_from(OTHER_HEADS), max_size=3),
    head=st.sampled_from((*HEADS, *OTHER_HEADS, b"")),
    rest=st.lists(frames(), max_size=6),
    cuts=st.lists(st.integers(1, 40), max_size=60),
)
@example(interim=[], head=HEADS[0], rest=[close_frame(1000, "")], cuts=[1] * 60)
@settings(max_examples=300, deadline=None)
def test_frames_are_followed_as_python_follows_them(
    parts: ctypes.CDLL, interim: list[bytes], head: bytes, rest: list[bytes], cuts: list[int]
) -> None:
    stream = b"".join([*interim, head, *rest])
    tracker, followed = FrameTracker(), c_void_p(parts.unit_frames_new())
    try:
        for cut in [*cuts, len(stream)]:
            chunk, stream = stream[:cut], stream[cut:]
            tracker.receive_data(chunk)
            parts.page_frames_follow(followed, chunk, len(chunk))
            may_close = tracker.between_frames and not tracker.close_seen
            expected = tracker.started | may_close << 1 | tracker.close_seen << 2
            assert parts.unit_frames_state(followed) == expected
    finally:
        parts.unit_free(followed)


@pytest.mark.parametrize("size", [64 * 1024, 64 * 1024 + 1])
def test_an_endless_head_is_given_up(parts: ctypes.CDLL, kept: list[int], size: int) -> None:
    tracker, followed = FrameTracker(), parts.unit_frames_new()
    kept.append(followed)
    head = HEADS[0][:-4] + b"x" * (size - len(HEADS[0]) + 4)
    for data in (head[:1000], head[1000:], b"\r\n\r\n"):
        tracker.receive_data(data)
        parts.page_frames_follow(c_void_p(followed), data, len(data))
    # Python looks at a whole chunk before it counts: only the last byte of the limit differs.
    assert parts.unit_frames_state(c_void_p(followed)) >> 1 == 0
    assert tracker.between_frames is (size == 64 * 1024)


# --- records -------------------------------------------------------------------------------------


class KeysInC:
    """One direction in C, as Sealer and Opener are in Python."""

    def __init__(self, parts: ctypes.CDLL, secret: bytes, left: int = RECORDS_PER_KEY) -> None:
        self._parts = parts
        self._keys = c_void_p(parts.unit_keys_new(secret, left))

    def seal(self, content: ContentType, payload: bytes) -> bytes:
        room = len(payload) + 12 * (2 + len(payload) // 16384) + 12
        out = ctypes.create_string_buffer(room)
        made = self._parts.records_seal(self._keys, content, payload, len(payload), out)
        return out.raw[:made]

    def open(self, received: bytes) -> tuple[int, bytes, tuple[int, bytes] | None, bool]:
        """How much was taken, the data, what else there was, and whether the next is forged."""
        out, opened = ctypes.create_string_buffer(len(received) + 1), FramesOpened()
        assert self._parts.records_open(self._keys, received, len(received), out, byref(opened))
        end = opened.payload + opened.last
        other = (opened.content, out.raw[opened.payload : end]) if opened.content >= 0 else None
        return opened.taken, out.raw[: opened.payload], other, bool(opened.forged)

    @property
    def place(self) -> tuple[bytes, int]:
        secret = ctypes.string_at(self._parts.unit_keys_secret(self._keys), 32)
        return secret, self._parts.unit_keys_left(self._keys)

    def free(self) -> None:
        self._parts.unit_free(self._keys)


MESSAGES = st.lists(
    st.tuples(
        st.sampled_from([ContentType.DATA, ContentType.DATA, ContentType.CLOSE, ContentType.ALERT]),
        st.sampled_from([0, 1, 7, 8, 9, 300, 16383, 16384, 16385, 50_000]),
        st.integers(1, 200),
    ),
    max_size=6,
)


@given(messages=MESSAGES)
@example(messages=[(ContentType.DATA, 1, 200), (ContentType.DATA, 50_000, 30)])
@settings(max_examples=40, deadline=None)
def test_records_are_sealed_as_python_seals_them(
    parts: ctypes.CDLL, messages: list[tuple[ContentType, int, int]]
) -> None:
    secret = bytes(range(32))
    python, c = Sealer(secret), KeysInC(parts, secret)
    for content, size, times in messages:
        for _ in range(times if size < 1000 else 1 + times % 20):
            payload = bytes(number & 0xFF for number in range(size))
            assert c.seal(content, payload) == python.seal(content, payload)
    assert c.place == (python.keys.secret, python.keys.left)
    c.free()


@given(messages=MESSAGES, changed=st.none() | st.integers(0, 3000), cut=st.integers(0, 30))
@settings(max_examples=60, deadline=None)
def test_records_are_opened_as_python_opens_them(
    parts: ctypes.CDLL,
    messages: list[tuple[ContentType, int, int]],
    changed: int | None,
    cut: int,
) -> None:
    secret = bytes(reversed(range(32)))
    sealer, python, c = Sealer(secret), Opener(secret), KeysInC(parts, secret)
    stream = bytearray()
    for content, size, times in messages:
        for _ in range(times if size < 1000 else 1):
            stream += sealer.seal(content, bytes(size))
    if changed is not None and stream:
        stream[changed % len(stream)] ^= 0x20
    del stream[len(stream) - cut :]
    while True:
        expected = python.open(bytes(stream))
        assert c.open(bytes(stream)) == (
            expected.taken,
            bytes(expected.data),
            expected.other,
            expected.forged,
        )
        del stream[: expected.taken]
        if expected.forged or not expected.taken:
            break
    if not expected.forged:
        assert c.place == (python.keys.secret, python.keys.left)
    c.free()


@pytest.mark.parametrize("left", [0, 1, 15, 16, 17, 255])
def test_keys_that_have_served_go_on_where_they_were(parts: ctypes.CDLL, left: int) -> None:
    secret = bytes(32)
    python = Sealer(secret)
    for _ in range(RECORDS_PER_KEY - left):
        python.seal(ContentType.DATA, b"a")
    c = KeysInC(parts, secret, left)
    for _ in range(300):
        assert c.seal(ContentType.DATA, b"b") == python.seal(ContentType.DATA, b"b")
    c.free()


def test_more_records_than_a_key_serves_are_refused(parts: ctypes.CDLL) -> None:
    assert not parts.unit_keys_new(bytes(32), RECORDS_PER_KEY + 1)


# --- timers and the pool -------------------------------------------------------------------------


@given(
    steps=st.lists(
        st.tuples(st.integers(0, TIMERS - 1), st.none() | st.integers(-5, 40)), max_size=400
    )
)
@settings(max_examples=100, deadline=None)
def test_the_earliest_timer_is_the_first(
    parts: ctypes.CDLL, steps: list[tuple[int, int | None]]
) -> None:
    clock = c_void_p(parts.unit_clock_new())
    model: dict[int, int] = {}
    for which, at in steps:
        if at is None:
            model.pop(which, None)
            parts.unit_clock_remove(clock, which)
        else:
            model[which] = at
            assert parts.unit_clock_set(clock, which, at)
        first = parts.unit_clock_first(clock)
        assert model[first] == min(model.values()) if model else first == -1
    while model:  # and they come out in order to the last
        first = parts.unit_clock_first(clock)
        assert model.pop(first) <= min(model.values(), default=1000)
        parts.unit_clock_remove(clock, first)
    assert parts.unit_clock_first(clock) == -1
    parts.unit_clock_free(clock)


@pytest.mark.parametrize("size", [1, 63, 64, 65, 2000, 30_000])
def test_places_of_the_pool_are_apart(parts: ctypes.CDLL, size: int) -> None:
    pool = c_void_p(parts.unit_pool_new(c_size_t(size)))
    places = [parts.pool_take(pool) for _ in range(100)]
    assert all(place % 64 == 0 for place in places)
    ordered = sorted(places)
    assert all(b - a >= size for a, b in pairwise(ordered))
    for place in places:
        ctypes.memset(place, 0xA5, size)
        parts.pool_put_back(pool, c_void_p(place))
    assert {parts.pool_take(pool) for _ in range(100)} == set(places)
    parts.unit_pool_free(pool)

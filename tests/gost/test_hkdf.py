"""HKDF-Expand-Label in C, against HKDF in Python."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import reference_protocol as reference
from tunnel_gateway.gost._native._gost import ffi, lib
from tunnel_gateway.gost.digest import hkdf_expand
from tunnel_gateway.gost.hkdf import MOST, Labels

SECRET = bytes(range(32))
CONTEXT = bytes(range(32, 64))


def expected(secret: bytes, label: bytes, context: bytes, size: int) -> bytes:
    """RFC 8446, section 7.1, over the HKDF that OpenSSL's vectors hold."""
    info = size.to_bytes(2, "big") + bytes((len(label),)) + label + bytes((len(context),)) + context
    return hkdf_expand(secret, info, size)


@pytest.mark.parametrize("size", [8, 16, 32])
@pytest.mark.parametrize("label", ["c hs", "derived", "x" * 100, ""])
@pytest.mark.parametrize("context", [b"", CONTEXT])
def test_one_label_is_as_the_reference_derives_it(label: str, context: bytes, size: int) -> None:
    (made,) = Labels(b"eimzo1 ", (label.encode(), size)).expand(SECRET, context)
    assert made == reference.expand_label(SECRET, label, context, size)


@given(
    st.binary(min_size=32, max_size=32),
    st.binary(max_size=20),
    st.lists(st.tuples(st.binary(max_size=MOST - 20), st.integers(0, MOST)), max_size=5),
    st.binary(max_size=MOST),
)
def test_several_labels_are_those_one_by_one(
    secret: bytes, prefix: bytes, labels: list[tuple[bytes, int]], context: bytes
) -> None:
    made = Labels(prefix, *labels).expand(secret, context)
    assert made == [expected(secret, prefix + label, context, size) for label, size in labels]


def test_sizes_keep_label_and_context_apart() -> None:
    one, other = Labels(b"", (b"ab", 32)), Labels(b"", (b"a", 32))
    assert one.expand(SECRET, b"c") != other.expand(SECRET, b"bc")


def test_a_shorter_output_is_another_one() -> None:
    short, long = Labels(b"", (b"x", 16), (b"x", 32)).expand(SECRET)
    assert long[:16] != short


@pytest.mark.parametrize("label", [(b"x" * 250, 32), (b"x", MOST + 1), (b"x", -1)])
def test_labels_have_their_bounds(label: tuple[bytes, int]) -> None:
    with pytest.raises(ValueError, match="at most 255"):
        Labels(b"prefix", label)


@pytest.mark.parametrize(
    ("secret", "context"), [(SECRET[1:], b""), (SECRET + b"x", b""), (SECRET, bytes(MOST + 1))]
)
def test_a_secret_and_a_context_have_their_bounds(secret: bytes, context: bytes) -> None:
    with pytest.raises(ValueError, match="the context at most 255"):
        Labels(b"", (b"x", 32)).expand(secret, context)


@pytest.mark.parametrize(
    ("labels", "room"),
    [
        (b"\x20", 32),  # no size of the label
        (b"\x20\x02x", 32),  # half a label
        (b"\x20\x01x", 31),  # less room than outputs
        (b"\x20\x01x", 33),  # more room than outputs
        (b"\x20\x01x\x20\x01", 64),  # a second label that is cut
    ],
)
def test_labels_that_do_not_fit_are_refused_in_c(labels: bytes, room: int) -> None:
    out = ffi.new("uint8_t[]", 64)
    assert not lib.hkdf_expand_labels(SECRET, labels, len(labels), b"", 0, out, room)
    assert not lib.hkdf_expand_labels(SECRET, labels, len(labels), bytes(256), 256, out, room)

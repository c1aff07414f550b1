from __future__ import annotations

import tracemalloc
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunnel_gateway.cms.frame import MESSAGE_ROOM
from tunnel_gateway.rest.bodies import Base64Body, Body, RawBody, longest_text
from tunnel_gateway.rest.statuses import Reason, Refusal

ONE = ("PKCS#7 document",)
TWO = ("document", "PKCS#7 document")
LIMIT = 1024


def read(body: Body, pieces: Iterable[bytes]) -> tuple[bytes, ...]:
    for piece in pieces:
        body.feed(piece)
    return body.finish()


def decoded(text: bytes, names: tuple[str, ...] = ONE) -> tuple[bytes, ...]:
    return read(Base64Body(names, LIMIT), [text])


def refusal_of(text: bytes, names: tuple[str, ...] = ONE) -> Refusal:
    with pytest.raises(Refusal) as caught:
        decoded(text, names)
    return caught.value


def cut(text: bytes, places: list[int]) -> list[bytes]:
    ends = sorted(place % (len(text) + 1) for place in places)
    return [text[a:b] for a, b in zip([0, *ends], [*ends, len(text)], strict=True)]


def with_line_ends(text: bytes) -> bytes:
    return b"".join(text[at : at + 76] + b"\r\n" for at in range(0, len(text), 76))


WRITERS = (
    b64encode,
    urlsafe_b64encode,
    lambda data: b64encode(data).rstrip(b"="),
    lambda data: with_line_ends(b64encode(data)),
    lambda data: b" \t" + b64encode(data) + b"\n",
    lambda data: b"0=" + quote_plus(b64encode(data)).encode(),
)


@given(
    st.binary(min_size=1, max_size=300),
    st.sampled_from(WRITERS),
    st.lists(st.integers(0, 1000), max_size=8),
)
def test_base64_is_read_as_clients_write_it(data: bytes, write: object, places: list[int]) -> None:
    assert callable(write)
    assert read(Base64Body(ONE, LIMIT), cut(write(data), places)) == (data,)


@given(
    st.binary(max_size=100),
    st.binary(min_size=1, max_size=100),
    st.booleans(),
    st.lists(st.integers(0, 1000), max_size=8),
)
def test_a_bar_divides_two_parts(left: bytes, right: bytes, form: bool, places: list[int]) -> None:
    text = b64encode(left) + b"|" + b64encode(right)
    text = b"0=" + quote_plus(text).encode() if form else text
    assert read(Base64Body(TWO, LIMIT), cut(text, places)) == (left, right)


@given(st.binary(max_size=60), st.lists(st.integers(0, 100), max_size=5))
def test_no_body_is_too_odd(text: bytes, places: list[int]) -> None:
    """Any body is read or refused, no matter in which pieces it comes."""
    outcomes: list[tuple[bytes, ...] | Reason] = []
    for pieces in ([text], cut(text, places)):
        try:
            outcomes.append(read(Base64Body(TWO, LIMIT), pieces))
        except Refusal as refusal:
            outcomes.append(refusal.reason)
    assert outcomes[0] == outcomes[1]
    assert outcomes[0] is Reason.BAD_BODY or len(outcomes[0]) == len(TWO)


def test_a_plus_stays() -> None:
    assert decoded(b"+/+/") == (bytes.fromhex("fbffbf"),)
    assert decoded(b"0=+/%2B/") == (bytes.fromhex("fbffbf"),)
    assert decoded(b"0=%2f%2F%0d%0A%20//") == (bytes.fromhex("ffffff"),)


@pytest.mark.parametrize(
    ("text", "names", "says"),
    [
        (b"", ONE, "the body is empty; send the PKCS#7 document in Base64"),
        (b"", TWO, "the body is empty; send the document, a bar and the PKCS#7 document in"),
        (b" \r\n", ONE, "the PKCS#7 document is empty"),
        (b"MIAG|MIAG", ONE, "there is one bar too many"),
        (b"MIAG|MIAG|MIAG", TWO, "there is one bar too many"),
        (b"MIAG", TWO, "there is no bar in it"),
        (b"MIAG|", TWO, "the PKCS#7 document is empty"),
        (b'{"pkcs7": "MIAG"}', ONE, "this is JSON"),
        (b' ["MIAG"]', ONE, "this is JSON"),
        (b'"MIAG"', ONE, "this is JSON"),
        (b"data:application/pkcs7;base64,MIAG", ONE, "this is a data URL: leave out all up to"),
        (b"<soap:Envelope/>", ONE, "this is XML or HTML"),
        (b"-----BEGIN PKCS7-----\n", ONE, "this is PEM: leave out the lines with BEGIN and END"),
        (b"--boundary\r\nContent", ONE, "this is a multipart form"),
        (b"pkcs7=MIAG", ONE, "this is a form: leave out the name of the field"),
        (b"MIAG%2BMIA%3D", ONE, "this is percent-encoded text"),
        (bytes.fromhex("308006092a"), ONE, "this is the bytes of a PKCS#7 document themselves"),
        (b"MIAGM!", ONE, "there is a character that is not Base64"),
        ("МИАГ".encode(), ONE, "there is a character that is not Base64"),
        (b"MIA=\nMIAG", ONE, "there is text behind the ="),
        (b"MIAGM", ONE, "the last character of the Base64 is missing"),
        (b"MIAG=", ONE, "the = do not fit the length of the Base64"),
        (b"MI===", ONE, "there are too many ="),
        (b"M", ONE, "the last character of the Base64 is missing"),
        (b"0=MIA%4x", ONE, "this is a form"),
        (b"0=MIAG%252B", ONE, "this is a form"),
        (b"0=MIA%", ONE, "this is a form"),
        (b"0=MIAG&1=MIAG", ONE, "this is a form"),
    ],
)
def test_any_other_body_is_told_what_is_wanted(
    text: bytes, names: tuple[str, ...], says: str
) -> None:
    refusal = refusal_of(text, names)
    assert refusal.reason is Reason.BAD_BODY
    assert refusal.detail.startswith(says), refusal.detail
    assert refusal.detail.endswith("in Base64")


def test_no_text_of_a_stranger_is_in_the_refusal() -> None:
    assert "evil" not in refusal_of(b"evil\r\nSet-Cookie: evil=1").detail


def test_a_document_may_be_empty() -> None:
    assert decoded(b"|MIAG", TWO) == (b"", bytes.fromhex("308006"))


def test_the_limit_is_that_of_the_decoded_bytes() -> None:
    fits, more = bytes(LIMIT + MESSAGE_ROOM), bytes(LIMIT + MESSAGE_ROOM + 1)
    assert decoded(b64encode(fits)) == (fits,)
    refusal = refusal_of(b64encode(more))
    assert refusal.reason is Reason.BODY_TOO_LARGE
    assert "body.limit" in refusal.detail


def test_blanks_are_limited_too() -> None:
    count = longest_text(LIMIT) // 65_536
    body = Base64Body(ONE, LIMIT)
    assert {body.feed(b" " * 65_536) for _ in range(count)} == {0}
    with pytest.raises(Refusal) as caught:
        body.feed(b" " * 65_536)
    assert caught.value.reason is Reason.BODY_TOO_LARGE


def test_line_ends_fit_into_the_longest_text() -> None:
    text = with_line_ends(b64encode(bytes(LIMIT + MESSAGE_ROOM)))
    assert len(text) <= longest_text(LIMIT)
    assert len(decoded(text)[0]) == LIMIT + MESSAGE_ROOM


def test_a_large_body_is_kept_once() -> None:
    size = 8 * 1024 * 1024
    piece = b64encode(bytes(49_152))
    tracemalloc.start()
    try:
        body = Base64Body(TWO, size)
        for _ in range(size // 49_152):
            kept = body.feed(piece)
        body.feed(b"|MIAG")
        parts = body.finish()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (kept, len(parts[0])) == (size // 49_152 * 49_152,) * 2
    assert peak < 1.2 * size


def test_a_raw_body_is_kept_as_it_is() -> None:
    assert read(RawBody(4), [b"a=", b"+%"]) == (b"a=+%",)
    assert read(RawBody(0), []) == (b"",)
    with pytest.raises(Refusal) as caught:
        read(RawBody(4), [b"abc", b"de"])
    assert caught.value.reason is Reason.BODY_TOO_LARGE

"""The upgrade request: read in any pieces, and refused when it is anything else."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.upgrade import LINES, head, read, with_line, with_lines
from tunnel_gateway.errors import NotWebSocketError, RefusalError, RequestTooLargeError
from tunnel_gateway.transport.wire.upgrade import (
    MAX_HEAD_SIZE,
    UpgradeReader,
    UpgradeRequest,
    usual_request,
)


def read_byte_by_byte(data: bytes) -> UpgradeRequest | None:
    reader, request = UpgradeReader(), None
    for i in range(len(data)):
        assert request is None, "a request before the last byte"
        request = reader.receive_data(data[i : i + 1])
    return request


def test_a_browsers_request_is_read() -> None:
    request = read(head(*LINES))
    assert request.target == "/chat?room=1"
    assert request.host == "127.0.0.1:49152"
    assert request.origin == "https://example.uz"
    assert [f"{name}: {value}" for name, value in request.headers] == list(LINES[1:])


def test_early_frames_are_left_over() -> None:
    reader = UpgradeReader()
    assert reader.receive_data(head(*LINES) + b"\x81\x80frame\r\n\r\n") is not None
    assert reader.rest == b"\x81\x80frame\r\n\r\n"


@given(st.lists(st.integers(0, 400), max_size=12), st.binary(max_size=8))
def test_any_split_of_the_bytes_gives_the_same_request(cuts: list[int], rest: bytes) -> None:
    data = head(*LINES) + rest
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    reader, seen = UpgradeReader(), None
    for start, end in pairwise(edges):
        if seen is not None:
            assert reader.rest == data[len(head(*LINES)) : start]
            break
        seen = reader.receive_data(data[start:end])
    assert seen == read(head(*LINES))


def test_byte_by_byte_nothing_comes_before_the_last_byte() -> None:
    data = head(*LINES)
    assert read_byte_by_byte(data[:-1]) is None
    assert read_byte_by_byte(data) == read(data)


REFUSED = {
    "another method": head("POST / HTTP/1.1", *LINES[1:]),
    "a TLS hello": b"\x16\x03\x01\x02\x00",
    "an empty line first": b"\r\n" + head(*LINES),
    "an absolute target": head("GET http://example.uz/ HTTP/1.1", *LINES[1:]),
    "a fragment": head("GET /a#b HTTP/1.1", *LINES[1:]),
    "CR in the target": head("GET /a\rb HTTP/1.1", *LINES[1:]),
    "NUL in the target": head("GET /a\0b HTTP/1.1", *LINES[1:]),
    "a letter outside ASCII in the target": head("GET /\xe9 HTTP/1.1", *LINES[1:]),
    "a space in the target": head("GET /a b HTTP/1.1", *LINES[1:]),
    "HTTP/1.0": head("GET / HTTP/1.0", *LINES[1:]),
    "HTTP/2.0": head("GET / HTTP/2.0", *LINES[1:]),
    "no version": head("GET /", *LINES[1:]),
    "bare LF": head(*LINES).replace(b"\r\n", b"\n"),
    "one bare LF": head(*LINES).replace(b"\r\nUpgrade", b"\nUpgrade"),
    "bare CR in a value": with_lines("X-A: b\rX-EIMZO-CN: admin"),
    "NUL in a value": with_lines("X-A: \0"),
    "a folded line": with_lines("X-A: b", " c"),
    "a space before the colon": with_lines("X-EIMZO-CN : admin"),
    "no name": with_lines(": admin"),
    "no colon": with_lines("admin"),
    "no Host": with_line("Host", None),
    "two Hosts": with_lines("host: other.uz"),
    "an empty Host": with_line("Host", "Host:"),
    "a Host with a path": with_line("Host", "Host: example.uz/x"),
    "no Upgrade": with_line("Upgrade", None),
    "another Upgrade": with_line("Upgrade", "Upgrade: h2c"),
    "a choice of upgrades": with_line("Upgrade", "Upgrade: websocket, h2c"),
    "no Connection": with_line("Connection", None),
    "Connection without Upgrade": with_line("Connection", "Connection: keep-alive"),
    "Connection that is no list": with_line("Connection", "Connection: Upgrade;"),
    "Connection that drops the identity": with_lines("Connection: Upgrade, X-EIMZO-INN"),
    "no key": with_line("Sec-WebSocket-Key", None),
    "two keys": with_lines(LINES[7]),
    "a key that is not base64": with_line("Sec-WebSocket-Key", "Sec-WebSocket-Key: !"),
    "a short key": with_line("Sec-WebSocket-Key", "Sec-WebSocket-Key: AAAA"),
    "no version of WebSocket": with_line("Sec-WebSocket-Version", None),
    "an old version of WebSocket": with_line("Sec-WebSocket-Version", "Sec-WebSocket-Version: 8"),
    "a body": with_lines("Content-Length: 5"),
    "two lengths": with_lines("Content-Length: 0", "Content-Length: 5"),
    "a disguised length": with_lines("Content_Length: 5"),
    "a transfer coding": with_lines("Transfer-Encoding: chunked"),
    "a disguised transfer coding": with_lines("Transfer.Encoding: chunked"),
    "two Origins": with_lines("Origin: https://other.uz"),
}
TOO_LARGE = {
    "too many headers": with_lines(*(f"X-{i}: 1" for i in range(128))),
    "a long line": with_lines("Cookie: " + "a" * 16_384),
    "a long target": head("GET /" + "a" * 16_384 + " HTTP/1.1", *LINES[1:]),
    "too many bytes": with_lines(*(f"X-{i}: {'a' * 4096}" for i in range(4))),
}


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED.keys())
def test_everything_else_is_refused_whole_and_byte_by_byte(data: bytes) -> None:
    with pytest.raises(NotWebSocketError):
        UpgradeReader().receive_data(data)
    with pytest.raises(NotWebSocketError):
        read_byte_by_byte(data)


@pytest.mark.parametrize("length", ["Content-Length: 0", "content-length: 0"])
def test_a_length_of_zero_is_no_body(length: str) -> None:
    assert read(with_lines(length)).headers[-1][1] == "0"


@pytest.mark.parametrize("data", TOO_LARGE.values(), ids=TOO_LARGE.keys())
def test_what_is_too_large_is_refused_as_that(data: bytes) -> None:
    with pytest.raises(RequestTooLargeError):
        UpgradeReader().receive_data(data)
    with pytest.raises(RequestTooLargeError):
        read_byte_by_byte(data)


def test_the_limit_counts_the_head_and_not_what_follows() -> None:
    """One line may be as long as the whole: a browser sends all its cookies in one."""
    spare = MAX_HEAD_SIZE - len(with_lines("Cookie: "))
    data = with_lines("Cookie: " + "a" * spare)
    assert len(data) == MAX_HEAD_SIZE
    assert UpgradeReader().receive_data(data + bytes(99_999)) is not None
    with pytest.raises(RequestTooLargeError, match="longer than 16384 bytes, cookies included"):
        UpgradeReader().receive_data(with_lines("Cookie: " + "a" * (spare + 1)))
    with pytest.raises(RequestTooLargeError):
        UpgradeReader().receive_data(data[:-4] + b"aaaaa")


@pytest.mark.parametrize("data", [head(*LINES), b"POST"])
def test_a_reader_reads_one_request(data: bytes) -> None:
    reader = UpgradeReader()
    try:
        reader.receive_data(data)
    except NotWebSocketError:
        assert data == b"POST"
    with pytest.raises(RuntimeError):
        reader.receive_data(b"GET ")


def test_a_refusal_does_not_tell_the_cookie() -> None:
    with pytest.raises(NotWebSocketError) as caught:
        read(with_line("Cookie", "Cookie: secret\0"))
    assert str(caught.value) == "malformed request: invalid HTTP header value"
    assert caught.value.__cause__ is None


@given(st.binary(max_size=300))
def test_any_bytes_give_a_request_or_a_refusal(data: bytes) -> None:
    for start in (b"", b"GET / HTTP/1.1\r\n", head(*LINES)[:-2]):
        with suppress(RefusalError):
            UpgradeReader().receive_data(start + data)


# --- the usual form, which the library does not read -----------------------------------------


def read_by_the_library(data: bytes) -> UpgradeRequest | None:
    """Requests that come in two pieces are never of the usual form."""
    reader = UpgradeReader()
    assert reader.receive_data(data[:1]) is None
    return reader.receive_data(data[1:])


@pytest.mark.parametrize(
    "data",
    [
        head(*LINES),
        with_line("Origin", None),
        with_line("Cookie", "Cookie: a=b; c=d e"),
        with_line("Connection", "Connection: upgrade"),
        with_line("Sec-WebSocket-Protocol", None),
        with_line("Sec-WebSocket-Protocol", "Sec-WebSocket-Protocol: v1.chat"),
        with_lines(*(f"X-{i}: 1" for i in range(128 - len(LINES) + 1))),
        head(*LINES) + b"\x81\x80frame\r\n\r\n",
    ],
)
def test_a_browsers_request_is_usual_and_read_as_the_library_does(data: bytes) -> None:
    usual = usual_request(data)
    assert usual is not None
    assert usual == read_by_the_library(data)


@pytest.mark.parametrize("data", [*REFUSED.values(), *TOO_LARGE.values()])
def test_what_the_library_refuses_is_not_usual(data: bytes) -> None:
    assert usual_request(data) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        head(*LINES)[:-1],
        with_lines("Content-Length: 0"),
        with_lines("X-A:b"),
        with_lines("X-A: "),
        with_lines("X-A: b  c"),
        with_lines("X-A: caf\xe9"),
        with_lines("X_A: b"),
        with_lines("Cookie: a", "Cookie: b"),
    ],
)
def test_all_else_is_left_to_the_library(data: bytes) -> None:
    assert usual_request(data) is None


_PIECES = st.sampled_from(
    (*"aA:-_ ,;=\t\r\n\0\xe9", ": ", "\r\n", "Upgrade", "websocket", "keep-alive, ", "Host", "13")
)


@given(st.sampled_from(LINES), st.integers(0, 60), st.integers(0, 8), st.lists(_PIECES, max_size=3))
def test_a_changed_request_is_never_read_otherwise_than_by_the_library(
    line: str, start: int, removed: int, inserted: list[str]
) -> None:
    changed = line[:start] + "".join(inserted) + line[start + removed :]
    data = head(*(changed if known == line else known for known in LINES))
    usual = usual_request(data)
    if usual is not None:
        assert usual == read_by_the_library(data)

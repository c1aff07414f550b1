from __future__ import annotations

import tracemalloc
from base64 import b64encode, encodebytes, urlsafe_b64encode
from collections.abc import Callable, Iterable
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict

from tunnel_gateway.rest.forms import MAX_FIELDS, MAX_NAME, MAX_TEXT, FormBody, texts_of_query
from tunnel_gateway.rest.statuses import Reason, Refusal

LIMIT = 1024
TEXTS = ("documentId", "x_real_ip")
PARTS = ("document",)
MESSAGE = bytes.fromhex("fbffbf")  # whose Base64 is +/+/
Fields = list[tuple[str, str]]


def form() -> FormBody:
    return FormBody(TEXTS, PARTS, LIMIT)


def read(body: FormBody, pieces: Iterable[bytes]) -> tuple[dict[str, str], bytes]:
    for piece in pieces:
        body.feed(piece)
    (document,) = body.finish()
    return body.texts, document


def cut(text: bytes, places: list[int]) -> list[bytes]:
    ends = sorted(place % (len(text) + 1) for place in places)
    return [text[a:b] for a, b in zip([0, *ends], [*ends, len(text)], strict=True)]


def refusal_of(text: bytes) -> Refusal:
    with pytest.raises(Refusal) as caught:
        read(form(), [text])
    return caught.value


# --- clients -------------------------------------------------------------------------------


def curl_data(fields: Fields) -> bytes:
    """`curl -d`, and every other client that writes a form by hand: nothing is escaped."""
    return "&".join(f"{name}={value}" for name, value in fields).encode()


def curl_urlencode(fields: Fields) -> bytes:
    """`curl --data-urlencode`: the value alone is escaped, a blank as %20."""
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in fields).encode()


def php(fields: Fields) -> bytes:
    """`http_build_query`, and Python's urlencode: a blank is a plus."""
    return urlencode(fields).encode()


def java(fields: Fields) -> bytes:
    """`URLEncoder.encode` leaves the asterisk, and escapes the tilde."""
    pairs = [f"{name}={quote_plus(value, safe='*').replace('~', '%7E')}" for name, value in fields]
    return "&".join(pairs).encode()


def dart(fields: Fields) -> bytes:
    """`Uri.encodeQueryComponent` for names and values, and a field that nobody knows."""
    return urlencode([("lang", "uz"), *fields, ("a[b]", "ў")]).encode()


def every_byte(fields: Fields) -> bytes:
    """Every byte is escaped, in small letters."""
    pairs = (["".join(f"%{byte:02x}" for byte in text.encode()) for text in f] for f in fields)
    return "&".join("=".join(pair) for pair in pairs).encode()


def backwards(fields: Fields) -> bytes:
    """In another order, with an ampersand at both ends."""
    return b"&" + php(fields[::-1]) + b"&"


ESCAPING = (curl_urlencode, php, java, dart, every_byte, backwards)
WRITERS: tuple[Callable[[bytes], str], ...] = (
    lambda data: b64encode(data).decode(),
    lambda data: urlsafe_b64encode(data).decode().rstrip("="),
    lambda data: encodebytes(data).decode(),
    # As somebody leaves it who has decoded the form before.
    lambda data: b64encode(data).decode().replace("+", " "),
)
SHORT = st.text(max_size=MAX_TEXT // 4).map(str.strip)
PLACES = st.lists(st.integers(0, 2000), max_size=8)


@given(
    st.sampled_from(ESCAPING),
    st.sampled_from(WRITERS),
    st.binary(max_size=300),
    SHORT,
    PLACES,
)
def test_a_form_is_read_as_clients_write_it(
    client: Callable[[Fields], bytes],
    write: Callable[[bytes], str],
    data: bytes,
    short: str,
    places: list[int],
) -> None:
    text = client([("documentId", short), ("document", write(data))])
    body = form()
    texts, document = read(body, cut(text, places))
    # As when it is written: without blanks around it, which may stand before a line end.
    assert texts == ({"documentId": short} if short else {})
    assert document == data
    assert {"documentId", "document"} <= set(body.came)


@given(st.sampled_from(WRITERS), st.binary(max_size=300), PLACES)
def test_what_is_not_escaped_is_read_too(
    write: Callable[[bytes], str], data: bytes, places: list[int]
) -> None:
    text = curl_data([("documentId", "850FF727"), ("document", write(data))])
    assert read(form(), cut(text, places)) == ({"documentId": "850FF727"}, data)


PIECES = [b"documentId", b"document", b"=", b"&", b"%2", b"B", b"%", b"+", b" ", b"\r\n", b"MIAG"]


@given(st.lists(st.sampled_from(PIECES), max_size=14).map(b"".join), PLACES)
def test_no_form_is_too_odd(text: bytes, places: list[int]) -> None:
    """Any form is read or refused, no matter in which pieces it comes."""
    outcomes: list[object] = []
    for pieces in ([text], cut(text, places), [bytes([byte]) for byte in text]):
        body = form()
        try:
            outcomes.append((read(body, pieces), body.came))
        except Refusal as refusal:
            outcomes.append((refusal.reason, refusal.detail))
    assert outcomes[0] == outcomes[1] == outcomes[2]


@given(st.binary(max_size=80), PLACES)
def test_no_bytes_are_too_odd(text: bytes, places: list[int]) -> None:
    outcomes: list[object] = []
    for pieces in ([text], cut(text, places)):
        try:
            outcomes.append(read(form(), pieces))
        except Refusal as refusal:
            outcomes.append(refusal.reason)
    assert outcomes[0] == outcomes[1]


# --- what comes is told --------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", [b"+/+/", b"%2B/%2b%2F", b" /%20/", b"-_-_", b"+/\r\n+/%0d%0A", b"+/+/&", b"%2B%2f+/"]
)
def test_a_plus_stays_and_a_blank_becomes_one(text: bytes) -> None:
    assert read(form(), [b"document=" + text])[1] == MESSAGE


def test_the_names_that_came_are_told() -> None:
    body = form()
    text = b"document_id=1&pkcs7=MIAG&%d1%9e=&x%ff=&&=&y"
    assert read(body, [text]) == ({}, b"")
    other = "(no usual name)"
    assert body.came == ["document_id", "pkcs7", other, other, other, "y"]


@pytest.mark.parametrize("document", ["G‘ANIYEV O‘KTAM", "10000000000001", "Shartnoma: 5=five"])
def test_a_document_without_a_form_does_not_get_into_the_log(document: str) -> None:
    body = form()
    read(body, [document.encode()])
    assert body.came == ["(no usual name)"]


def test_an_empty_form_has_nothing() -> None:
    for text in (b"", b"\r\n", b"&", b"="):
        assert read(form(), [text]) == ({}, b"")


def test_a_form_of_texts_alone_has_no_part() -> None:
    body = FormBody(("documentId",), (), 0)
    body.feed(b"documentId=BBF3E8C3&document=MIAG")
    assert (body.finish(), body.texts) == ((), {"documentId": "BBF3E8C3"})


WANTED = "; send a form (application/x-www-form-urlencoded) with documentId and x_real_ip and"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b'{"documentId": "850FF727"}', "this is JSON"),
        (b'{"document": "MIA=", "a": "' + b"a" * 300, "this is JSON"),
        (b"<a documentId='1'/>", "this is XML or HTML"),
        (b'--b\r\nContent-Disposition: form-data; name="documentId"', "this is a multipart form"),
        (b"MIAGCSqGSIb3DQEHAqCAMIAC" * 9, "this is Base64 without the name of a field"),
        (bytes.fromhex("308006092a"), "this is the bytes of a PKCS#7 document themselves"),
        (b"document=data:text/plain;base64,MIAG", "document: this is a data URL"),
        (b"document=-----BEGIN PKCS7-----\nMIAG\n", "document: this is PEM"),
        (b"document=%7B%22a%22", "document: this is JSON"),
        (b"document=MIA!", "document: there is a character that is not Base64"),
        (b"document=MIA%252B", "document: there is a character that is not Base64"),
        (b"document=MIA%4", "document: there is a character that is not Base64"),
        (b"document=MIA%4&documentId=", "document: there is a character that is not Base64"),
        (b"document=MIA%xx", "document: there is a % without two hexadecimal digits"),
        (b"document=MIAGM", "document: the last character of the Base64 is missing"),
        (b"document=MIA=MIAG", "document: there is text behind the ="),
        (b"documentId=%4", "documentId: there is a % without two hexadecimal digits"),
        (b"documentId=%ff", "documentId: it is not UTF-8"),
        (b"documentId=" + b"a" * (MAX_TEXT + 1), "documentId: it is longer than 256 bytes"),
        (b"documentId=" + b"a" * 5000, "documentId: it is longer than 256 bytes"),
        (b"documentId=1&documentId=1", "documentId comes twice"),
        (b"document=&document=MIAG", "document comes twice"),
        (b"documentId&docu%6dentId=1", "documentId comes twice"),
        (b"%4=1", "the name of a field: there is a % without two hexadecimal digits"),
        (b"!" * (MAX_NAME + 1) + b"=1", "the name of a field is longer than 64 bytes"),
        (b"!" * 500, "the name of a field is longer than 64 bytes"),
        (b"&" * MAX_FIELDS, "it has more than 32 fields"),
        (b"a=&" * MAX_FIELDS, "it has more than 32 fields"),
    ],
)
def test_anything_else_is_told_what_is_wanted(text: bytes, says: str) -> None:
    refusal = refusal_of(text)
    assert refusal.reason is Reason.BAD_BODY
    assert refusal.detail.startswith(says), refusal.detail
    assert refusal.detail.endswith(f"{WANTED} document in Base64")


def test_no_text_of_a_stranger_is_in_the_refusal() -> None:
    for text in (b"document=evil!&evil", b"evil" * 50, b"evil%4=1", b'{"evil'):
        assert "evil" not in refusal_of(text).detail


@pytest.mark.parametrize(
    "text",
    [
        b"a=&" * (MAX_FIELDS - 1) + b"documentId=1",
        b"!" * MAX_NAME + b"=1&documentId=1",
        b"%21" * MAX_NAME + b"=" + b"b" * 9000 + b"&documentId=1",
    ],
)
def test_the_bounds_fit(text: bytes) -> None:
    assert read(form(), [text])[0] == {"documentId": "1"}
    assert read(form(), [b"documentId=" + b"%41" * MAX_TEXT])[0] == {"documentId": "A" * MAX_TEXT}


# --- limits --------------------------------------------------------------------------------


@pytest.mark.parametrize("client", [curl_data, every_byte])
def test_the_limit_is_that_of_the_decoded_bytes(client: Callable[[Fields], bytes]) -> None:
    for data in (b"\xff" * LIMIT, bytes(LIMIT)):
        text = client(
            [("x_real_ip", "ў" * (MAX_TEXT // 2)), ("document", b64encode(data).decode())]
        )
        form().expect(len(text))
        assert read(form(), [text])[1] == data
    refusal = refusal_of(client([("document", b64encode(bytes(LIMIT + 1)).decode())]))
    assert refusal.reason is Reason.BODY_TOO_LARGE
    assert "body.limit" in refusal.detail


def test_skipped_bytes_are_limited_too() -> None:
    body = form()
    for length in (0, 4 * LIMIT):
        body.expect(length)
    with pytest.raises(Refusal) as caught:
        read(body, [b"a="] + [b"b" * 1000] * 100)
    assert caught.value.reason is Reason.BODY_TOO_LARGE
    with pytest.raises(Refusal) as caught:
        FormBody(TEXTS, (), 0).expect(1_000_000)
    assert caught.value.reason is Reason.BODY_TOO_LARGE


@pytest.mark.parametrize("escape", [b"%2B", b"+"])
def test_a_large_document_is_kept_once(escape: bytes) -> None:
    size = 8 * 1024 * 1024
    piece = escape * 65_536
    tracemalloc.start()
    try:
        body = FormBody(TEXTS, PARTS, size)
        body.feed(b"documentId=850FF727&document=")
        for _ in range(size // 49_152):
            kept = body.feed(piece)
        (document,) = body.finish()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (kept, len(document)) == (size // 49_152 * 49_152,) * 2
    assert peak < 1.2 * size


# --- the query -----------------------------------------------------------------------------


def test_texts_may_stand_in_the_query() -> None:
    query = MultiDict([("documentId", " 850FF727 "), ("x_real_ip", ""), ("a", "1"), ("a", "2")])
    assert texts_of_query(TEXTS, query) == {"documentId": "850FF727"}


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (["1", "1"], "documentId comes twice in the query"),
        (["a" * (MAX_TEXT + 1)], "documentId in the query: it is longer than 256 bytes"),
        (["a\ud800"], "documentId in the query: it is not UTF-8"),
    ],
)
def test_odd_texts_in_the_query_are_refused(values: list[str], says: str) -> None:
    with pytest.raises(Refusal, match=says) as caught:
        texts_of_query(TEXTS, MultiDict(("documentId", value) for value in values))
    assert caught.value.reason is Reason.BAD_BODY

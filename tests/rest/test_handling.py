"""Calls on real sockets, from the request to the answer."""

from __future__ import annotations

import asyncio
import io
from base64 import b64encode
from collections.abc import AsyncIterator

import pytest

from tests.support.log_lines import first_record, read_records
from tests.support.processes import check_event
from tests.support.rest import LOOPBACK, NOBODY, Echo, Reply, Running, running
from tunnel_gateway.observability.rest_events import REST_EVENTS
from tunnel_gateway.rest.answers import PIECE, Base64
from tunnel_gateway.rest.bodies import longest_text
from tunnel_gateway.rest.call import Call, Wanted
from tunnel_gateway.rest.callers import CallerRules
from tunnel_gateway.rest.statuses import Fields, Reason, Refusal
from tunnel_gateway.transport.wire.rates import Rate

LIMIT = 1024 * 1024


class Odd(Echo):
    """Does what methods must not do, or seldom do."""

    async def answer(self, call: Call) -> Fields:
        match call.query.get("do"):
            case "fail":
                raise RuntimeError("a mistake")
            case "refuse":
                raise Refusal(Reason.MALFORMED, "byte 3\r\nSet-Cookie: evil", {"a": 1})
            case "large":
                return {"documentBase64": Base64(bytes(call.parts[0]))}
            case "away":
                raise Refusal(Reason.CHALLENGES_AWAY)
        return {"odd": object()}


def methods() -> list[Echo]:
    return [
        Echo("/ping", Wanted(), "GET"),
        Echo("/frontend/challenge", Wanted(), "GET", "POST"),
        Echo("/backend/auth", Wanted(("PKCS#7 document",)), "POST"),
        Echo("/frontend/pkcs7/make-attached", Wanted(("document", "PKCS#7 document")), "POST"),
        Echo("/frontend/form", Wanted(raw=16), "POST"),
        Odd("/frontend/odd", Wanted(("document",)), "POST"),
        Odd("/frontend/mobile/odd", Wanted(("document",)), "POST"),
    ]


@pytest.fixture
async def run() -> AsyncIterator[Running]:
    async with running(methods(), body_limit=LIMIT) as server:
        yield server


def check(reply: Reply) -> None:
    """Check what every answer has."""
    assert reply.headers["content-type"] == "application/json; charset=utf-8"
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["server"] == "tunnel-gateway"
    assert {"status", "message"} <= reply.json.keys()
    status = reply.json["status"]
    assert type(status) is int
    assert reply.code == (200 if status > -400 else -status)
    assert ("reason" in reply.json) == (status != 1)


@pytest.mark.parametrize(
    ("line", "body", "code", "reason"),
    [
        ("GET /ping", b"", 200, None),
        ("GET /ping/?_uc=1", b"", 200, None),
        ("GET /frontend/challenge", b"", 200, None),
        ("POST /frontend/challenge/", b"", 200, None),
        ("POST /frontend/challenge", b"body that nobody wants", 200, None),
        ("POST /backend/auth", b"MIAG", 200, None),
        ("POST /backend/auth?x=%0d%0a", b"MIAG", 200, None),
        ("POST /backend/auth", b"", 400, "bad_body"),
        ("POST /backend/auth", b"{}", 400, "bad_body"),
        ("GET /backend/auth", b"", 405, "wrong_verb"),
        ("PUT /backend/auth", b"MIAG", 405, "wrong_verb"),
        ("GET /frontend/chalenge", b"", 404, "unknown_path"),
        ("GET /%00%0d%0aSet-Cookie:%20a=1", b"", 404, "unknown_path"),
        ("GET //ping", b"", 404, "unknown_path"),
        ("POST /frontend/odd?do=fail", b"MIAG", 500, "internal_error"),
        ("POST /frontend/odd?do=refuse", b"MIAG", 200, "malformed"),
        ("POST /frontend/odd?do=away", b"MIAG", 503, "challenges_away"),
        ("POST /frontend/odd", b"MIAG", 500, "internal_error"),
        ("POST /frontend/form", b"a" * 17, 413, "body_too_large"),
        ("POST /frontend/form", b"a=b&c=+", 200, None),
    ],
)
async def test_every_answer_is_json(
    run: Running, line: str, body: bytes, code: int, reason: str | None
) -> None:
    verb, _, path = line.partition(" ")
    reply = await run.call(verb, path, body)
    check(reply)
    assert (reply.code, reply.json.get("reason")) == (code, reason)
    assert ("retry-after" in reply.headers) == (code == 503)


@pytest.mark.parametrize(
    ("data", "code", "reason"),
    [
        (b"evil\r\n\r\n", 400, "unreadable_request"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, "unreadable_request"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "unreadable_request"),
        (
            b"GET /ping HTTP/1.1\r\nHost: a\r\nA: " + b"a" * 9000 + b"\r\n\r\n",
            431,
            "head_too_large",
        ),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 431, "head_too_large"),
        (b"GET /ping HTTP/1.1\r\nHost: a\r\n" + b"A: a\r\n" * 70 + b"\r\n", 431, "head_too_large"),
        (b"GET /ping HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", 400, "unreadable_request"),
        (
            b"POST /backend/auth HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nevil\r\n",
            400,
            "unreadable_request",
        ),
        (
            b"POST /backend/auth HTTP/1.0\r\nContent-Encoding: br\r\nContent-Length: 4\r\n\r\nMIAG",
            400,
            "bad_body",
        ),
        (b"GET http://evil.example/ping HTTP/1.1\r\nHost: evil\r\n\r\n", 200, None),
        (b"GET /ping HTTP/1.1\r\n\r\n", 400, "unreadable_request"),
        (b"GET /ping HTTP/1.1\r\nHost:\r\n\r\n", 200, None),
        (b"GET /ping HTTP/1.1\r\nHost: http://example.uz:8080/a b\r\n\r\n", 200, None),
        (
            b"GET /ping HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
            200,
            None,
        ),
    ],
)
async def test_odd_requests_are_answered_in_json(
    run: Running, data: bytes, code: int, reason: str | None
) -> None:
    client = await run.connect()
    await client.send(data)
    reply = await client.reply()
    check(reply)
    assert (reply.code, reply.json.get("reason")) == (code, reason)


async def test_a_wrong_path_and_a_wrong_verb_are_told_the_right_one(run: Running) -> None:
    reply = await run.call("GET", "/challenge", Accept_Language="en")
    assert reply.json["message"] == "There is no such method"
    assert reply.json["detail"] == "did you mean /frontend/challenge?"
    reply = await run.call("GET", "/backend/auth")
    assert (reply.headers["allow"], reply.code) == ("POST", 405)
    assert reply.json["detail"] == "use POST"


async def test_a_request_without_a_host_is_told_so(run: Running) -> None:
    client = await run.connect()
    await client.send(b"GET /ping HTTP/1.1\r\n\r\n")
    assert "Host" in (await client.reply()).json["detail"]


async def test_a_head_is_answered_without_a_body(run: Running) -> None:
    client = await run.connect()
    await client.send(
        b"HEAD /ping HTTP/1.1\r\nHost: a\r\n\r\nGET /ping HTTP/1.1\r\nHost: a\r\n\r\n"
    )
    head = await client.reader.readuntil(b"\r\n\r\n")
    assert b"200 OK" in head
    assert int(head.lower().partition(b"content-length:")[2].split()[0]) > 0
    assert (await client.reply()).code == 200


@pytest.mark.parametrize("language", ["uz", "ru", "en"])
async def test_the_message_is_in_the_language_of_the_client(run: Running, language: str) -> None:
    reply = await run.call("POST", "/backend/auth", b"!", Accept_Language=language)
    words = {"uz": "So‘rov tanasi", "ru": "Тело запроса", "en": "The body of the request"}
    assert reply.json["message"].startswith(words[language])


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/json", "application/x-www-form-urlencoded", "image/png;;", ""],
)
async def test_the_content_type_does_not_count(run: Running, kind: str) -> None:
    headers = {"Content_Type": kind} if kind else {}
    reply = await run.call("POST", "/backend/auth", b"MIAG+/+/", **headers)
    assert (reply.code, reply.json["sizes"]) == (200, [6])


async def test_two_parts_come_in_chunks(run: Running) -> None:
    client = await run.connect()
    await client.send(
        b"POST /frontend/pkcs7/make-attached HTTP/1.1\r\nHost: a\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n"
        b"3\r\nc29\r\n4\r\ntZQ|\r\n"
    )
    await asyncio.sleep(0.05)
    await client.send(b"4\r\nMIAG\r\n0\r\n\r\n")
    assert (await client.reply()).json["sizes"] == [4, 3]
    assert (await client.call("GET", "/ping")).code == 200


async def test_a_raw_body_stays_as_it_is(run: Running) -> None:
    reply = await run.call("POST", "/frontend/form?a=b%20c", b"x=%41+|\xff")
    assert (reply.json["raw"], reply.json["query"]) == ("x=%41+|\xff", {"a": "b c"})


async def test_the_largest_document_fits_and_no_larger_one(run: Running) -> None:
    client = await run.connect()
    text = b64encode(bytes(LIMIT))
    assert (await client.call("POST", "/backend/auth", text)).json["sizes"] == [LIMIT]
    head = b"POST /backend/auth HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
    await client.send(head % (longest_text(LIMIT) + 1))
    reply = await client.reply()  # before any byte of the body
    check(reply)
    assert (reply.code, reply.headers["connection"]) == (413, "close")


async def test_a_large_body_without_a_length_is_refused_when_it_is_too_large(run: Running) -> None:
    client = await run.connect()
    await client.send(
        b"POST /backend/auth HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    piece = b"10000\r\n" + b"A" * 65_536 + b"\r\n"
    for _ in range(longest_text(LIMIT) // 65_536 + 1):
        client.writer.write(piece)
    reply = await client.reply()
    assert (reply.code, reply.json["reason"]) == (413, "body_too_large")


async def test_a_client_that_asks_first_is_told_to_go_on(run: Running) -> None:
    client = await run.connect()
    first = b"POST /backend/auth HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
    head = first + b"Content-Length: %d\r\n\r\n"
    await client.send(head % 4)
    assert (await client.reply()).code == 100
    await client.send(b"MIAG")
    assert (await client.reply()).json["sizes"] == [3]
    await client.send(head % 10_000_000)
    assert (await client.reply()).code == 413


async def test_a_large_answer_is_whole(run: Running) -> None:
    document = bytes(range(256)) * 4000
    reply = await run.call("POST", "/frontend/odd?do=large", b64encode(document))
    assert len(reply.body) > 5 * PIECE
    assert reply.json["documentBase64"] == b64encode(document).decode()
    assert run.server.handler.memory.held == 0


@pytest.mark.parametrize(
    "path",
    [
        "/backend%2Fgreet",
        "/%62ackend/greet",
        "/backend/gree%74",
        "/frontend/../backend/greet",
        "/frontend/%2e%2e/backend/greet",
        "//backend/greet",
        "/BACKEND/greet",
        "http://a//backend/greet",
    ],
)
async def test_no_other_spelling_of_a_path_is_that_path(path: str) -> None:
    """A proxy may let such a spelling through, and it calls from the address of the application."""
    async with running([Echo("/backend/greet", Wanted(), "GET")]) as run:
        assert (await run.call("GET", "/backend/greet")).code == 200
        assert (await run.call("GET", path)).code == 404


async def test_no_call_is_taken_while_the_memory_is_full(log: io.StringIO) -> None:
    known = methods()
    async with running(known, body_limit=LIMIT) as run:
        run.memory_full = True
        client = await run.connect()
        # The head is enough: no byte of the body is waited for.
        head = b"POST /backend/auth HTTP/1.1\r\nHost: a\r\n"
        await client.send(head + b"Content-Length: 900000\r\n\r\n")
        reply = await client.reply()
        check(reply)
        assert (reply.code, reply.json["reason"]) == (503, "overloaded")
        assert "tunnel.memory.limit" in reply.json["detail"]
        assert reply.headers["connection"] == "close"
        assert not any(method.calls for method in known)
        assert (await run.call("GET", "/ping")).code == 503
        shown = run.metrics.text().decode()
        assert 'tunnel_gateway_limits_reached_total{limit="tunnel.memory.limit"} 2.0' in shown
        assert not any(method.calls for method in known)
        run.memory_full = False
        assert (await run.call("GET", "/ping")).code == 200
    refused = [line for line in read_records(log.getvalue()) if line["event"] == "call_refused"]
    assert [line["bytes"] for line in refused] == [0, 0]


async def test_strangers_may_not_call_the_backend() -> None:
    async with running(methods(), rules=NOBODY) as run:
        for path in ("/backend/auth", "/backend/nothing"):
            reply = await run.call("POST", path, b"MIAG", X_Real_IP="127.0.0.1")
            check(reply)
            assert (reply.code, reply.json["reason"]) == (403, "not_from_here")
        assert (await run.call("GET", "/frontend/challenge")).code == 200


async def test_users_have_a_rate_behind_a_proxy() -> None:
    rules = CallerRules(LOOPBACK, LOOPBACK, Rate(0.01, 2))
    async with running(methods(), rules=rules) as run:
        client = await run.connect()
        busy = [await client.call("GET", "/ping", X_Real_IP="192.0.2.1") for _ in range(3)]
        assert [reply.code for reply in busy] == [200, 200, 429]
        check(busy[-1])
        assert busy[-1].headers["retry-after"] == "2"
        assert (await client.call("GET", "/ping", X_Real_IP="192.0.2.2")).code == 200
        assert (await client.call("GET", "/ping")).code == 200


async def test_calls_are_logged_and_counted(run: Running, log: io.StringIO) -> None:
    headers = {"X_Real_IP": "192.0.2.1"}
    await run.call("POST", "/backend/auth", b"MIAG", **headers)  # it has a line of its own
    await run.call("POST", "/frontend/pkcs7/make-attached", b"MIAG|MIAG", **headers)
    await run.call("POST", "/frontend/odd?do=refuse", b"MIAG")
    await run.call("POST", "/frontend/odd?do=fail", b"MIAG")
    await run.call("POST", "/frontend/mobile/odd?do=fail", b"MIAG")
    await run.call("GET", "/evil%1b[31m")
    await run.call("GET", "/backend/auth")
    await run.call("GET", "/ping")
    await run.server.handler.quiet.wait()  # the answer is here before the call is counted
    records = read_records(log.getvalue())
    for record in records:
        check_event(record, REST_EVENTS)
    made = first_record(records, "call_answered", {"path": "/frontend/pkcs7/make-attached"})
    assert made is not None
    assert made.items() >= {"client": "192.0.2.1", "host": "example.uz", "bytes": 6}.items()
    assert first_record(records, "call_answered", {"reason": "malformed", "status": -10})
    # With HTTP 200, but the operator must see it.
    assert first_record(records, "call_refused", {"path": "/frontend/mobile/odd", "status": -9})
    assert first_record(records, "call_refused", {"path": "other", "status": -404})
    assert first_record(records, "call_refused", {"path": "/backend/auth", "status": -405})
    failed = first_record(records, "call_failed", {"path": "/frontend/odd"})
    assert failed is not None
    assert "RuntimeError" in failed["exception"]
    for quiet in ("/ping", "/backend/auth"):
        assert not first_record(records, "call_answered", {"path": quiet})
    text = run.metrics.text().decode()
    for line in (
        'rest_calls_total{path="/backend/auth",status="1"} 1.0',
        'rest_calls_total{path="/frontend/odd",status="-10"} 1.0',
        'rest_calls_total{path="/frontend/odd",status="-500"} 1.0',
        'rest_calls_total{path="other",status="-404"} 1.0',
        'rest_calls_total{path="/backend/auth",status="-405"} 1.0',
        'rest_received_bytes_total{path="/backend/auth"} 3.0',
        'rest_call_seconds_count{path="/ping"} 1.0',
    ):
        assert f"tunnel_gateway_{line}" in text
    assert run.server.handler.in_progress == 0


async def test_strangers_cannot_fill_the_log(run: Running, log: io.StringIO) -> None:
    client = await run.connect()
    for _ in range(100):
        await client.call("GET", "/evil")
    await run.server.handler.quiet.wait()
    assert len(read_records(log.getvalue())) == 30

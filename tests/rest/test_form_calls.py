"""Forms and parameters of paths, on real sockets, from the request to the answer."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.rest.test_handling import LIMIT, Odd, check
from tests.support.rest import Echo, Running, running
from tunnel_gateway.rest.call import Wanted

STATUS = "/frontend/mobile/status"
UPLOAD = "/frontend/mobile/upload"
VERIFY = "/backend/mobile/verify"
AUTHENTICATE = "/backend/mobile/authenticate/{documentId}"
ODD = "/backend/mobile/odd"


@pytest.fixture
async def run() -> AsyncIterator[Running]:
    of_upload = Wanted(("pkcs7_b64",), 64, form=True, texts=("document_id",))
    methods = [
        Echo(STATUS, Wanted(form=True, texts=("documentId",)), "GET", "POST"),
        Echo(UPLOAD, of_upload, "POST"),
        Echo(VERIFY, Wanted(("document",), form=True, texts=("documentId",)), "POST"),
        Echo(AUTHENTICATE, Wanted(), "GET", "POST"),
        Odd(ODD, Wanted(("document",)), "POST"),
        Odd("/frontend/odd", Wanted(("document",)), "POST"),
    ]
    async with running(methods, body_limit=LIMIT) as server:
        yield server


@pytest.mark.parametrize(
    ("line", "body", "code", "reason"),
    [
        (f"POST {STATUS}", b"documentId=BBF3E8C3", 200, None),
        (f"POST {STATUS}", b"", 200, None),
        (f"POST {STATUS}", b'{"documentId": "BBF3E8C3"}', 400, "bad_body"),
        (f"GET {STATUS}?documentId=BBF3E8C3", b"", 200, None),
        (f"GET {STATUS}?documentId=1&documentId=2", b"", 400, "bad_body"),
        (f"GET {STATUS}?documentId=%ff", b"", 200, None),  # the library keeps such an escape
        (f"POST {UPLOAD}", b"document_id=1&pkcs7_b64=" + b"MIAG" * 22, 413, "body_too_large"),
        (f"POST {UPLOAD}", b"a=" + b"b" * 40_000, 413, "body_too_large"),
        ("GET /backend/mobile/authenticate", b"", 404, "unknown_path"),
        ("GET /backend/mobile/authenticate/" + "a" * 65, b"", 404, "unknown_path"),
        (f"POST {ODD}?do=fail", b"MIAG", 200, "internal_error"),
        (f"POST {ODD}?do=refuse", b"MIAG", 200, "malformed"),
    ],
)
async def test_every_answer_is_json(
    run: Running, line: str, body: bytes, code: int, reason: str | None
) -> None:
    verb, _, path = line.partition(" ")
    reply = await run.call(verb, path, body)
    check(reply)
    assert (reply.code, reply.json.get("reason")) == (code, reason)


async def test_a_form_is_read(run: Running) -> None:
    reply = await run.call("POST", UPLOAD, b"x=1&pkcs7_b64=+/+/&document_id=850FF727")
    assert reply.json["sizes"] == [3]
    assert reply.json["texts"] == {"document_id": "850FF727"}
    assert reply.json["came"] == ["x", "pkcs7_b64", "document_id"]
    large = b"documentId=850FF727&document=" + b"%2B" * (LIMIT // 3 * 4)
    reply = await run.call("POST", VERIFY, large, Content_Type="text/plain")
    assert reply.json["sizes"] == [LIMIT // 3 * 3]


async def test_a_text_may_stand_in_the_query(run: Running) -> None:
    for verb in ("GET", "POST"):
        reply = await run.call(verb, f"{STATUS}?documentId=BBF3E8C3&_uc=1")
        assert (reply.json["texts"], reply.json["sizes"]) == ({"documentId": "BBF3E8C3"}, [])
    reply = await run.call("POST", f"{STATUS}?documentId=BBF3E8C3", b"documentId=2944F1F2")
    assert reply.json["texts"] == {"documentId": "2944F1F2"}
    reply = await run.call("POST", f"{UPLOAD}?document_id=1&pkcs7_b64=MIAG")
    assert (reply.json["texts"], reply.json["sizes"]) == ({"document_id": "1"}, [0])


async def test_a_path_has_a_parameter(run: Running) -> None:
    for verb in ("GET", "POST"):
        path = "/backend/mobile/authenticate/2944%46%31F2/?documentId=1"
        assert (await run.call(verb, path)).json["texts"] == {"documentId": "2944F1F2"}
    await run.server.handler.quiet.wait()
    assert run.metrics.rest_calls.labels(AUTHENTICATE, "1")._value.get() == 2


async def test_the_mobile_paths_have_numbers_of_their_own(run: Running) -> None:
    for path, refused, failed in (
        (ODD, (200, -4), (200, -100)),
        ("/frontend/odd", (200, -10), (500, -500)),
    ):
        reply = await run.call("POST", f"{path}?do=refuse", b"MIAG")
        assert (reply.code, reply.json["status"]) == refused
        reply = await run.call("POST", f"{path}?do=fail", b"MIAG")
        assert (reply.code, reply.json["status"]) == failed

from __future__ import annotations

from contextlib import closing

from tests.support.rest import Echo, Reply, running
from tunnel_gateway.rest.call import Wanted
from tunnel_gateway.rest.description.reading_page import POLICY
from tunnel_gateway.rest.methods.openapi import Description, OpenApi, OpenApiPage


async def served(path: str, verb: str = "GET") -> Reply:
    description = Description([Echo("/backend/auth", Wanted(("PKCS#7",)), "POST")], "1.2.3")
    async with running([OpenApi(description), OpenApiPage(description)]) as run:
        client = await run.connect()
        with closing(client.writer):
            return await client.call(verb, path)


async def test_the_description_has_all_methods() -> None:
    reply = await served("/openapi.json")
    assert reply.code == 200
    assert reply.headers["content-type"] == "application/json; charset=utf-8"
    assert list(reply.json["paths"]) == ["/backend/auth", "/openapi.json", "/openapi"]
    assert reply.json["info"]["version"] == "1.2.3"
    assert "status" not in reply.json


async def test_the_page_is_html_with_its_policy() -> None:
    reply = await served("/openapi/")
    assert reply.code == 200
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert reply.headers["content-security-policy"] == POLICY
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.body.startswith(b"<!doctype html>")
    assert b"/backend/auth" in reply.body


async def test_a_page_is_not_posted_to() -> None:
    reply = await served("/openapi", "POST")
    assert (reply.code, reply.json["reason"]) == (405, "wrong_verb")
    assert "content-security-policy" not in reply.headers

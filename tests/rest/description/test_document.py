from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.rest.test_assembly import PATHS
from tests.support.described import KNOWN, TYPES, schemas_in
from tests.test_rest_api import METHODS
from tunnel_gateway.rest.call import Call, Wanted
from tunnel_gateway.rest.description.document import describe
from tunnel_gateway.rest.description.operations import Operation
from tunnel_gateway.rest.methods.challenge import Challenge
from tunnel_gateway.rest.methods.info import Info
from tunnel_gateway.rest.methods.openapi import Description
from tunnel_gateway.rest.methods.ping import Ping
from tunnel_gateway.rest.statuses import Fields, Reason, http_code, status_of

ALL: Any = (Ping, Info, Challenge, *METHODS)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return Description(ALL, "1.2.3").document()


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, verb, operation)
        for path, verbs in document["paths"].items()
        for verb, operation in verbs.items()
    ]


def test_every_path_is_described_with_its_verbs(document: dict[str, Any]) -> None:
    assert set(document["paths"]) == PATHS
    for method in ALL:
        assert list(document["paths"][method.path]) == [verb.lower() for verb in method.verbs]


def test_a_method_that_is_not_described_makes_no_description() -> None:
    class New:
        path = "/backend/new"
        verbs = ("GET",)
        wanted = Wanted()

        async def answer(self, call: Call) -> Fields:
            raise NotImplementedError

    with pytest.raises(KeyError, match="/backend/new"):
        describe([New()], "1")


def test_it_has_what_openapi_requires(document: dict[str, Any]) -> None:
    assert re.fullmatch(r"3\.1\.\d", document["openapi"])
    assert document["info"]["title"]
    assert document["info"]["version"] == "1.2.3"
    names = [operation["operationId"] for *_, operation in operations(document)]
    assert len(set(names)) == len(names)
    tags = {tag["name"] for tag in document["tags"]}
    for _, verb, operation in operations(document):
        assert set(operation["tags"]) <= tags
        assert verb == "post" or "requestBody" not in operation
        for parameter in operation["parameters"]:
            assert {"name", "in", "schema"} <= set(parameter)
        for code, response in operation["responses"].items():
            assert re.fullmatch(r"[1-5]\d\d", code)
            assert response["description"]
    assert json.loads(json.dumps(document)) == document


def test_every_schema_is_one_that_tools_can_read(document: dict[str, Any]) -> None:
    named = document["components"]["schemas"]
    parts = [document["paths"], [{"schema": schema} for schema in named.values()]]
    used = set()
    for schema in schemas_in(parts):
        assert set(schema) <= KNOWN, schema
        assert {"$ref", "type", "oneOf", "const"} & set(schema), schema
        assert schema.get("type", "string") in TYPES, schema
        assert set(schema.get("required", ())) <= set(schema.get("properties", ())), schema
        re.compile(schema.get("pattern", ""))
        if "$ref" in schema:
            used.add(schema["$ref"].removeprefix("#/components/schemas/"))
    assert used == set(named)


def test_bodies_are_those_of_the_methods(document: dict[str, Any]) -> None:
    for method in ALL:
        body = document["paths"][method.path].get("post", {}).get("requestBody")
        if method.wanted == Wanted():
            assert body is None
        elif method.wanted.form:
            fields = body["content"]["application/x-www-form-urlencoded"]["schema"]["properties"]
            assert list(fields) == [*method.wanted.texts, *method.wanted.parts]
        elif method.wanted.raw:
            assert list(body["content"]) == ["application/json"]
        else:
            schema = body["content"]["text/plain"]["schema"]
            assert re.fullmatch(schema["pattern"], schema["example"])
            assert schema["example"].count("|") == len(method.wanted.parts) - 1
            assert all(part in body["description"] for part in method.wanted.parts)


def test_refusals_have_the_numbers_of_their_reasons(document: dict[str, Any]) -> None:
    said = set()
    for path, _, operation in operations(document):
        for code, response in operation["responses"].items():
            (content,) = response["content"].values()
            for outcome in content["schema"].get("oneOf", (content["schema"],)):
                fields = outcome.get("properties", {})
                if "reason" not in fields:
                    continue
                reasons = [Reason(word) for word in fields["reason"]["enum"]]
                numbers = {int(status_of(reason, path)) for reason in reasons}
                assert set(fields["status"]["enum"]) == numbers
                assert {http_code(number) for number in numbers} == {int(code)}
                said |= set(reasons)
        assert ("404" in operation["responses"]) == ("{" in path)
        assert ("403" in operation["responses"]) == path.startswith("/backend/")
    # What is asked at no path of ours cannot stand at one.
    assert said == set(Reason)


class Uploading:
    path = "/backend/mobile/keep/{documentId}"
    verbs = ("POST", "GET")
    wanted = Wanted(("document",), form=True, texts=("x_real_ip",))

    async def answer(self, call: Call) -> Fields:
        raise NotImplementedError


UPLOADING = Operation(
    "keep", "Keep", "", {}, (Reason.MALFORMED, Reason.NO_DOCUMENT), optional=("x_real_ip",)
)


def test_a_form_and_a_parameter_are_described() -> None:
    path = Uploading.path
    verbs = describe([Uploading()], "1", {path: UPLOADING})["paths"][path]
    body = verbs["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
    assert list(body["properties"]) == ["x_real_ip", "document"]
    assert body["required"] == ["document"]
    for operation in verbs.values():
        parameter, _ = operation["parameters"]
        assert (parameter["name"], parameter["in"], parameter["required"]) == (
            "documentId",
            "path",
            True,
        )
        responses = operation["responses"]
        assert {"400", "404"} <= set(responses)
        assert "500" not in responses
        _, refusal = responses["200"]["content"]["application/json"]["schema"]["oneOf"]
        assert refusal["properties"]["status"] == {
            "type": "integer",
            "enum": [-4, -100],
            "description": (
                "The number of the reason: -4 `malformed`, `no_document`; -100 `internal_error`"
            ),
        }
    assert "requestBody" not in verbs["get"]


def test_reasons_have_the_numbers_of_every_path(document: dict[str, Any]) -> None:
    about = document["components"]["schemas"]["Reason"]["description"]
    for line in (
        "* `malformed` (-10; -4 at `/backend/mobile/`): ",
        "* `internal_error` (-500; -9 at `/frontend/mobile/`; -100 at `/backend/mobile/`): ",
        "* `not_uploaded` (2): ",
        "* `bad_body` (-400): ",
    ):
        assert line in about


def test_the_decisions_are_named(document: dict[str, Any]) -> None:
    text = document["info"]["description"]
    assert "We have decided:" in text
    assert text.count("\n* ") > 8
    assert document["components"]["schemas"]["Reason"]["enum"] == [str(one) for one in Reason]

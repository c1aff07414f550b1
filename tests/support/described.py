"""Answers against the schemas of the OpenAPI description, with the few words that it uses.

Objects are closed here: a field that is not described is a mistake. ``Seen`` remembers which fields
came, so that a test can ask for a described field that never comes.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from datetime import datetime
from typing import Any

TYPES = {
    "string": str,
    "integer": int,
    "boolean": bool,
    "array": list,
    "object": dict,
}
KNOWN = {
    "$ref",
    "additionalProperties",
    "const",
    "contentEncoding",
    "description",
    "enum",
    "example",
    "format",
    "items",
    "maxItems",
    "minItems",
    "oneOf",
    "pattern",
    "properties",
    "required",
    "type",
}
_REF = "#/components/schemas/"


class Described:
    """A document, and the fields of its named schemas that were seen: ``Signer.digest``."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.seen: set[str] = set()

    def answer_schema(self, verb: str, path: str, code: int) -> dict[str, Any]:
        """The schema of an answer; a code that is not described is a KeyError."""
        responses = self.document["paths"][path][verb.lower()]["responses"]
        (content,) = responses[str(code)]["content"].values()
        schema: dict[str, Any] = content["schema"]
        return schema

    def check(self, verb: str, path: str, code: int, answer: Any) -> None:
        """Fail unless an answer is as it is described."""
        schema = self.answer_schema(verb, path, code)
        outcomes = schema.get("oneOf", (schema,))
        all_faults = [list(self.faults(answer, outcome, "")) for outcome in outcomes]
        assert all_faults.count([]) == 1, (path, all_faults)

    def resolved(self, schema: dict[str, Any]) -> tuple[dict[str, Any], str]:
        """The schema behind a reference, and its name."""
        name = schema.get("$ref", "").removeprefix(_REF)
        return (self.document["components"]["schemas"][name] if name else schema), name

    def faults(self, value: Any, schema: dict[str, Any], where: str) -> Iterator[str]:
        """Yield what is wrong with a value."""
        schema, name = self.resolved(schema)
        where = name or where
        if "const" in schema and value != schema["const"]:
            yield f"{where}: {value!r} is not {schema['const']!r}"
        if "enum" in schema and value not in schema["enum"]:
            yield f"{where}: {value!r} is not in {schema['enum']}"
        kind = TYPES.get(schema.get("type", ""), object)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            yield f"{where}: {value!r} is not of type {schema['type']}"
        elif isinstance(value, str):
            yield from _of_text(value, schema, where)
        elif isinstance(value, list):
            for entry in value:
                yield from self.faults(entry, schema.get("items", {}), f"{where}[]")
        elif isinstance(value, dict):
            yield from self._of_object(value, schema, where)

    def _of_object(
        self, value: dict[str, Any], schema: dict[str, Any], where: str
    ) -> Iterator[str]:
        if "properties" not in schema:
            other = schema.get("additionalProperties", {})
            for entry in value.values():
                yield from self.faults(entry, other, where)
            return
        yield from (f"{where}.{name} is missing" for name in set(schema["required"]) - set(value))
        order = [name for name in schema["properties"] if name in value]
        if [name for name in value if name in order] != order:
            yield f"{where}: the order is {list(value)}, and should be {order}"
        for name, entry in value.items():
            if name not in schema["properties"]:
                yield f"{where}.{name} is not described"
                continue
            self.seen.add(f"{where}.{name}")
            yield from self.faults(entry, schema["properties"][name], f"{where}.{name}")


def _of_text(value: str, schema: dict[str, Any], where: str) -> Iterator[str]:
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{where}: {value!r} is not like {schema['pattern']}"
    if schema.get("contentEncoding") == "base64":
        b64decode(value, validate=True)
    if schema.get("format") == "date-time":
        assert datetime.fromisoformat(value).tzinfo is not None, where


def schemas_in(part: Any) -> Iterator[dict[str, Any]]:
    """Every schema in a part of a document."""
    if isinstance(part, list):
        for entry in part:
            yield from schemas_in(entry)
    elif isinstance(part, dict):
        if "schema" in part:
            yield from _nested(part["schema"])
        for name, entry in part.items():
            if name != "schema":
                yield from schemas_in(entry)


def _nested(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield schema
    inner = [*schema.get("properties", {}).values(), *schema.get("oneOf", ())]
    words = ("items", "additionalProperties")
    inner.extend(schema[word] for word in words if isinstance(schema.get(word), dict))
    for one in inner:
        yield from _nested(one)

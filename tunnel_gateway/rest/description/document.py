"""The OpenAPI 3.1 description of the methods that the service has.

Paths, verbs and bodies are those of the methods, and numbers and reasons those of statuses.py. So
the description cannot say of them what is not so. A method that operations.py does not know makes
no description at all, which a test sees.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from tunnel_gateway.rest.call import Method, Wanted
from tunnel_gateway.rest.callers import BACKEND
from tunnel_gateway.rest.description.answer_schemas import SCHEMAS, Schema, record, text
from tunnel_gateway.rest.description.operations import FIELDS, OPERATIONS, Operation
from tunnel_gateway.rest.languages import text_of
from tunnel_gateway.rest.statuses import (
    BACKEND_MOBILE,
    FRONTEND_MOBILE,
    HTTP_OK,
    Reason,
    http_code,
    status_of,
)
from tunnel_gateway.user_language import Language

_ABOUT: Final = """\
Sign-in and signed documents of E-IMZO, in the calls of the vendor's guide.

The body of a call is Base64 and nothing else, whatever its Content-Type. If a method takes two \
parts, a bar (`|`) stands between them. Line ends, blanks, the alphabet of base64url and missing \
`=` are accepted. The methods for phones take a form instead, with Base64 in some of its fields. \
A `+` may be escaped there or not.

Every answer is JSON. HTTP 200 means that the method was called correctly, also if a signature is \
not valid: look at `status`. It is 1 for success. For any other HTTP code it is minus the code. \
`message` is for people, in Uzbek, Russian or English, as `Accept-Language` asks. `reason` is a \
stable word for programs, and it is missing if `status` is 1.

The guide leaves these questions open. We have decided:

* If several things are wrong, the most basic fault gives the answer: the order is that of \
`Reason`. Of several signers, the one with the most basic fault decides.
* Bytes that are Base64 but no message get HTTP 200 and the status -10. Anything else gets HTTP 400.
* A certificate that was revoked after a valid time stamp does not make the signature wrong. \
Without a time stamp it does (-11), because nobody can prove when it was signed.
* A certificate that was revoked before the time of a valid time stamp gives -12.
* If the status of a certificate is not known, the answer is -1 and `certificateVerified` is false.
* -20 has two meanings, as in the guide: `/backend/auth` does not know the challenge, or the \
status of the certificate of a time stamp is not known. `reason` tells which.
* The methods for phones have the numbers of the guide's tables for them. For a reason that the \
tables do not have, the number is that of all methods.
* A signature without a time stamp is accepted, unless the operator requires one.
* Of several time stamps beside one signature, the first that proves its time counts.
* Each time has a twin in UTC, such as `signingTimeUtc` for `signingTime`.
* A field without a value is left out.
* Where GET is taken, HEAD is taken too, except for a sign-in by phone. A slash at the end of a \
path does not count.\
"""

_TAGS: Final = {
    "backend": "Only the application may call these methods: its address must be in backend.from.",
    "frontend": "Users may call these methods through a proxy, and there is a limit on the rate.",
    "service": "About the service itself.",
}

# The reasons for which any call can be refused.
_ALWAYS: Final = frozenset(
    {
        Reason.UNREADABLE_REQUEST,
        Reason.HEAD_TOO_LARGE,
        Reason.WRONG_VERB,
        Reason.TOO_MANY_CALLS,
        Reason.OVERLOADED,
        Reason.STOPPING,
        Reason.INTERNAL_ERROR,
    }
)
_WITH_BODY: Final = frozenset({Reason.BODY_TOO_LARGE, Reason.TOO_SLOW, Reason.BAD_BODY})
_LANGUAGE: Final = {
    "name": "Accept-Language",
    "in": "header",
    "required": False,
    "description": "The language of `message`: uz, ru or en. Without it the language is Uzbek",
    "schema": {"type": "string"},
}
_BASE64: Final = "[A-Za-z0-9+/=_-]+"


def describe(
    methods: Iterable[Method], version: str, operations: Mapping[str, Operation] = OPERATIONS
) -> dict[str, Any]:
    """Return the description. Raises KeyError for a method that ``operations`` do not know."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "tunnel-gateway: REST API", "version": version, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": about} for name, about in _TAGS.items()],
        "paths": {
            method.path: {
                verb.lower(): _operation(method, verb, operations[method.path])
                for verb in method.verbs
            }
            for method in methods
        },
        "components": {"schemas": {**SCHEMAS, "Reason": _reasons()}},
    }


def _operation(method: Method, verb: str, operation: Operation) -> Schema:
    audience = method.path.split("/")[1]
    bodied = verb == "POST" and method.wanted != Wanted()
    first = verb == method.verbs[0]
    return {
        "operationId": operation.name if first else f"{operation.name}{verb.capitalize()}",
        "tags": [audience if audience in _TAGS else "service"],
        "summary": operation.summary,
        **({"description": operation.description} if operation.description else {}),
        "parameters": [*_path_parameters(method.path), *operation.query, _LANGUAGE],
        **({"requestBody": _body(method.wanted, operation)} if bodied else {}),
        "responses": _responses(
            operation, _refusals(method, operation, bodied=bodied), method.path
        ),
    }


def _path_parameters(path: str) -> list[Schema]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": FIELDS[name],
            "description": FIELDS[name]["description"],
        }
        for name in re.findall(r"\{(\w+)\}", path)
    ]


def _body(wanted: Wanted, operation: Operation) -> Schema:
    if wanted.form:
        return _form(wanted, operation)
    if operation.body is not None:
        return {"required": True, "content": {"application/json": {"schema": operation.body}}}
    parts = wanted.parts
    schema = {
        "type": "string",
        "pattern": f"^{r'[|]'.join([_BASE64] * len(parts))}$",
        "example": "|".join(["MIAGCSqGSIb3DQEHAqCAMIAC"] * len(parts)),
    }
    return {
        "required": True,
        "description": f"{', a bar, '.join(parts)}: each in Base64",
        "content": {"text/plain": {"schema": schema}},
    }


def _form(wanted: Wanted, operation: Operation) -> Schema:
    fields = {
        f"{name}?" if name in operation.optional else name: FIELDS[name]
        for name in (*wanted.texts, *wanted.parts)
    }
    schema = record("The fields, in any order. Other fields are skipped", fields)
    return {
        "required": True,
        "description": "a form",
        "content": {"application/x-www-form-urlencoded": {"schema": schema}},
    }


def _refusals(method: Method, operation: Operation, *, bodied: bool) -> list[Reason]:
    """Return what the method can be refused for, in the order of their precedence."""
    possible = {*operation.reasons, *_ALWAYS, *(_WITH_BODY if bodied else ())}
    if method.path.startswith(BACKEND):
        possible.add(Reason.NOT_FROM_HERE)
    if method.wanted.texts:  # which may stand in the query
        possible.add(Reason.BAD_BODY)
    if "{" in method.path:  # and the parameter may be missing, or have another form
        possible |= {Reason.UNKNOWN_PATH, Reason.BAD_BODY}
    return [reason for reason in Reason if reason in possible]


def _responses(operation: Operation, refusals: list[Reason], path: str) -> Schema:
    by_code: dict[int, list[Reason]] = {}
    for reason in refusals:
        by_code.setdefault(http_code(status_of(reason, path)), []).append(reason)
    verdicts = by_code.pop(HTTP_OK, [])
    outcomes = [_success(operation)]
    if verdicts:
        outcomes.append(_refusal(verdicts, operation.refusal, path))
    schema = outcomes[0] if len(outcomes) == 1 else {"oneOf": outcomes}
    right = "The answer" if operation.bare else "The verdict: look at `status`"
    return {
        str(HTTP_OK): {"description": right, "content": {operation.media: {"schema": schema}}},
        **{
            str(code): {
                "description": "; ".join(text_of(reason, Language.ENGLISH) for reason in reasons),
                "content": {"application/json": {"schema": _refusal(reasons, {}, path)}},
            }
            for code, reasons in sorted(by_code.items())
        },
    }


def _success(operation: Operation) -> Schema:
    if operation.media != "application/json":
        return operation.answer
    if operation.bare:
        return record("Success", operation.answer)
    ending = {"status": {"const": 1, "description": "Success"}, "message": text("Empty")}
    return record("Success", operation.answer, ending)


def _refusal(reasons: list[Reason], fields: Schema, path: str) -> Schema:
    words: dict[int, list[str]] = {}
    for reason in reasons:
        words.setdefault(status_of(reason, path), []).append(f"`{reason}`")
    numbers = sorted(words, reverse=True)
    told = "; ".join(f"{number} {', '.join(words[number])}" for number in numbers)
    ending = {
        "status": {
            "type": "integer",
            "enum": numbers,
            "description": f"The number of the reason: {told}",
        },
        "message": text("For people: the fault, in the language that they ask for"),
        "reason": {
            "type": "string",
            "enum": [str(reason) for reason in reasons],
            "description": "For programs: a word of `Reason`",
        },
        "detail?": text("For developers, in English: the part or key that is meant"),
    }
    return record("Refusal", fields, ending)


def _reasons() -> Schema:
    lines = [
        f"* `{reason}` ({_numbers(reason)}): {text_of(reason, Language.ENGLISH)}"
        for reason in Reason
    ]
    about = "Why a call did not succeed, the most basic reason first:\n\n"
    return {
        "type": "string",
        "enum": [str(reason) for reason in Reason],
        "description": about + "\n".join(lines),
    }


def _numbers(reason: Reason) -> str:
    general = status_of(reason)
    others = [
        f"; {status_of(reason, start):d} at `{start}`"
        for start in (FRONTEND_MOBILE, BACKEND_MOBILE)
        if status_of(reason, start) != general
    ]
    return f"{general}{''.join(others)}"

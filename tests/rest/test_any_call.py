"""Any call at all, made by schemathesis from /openapi.json, to a service that really runs.

The answer is one that the description has: never a fault of the program, no other code, no other
field. The environment's EXAMPLES says how many calls of each kind a method gets.
"""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks

from tests.rest.description.test_document import ALL
from tests.support.centre import running_centre
from tests.support.credentials import Credentials
from tests.support.described import Described
from tests.support.loopback import LOOPBACK, TIME_LIMIT
from tests.support.messages import made
from tests.support.rest_daemon import RestDaemon
from tunnel_gateway.rest.call import Wanted

EXAMPLES = int(os.environ.get("EXAMPLES") or 10)
SOME = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
CHECKED = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.allow_header_conformance,
]
# Without a body there is nothing to do otherwise.
MADE = [
    (method.path, verb, mode)
    for method in ALL
    for verb in method.verbs
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    if mode is GenerationMode.POSITIVE or method.wanted != Wanted()
]
WITH_MESSAGES = [method.path for method in ALL if "PKCS#7" in " ".join(method.wanted.parts)]
DOCUMENT = b"Shartnoma"


@dataclass
class Running:
    """A service, its description twice, and messages that it takes."""

    url: str
    schema: Any
    described: Described
    session: requests.Session
    messages: tuple[bytes, ...]

    def check(self, case: Any, **changes: str) -> None:
        """Make a call, and look at its answer."""
        answer = case.call(self.url, self.session, timeout=TIME_LIMIT, **changes)
        assert '"reason":"internal_error"' not in answer.text
        case.validate_response(answer, checks=CHECKED)
        if answer.headers["content-type"] == ["application/json; charset=utf-8"]:
            operation = case.operation
            self.described.check(
                operation.method, operation.path, answer.status_code, answer.json()
            )


@pytest.fixture(scope="module")
def running(
    credentials: Credentials, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("any")
    with running_centre() as centre, requests.Session() as session:
        roots = centre.write_truststore(folder / "roots.pem")
        more = f"tsp.truststore.file={roots}\ntsp.url={centre.services.tsa}\nmobile.siteId=0000\n"
        daemon = RestDaemon(folder, credentials, more)
        url = f"http://{LOOPBACK}:{daemon.port}"
        document = session.get(f"{url}/openapi.json", timeout=TIME_LIMIT).json()
        user, now = centre.issue_user(), datetime.now(UTC)
        yield Running(
            url,
            schemathesis.openapi.from_dict(document),
            Described(document),
            session,
            tuple(
                made(DOCUMENT, user, detached=detached, signing_time=now).der
                for detached in (False, True)
            ),
        )
        assert daemon.stop() == 0
        assert not [line for line in daemon.records() if line["event"] == "call_failed"]


@pytest.mark.parametrize(("path", "verb", "mode"), MADE)
def test_what_the_description_makes(
    running: Running, path: str, verb: str, mode: GenerationMode
) -> None:
    """As it asks for, and otherwise: a body of other characters, parameters that nobody knows."""

    @SOME
    @given(case=running.schema[path][verb].as_strategy(generation_mode=mode))
    def check(case: Any) -> None:
        running.check(case)

    check()


@pytest.mark.parametrize("method", ALL, ids=lambda method: method.path)
def test_other_verbs(running: Running, method: Any) -> None:
    first, *_ = method.verbs
    for verb in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}.difference(method.verbs):
        url = running.url + method.path.replace("{documentId}", "850FF727")
        answer = running.session.request(verb, url, timeout=TIME_LIMIT)
        assert (answer.status_code, answer.headers["Allow"]) == (405, ", ".join(method.verbs))
        running.described.check(first, method.path, 405, answer.json())


@st.composite
def spoilt(draw: st.DrawFn, messages: tuple[bytes, ...]) -> bytes:
    """A message of which some bytes are other ones."""
    message = bytearray(draw(st.sampled_from(messages)))
    for _ in range(draw(st.integers(0, 3))):
        message[draw(st.integers(0, len(message) - 1))] = draw(st.integers(0, 255))
    return bytes(message)


@pytest.mark.parametrize("path", WITH_MESSAGES)
def test_messages_that_are_right_and_spoilt_ones(running: Running, path: str) -> None:
    operation = running.schema[path]["POST"]
    (method,) = (method for method in ALL if method.path == path)

    @SOME
    @given(message=spoilt(running.messages), document=st.sampled_from((DOCUMENT, bytes(32))))
    def check(message: bytes, document: bytes) -> None:
        parts = (message if part.endswith("PKCS#7") else document for part in method.wanted.parts)
        body = b"|".join(map(b64encode, parts)).decode()
        running.check(operation.Case(body=body, media_type="text/plain"))

    check()

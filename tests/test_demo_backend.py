"""The backend of the demonstration's site: sessions, what it passes on, and what it refuses."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs
from xml.etree import ElementTree as ET

import pytest

from tests.support.processes import LOOPBACK, TIME_LIMIT, Program

USER = {"CN": "G‘ANIYEV O‘KTAM", "1.2.860.3.16.1.2": "10000000000001"}
SIGNED_IN = {
    "status": 1,
    "subjectCertificateInfo": {
        "serialNumber": "5a0901eb",
        "subjectName": USER,
        "validFromUtc": "2026-03-01T12:00:00Z",
        "validToUtc": "2028-03-01T12:00:00Z",
    },
}
REFUSED = {"status": -20, "message": "again", "reason": "challenge_unknown"}


class Service(ThreadingHTTPServer):
    """What the backend calls: it answers ``answer``, and keeps what came."""

    def __init__(self) -> None:
        self.answer: dict[str, Any] = {"status": 1}
        self.calls: list[tuple[str, str, bytes, dict[str, str]]] = []
        super().__init__((LOOPBACK, 0), Handler)


class Handler(BaseHTTPRequestHandler):
    server: Service

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.calls.append((self.command, self.path, body, dict(self.headers)))
        answer = json.dumps(self.server.answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST  # noqa: N815

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


@dataclass
class Site:
    """The site's server, called as a page does."""

    port: int
    origin: str = field(init=False)

    def __post_init__(self) -> None:
        self.origin = f"http://{LOOPBACK}:{self.port}"

    def ask(
        self, verb: str, path: str, body: bytes = b"", **headers: str
    ) -> tuple[int, dict[str, Any], str | None]:
        """Return the HTTP code, the answer, and the cookie that came with it."""
        connection = HTTPConnection(LOOPBACK, self.port, timeout=TIME_LIMIT)
        connection.request(verb, path, body, {"Origin": self.origin} | headers)
        with connection.getresponse() as response:
            content = response.read()
            cookie = response.headers["Set-Cookie"]
        connection.close()
        is_json = response.headers["Content-Type"].startswith("application/json")
        return response.status, json.loads(content) if is_json else {}, cookie


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with Service() as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join(TIME_LIMIT)


@pytest.fixture(scope="module")
def site(service: Service) -> Iterator[Site]:
    arguments = ("--port", "0", "--https-port", "0", "--rest-port", str(service.server_port))
    program = Program("the site", "demo/web.py", *arguments)
    yield Site(program.next_output()["http"])
    program.stop()


@pytest.fixture(autouse=True)
def calls(service: Service) -> list[tuple[str, str, bytes, dict[str, str]]]:
    service.calls.clear()
    service.answer = {"status": 1}
    return service.calls


def sign_in(site: Site, **headers: str) -> str:
    """Return the cookie of a new session."""
    code, answer, cookie = site.ask("POST", "/session", b"MIAG", **headers)
    assert (code, answer["status"]) == (200, 1)
    assert cookie is not None
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    return cookie.partition(";")[0]


def who(site: Site, cookie: str) -> Any:
    return site.ask("GET", "/session", Cookie=cookie)[1]["user"]


def test_a_session(site: Site, service: Service) -> None:
    service.answer = SIGNED_IN
    cookie = sign_in(site)
    verb, path, body, headers = service.calls[0]
    assert (verb, path, body) == ("POST", "/backend/auth", b"MIAG")
    assert headers["X-Real-IP"] == LOOPBACK
    assert headers["Host"] == f"{LOOPBACK}:{site.port}"
    user = who(site, cookie)
    assert (user["name"], user["pinfl"], user["inn"]) == (*USER.values(), None)
    assert user["serialNumber"] == "5a0901eb"
    assert who(site, "session=x") is None
    assert who(site, "") is None
    assert site.ask("DELETE", "/session", Cookie=cookie)[:2] == (200, {"status": 1, "user": None})
    assert who(site, cookie) is None


def test_another_sign_in_ends_the_session(site: Site, service: Service) -> None:
    service.answer = SIGNED_IN
    first = sign_in(site)
    second = sign_in(site, Cookie=first)
    assert who(site, first) is None
    assert who(site, second) is not None


def test_a_hundred_sessions(site: Site, service: Service) -> None:
    service.answer = SIGNED_IN
    first, *_, last = [sign_in(site) for _ in range(101)]
    assert who(site, first) is None
    assert who(site, last) is not None


def test_a_refused_sign_in(site: Site, service: Service) -> None:
    service.answer = REFUSED
    assert site.ask("POST", "/session", b"MIAG") == (403, REFUSED, None)


def test_a_document_is_judged_by_the_service(site: Site, service: Service) -> None:
    service.answer = REFUSED | {"reason": "document_changed"}
    code, answer, _ = site.ask("POST", "/document", b"MIAG", **{"Accept-Language": "uz"})
    assert (code, answer) == (200, service.answer)
    _, path, body, headers = service.calls[0]
    assert (path, body) == ("/backend/pkcs7/verify/attached", b"MIAG")
    assert headers["Accept-Language"] == "uz"


def test_what_is_passed_on(site: Site, service: Service) -> None:
    for verb, path in (
        ("GET", "/frontend/challenge"),
        ("POST", "/frontend/timestamp/pkcs7"),
        ("POST", "/frontend/pkcs7/join"),
    ):
        body = b"" if verb == "GET" else b"MIAG|MIAG"
        assert site.ask(verb, path, body)[:2] == (200, {"status": 1})
        assert service.calls[-1][:3] == (verb, path, body)


@pytest.mark.parametrize(
    "path",
    [
        "/backend/auth",
        "/frontend/../backend/auth",
        "/frontend/%2e%2e/backend/auth",
        "/frontend/challenge/../../backend/auth",
        "/frontend/pkcs7/make-attached",
    ],
)
def test_nothing_else_is_passed_on(path: str, site: Site, service: Service) -> None:
    for verb in ("GET", "POST"):
        assert site.ask(verb, path)[0] in {404, 405}
    assert service.calls == []


@pytest.mark.parametrize(
    ("verb", "path"), [("POST", "/session"), ("DELETE", "/session"), ("POST", "/document")]
)
def test_a_page_of_another_site(verb: str, path: str, site: Site, service: Service) -> None:
    for origin in ("http://evil.uz", "null", f"https://{LOOPBACK}:{site.port}"):
        code, answer, cookie = site.ask(verb, path, b"MIAG", Origin=origin)
        assert (code, answer["reason"], cookie) == (403, "other_origin", None)
    assert service.calls == []


def test_a_body_that_is_too_large(site: Site, service: Service) -> None:
    assert site.ask("POST", "/document", b"A" * (4 * 2**20 + 1))[0] == 413
    assert service.calls == []


def test_the_service_is_away() -> None:
    program = Program(
        "the site", "demo/web.py", *("--port", "0", "--https-port", "0"), "--rest-port", "9"
    )
    site = Site(program.next_output()["http"])
    for path in ("/session", "/document"):
        code, answer, _ = site.ask("POST", path, b"MIAG")
        assert (code, answer["reason"]) == (502, "service_away")
    assert who(site, "") is None
    program.stop()


BEGUN = {"status": 1, "siteId": "0000", "documentId": "2944F1F2", "challange": "F8D2181DC6C02EA8"}
CODE = "00002944F1F2735ed03ef3aab35ee4bb80c9e94fa787112befa7ff57fe4b9b73a2710398dd7e0404a2e3"


def begin_by_phone(site: Site, service: Service, path: str) -> str:
    """Return the cookie of the browser that has begun."""
    service.answer = BEGUN
    code, answer, cookie = site.ask("POST", path)
    assert (code, answer) == (200, BEGUN)
    assert cookie is not None
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    return cookie.partition(";")[0]


def test_a_sign_in_by_phone(site: Site, service: Service) -> None:
    phone = begin_by_phone(site, service, "/mobile/auth")
    assert service.calls[-1][:3] == ("POST", "/frontend/mobile/auth", b"")
    service.answer = {"status": 2, "reason": "not_uploaded"}
    code, answer, _ = site.ask("POST", "/mobile/session", Cookie=phone)
    assert (code, answer) == (403, service.answer)
    service.answer = SIGNED_IN
    code, answer, cookie = site.ask("POST", "/mobile/session", Cookie=phone)
    assert (code, answer["user"]["name"]) == (200, USER["CN"])
    assert service.calls[-1][:2] == ("POST", "/backend/mobile/authenticate/2944F1F2")
    assert cookie is not None
    assert who(site, cookie.partition(";")[0]) == answer["user"]
    assert site.ask("POST", "/mobile/session", Cookie=phone)[1]["reason"] == "not_begun"


@pytest.mark.parametrize("path", ["/mobile/session", "/mobile/document"])
def test_only_the_browser_that_began_can_finish(path: str, site: Site, service: Service) -> None:
    """A stranger knows the documentId: it stands in the QR code."""
    sign_in, document = (
        begin_by_phone(site, service, begin) for begin in ("/mobile/auth", "/mobile/sign")
    )
    other = document if path == "/mobile/session" else sign_in
    service.calls.clear()
    service.answer = SIGNED_IN
    for stranger in ("", "mobile-sign-in=2944F1F2", "mobile-document=2944F1F2", other):
        code, answer, cookie = site.ask("POST", path, b"documentId=2944F1F2", Cookie=stranger)
        assert (code, answer["reason"], cookie) == (403, "not_begun", None)
    assert service.calls == []


def test_a_document_by_phone(site: Site, service: Service) -> None:
    phone = begin_by_phone(site, service, "/mobile/sign")
    assert service.calls[-1][:2] == ("POST", "/frontend/mobile/sign")
    service.answer = {"status": 1, "pkcs7Attached": "MIAG"}
    answer = site.ask("POST", "/mobile/document", b"c2Fsb20+/w==", Cookie=phone)
    assert answer == (200, service.answer, None)
    _, path, body, headers = service.calls[-1]
    assert path == "/backend/mobile/verify"
    assert parse_qs(body.decode()) == {"documentId": ["2944F1F2"], "document": ["c2Fsb20+/w=="]}
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_the_status_of_a_documentid(site: Site, service: Service) -> None:
    service.answer = {"status": 2}
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = site.ask("POST", "/frontend/mobile/status", b"documentId=2944F1F2", **form)
    assert answer == (200, {"status": 2}, None)
    _, path, body, headers = service.calls[-1]
    assert (path, body) == ("/frontend/mobile/status", b"documentId=2944F1F2")
    assert headers["Content-Type"] == form["Content-Type"]


@pytest.mark.parametrize("path", ["/mobile/auth", "/mobile/sign"])
def test_the_picture_of_a_code(path: str, site: Site, service: Service) -> None:
    phone = {"Cookie": begin_by_phone(site, service, path)}
    connection = HTTPConnection(LOOPBACK, site.port, timeout=TIME_LIMIT)
    connection.request("GET", f"/mobile/qr/{CODE}", headers=phone)
    with connection.getresponse() as response:
        picture = response.read()
    assert response.headers["Content-Type"] == "image/svg+xml"
    assert response.headers["Cache-Control"] == "no-store"
    root = ET.fromstring(picture)  # noqa: S314 (our own)
    ground, modules = root
    assert ground.get("fill") == "#fff"
    assert modules.get("stroke") == "#000"
    assert b"style" not in picture
    assert b"script" not in picture
    for text in (CODE[1:], f"{CODE}0", "eimzo://sign", "g" * 84, "a" * 84 + "%0A", ""):
        connection.request("GET", f"/mobile/qr/{text}", headers=phone)
        with connection.getresponse() as response:
            assert (response.status, response.read()[:4]) != (200, b"<svg")
            assert response.status == 404
    for code, headers in ((CODE, {}), (CODE.replace("2944F1F2", "2944F1F3"), phone)):
        connection.request("GET", f"/mobile/qr/{code}", headers=headers)
        with connection.getresponse() as response:
            response.read()
            assert response.status == 404
    connection.close()


def test_a_site_without_a_development_phone(site: Site) -> None:
    assert site.ask("POST", "/mobile/phone", CODE.encode())[0] == 405

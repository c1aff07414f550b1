"""The HTTP server of a development authority, asked over the loopback."""

from __future__ import annotations

import socket
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import quote

import pytest

from tests.support.centre import RunningCentre, running_centre
from tests.support.loopback import TIME_LIMIT
from tunnel_gateway.centre import centre_server
from tunnel_gateway.centre.centre_server import MAX_CONNECTIONS, listen
from tunnel_gateway.cms import time_stamp
from tunnel_gateway.errors import CannotListenError
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.responding import MAX_REQUEST_SIZE
from tunnel_gateway.pki.services import HOST
from tunnel_gateway.pki.status.crl import RevocationList
from tunnel_gateway.pki.status.ocsp import make_request, read_answer

NONCE = bytes(range(32))


@pytest.fixture(scope="module")
def running() -> Iterator[RunningCentre]:
    with running_centre() as made:
        yield made


def get(running: RunningCentre, url: str, kind: str) -> bytes:
    answer = running.ask("GET", url.removeprefix(running.services.base))
    assert (answer.status, answer.kind, answer.cached) == (200, kind, "no-store")
    return answer.body


def test_status_by_post(running: RunningCentre) -> None:
    user, centre = running.issue_user().leaf, running.authority.centre.leaf
    answer = running.ask("POST", "/ocsp", make_request(user, centre, NONCE))
    assert (answer.status, answer.kind) == (200, "application/ocsp-response")
    assert read_answer(answer.body, user, centre, datetime.now(UTC), NONCE).revoked is None


@pytest.mark.parametrize("quoted", [True, False])
def test_status_by_get(running: RunningCentre, quoted: bool) -> None:
    centre = running.authority.centre.leaf
    seen = set()
    for number in range(64):
        user = running.issue_user().leaf
        text = b64encode(make_request(user, centre, bytes([number]) * 32)).decode()
        seen |= set("+/") & set(text)
        path = quote(text, safe="") if quoted else text
        url = f"{running.services.ocsp}/{path}"
        data = get(running, url, "application/ocsp-response")
        answer = read_answer(data, user, centre, datetime.now(UTC), bytes([number]) * 32)
        assert answer.serial == user.serial
        if len(seen) == 2:
            return
    pytest.fail("no request with + and /")


@pytest.mark.parametrize("text", ["x", "%00", urlsafe_b64encode(b"\xff\xfe\xff").decode(), "a/b"])
def test_unreadable_requests_by_get(running: RunningCentre, text: str) -> None:
    answer = running.ask("GET", f"/ocsp/{text}")
    assert (answer.status, answer.body) == (200, b"\x30\x03\x0a\x01\x01")  # malformedRequest


def test_lists_and_certificates(running: RunningCentre) -> None:
    user, centre = running.issue_user().leaf, running.authority.centre.leaf
    data = get(running, user.crl_urls[0], "application/pkix-crl")
    RevocationList(data).proven_by(centre)
    data = get(running, centre.crl_urls[0], "application/pkix-crl")
    RevocationList(data).proven_by(running.root)
    url = running.services.certificate_of("centre")
    assert Certificate.from_der(get(running, url, "application/pkix-cert")) == centre


def test_time_stamps(running: RunningCentre) -> None:
    request = time_stamp.make_request(digest(b"signature"), running.root.family, NONCE[:16])
    answer = running.ask("POST", "/tsa", request)
    assert (answer.status, answer.kind) == (200, "application/timestamp-reply")
    assert time_stamp.read_answer(answer.body, digest(b"signature"), NONCE[:16])


def test_the_page_for_people(running: RunningCentre) -> None:
    text = running.ask("GET", "/").body.decode()
    assert "for development and tests" in text
    for url in (running.services.ocsp, running.services.tsa, running.services.list_of("centre")):
        assert url in text


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/nothing", None, 404),
        ("GET", "/crl/other.crl", None, 404),
        ("GET", "/crl/../ca/root.key.pem", None, 404),
        ("GET", "/tsa", None, 405),
        ("PUT", "/ocsp", b"x", 405),
        ("POST", "/ocsp", bytes(MAX_REQUEST_SIZE + 1), 413),
        ("POST", "/tsa", bytes(4 * MAX_REQUEST_SIZE), 413),
        ("GET", f"/ocsp/{'A' * 9000}", None, 400),
    ],
)
def test_what_is_refused(
    running: RunningCentre, method: str, path: str, body: bytes | None, status: int
) -> None:
    assert running.ask(method, path, body).status == status
    assert running.ask("GET", "/").status == 200


@pytest.mark.parametrize("data", [b"\x16\x03\x01\x00\x05hello", b"\r\n\r\n\r\n", b"GET\r\n\r\n"])
def test_garbage(running: RunningCentre, data: bytes) -> None:
    with socket.create_connection((HOST, running.services.port), TIME_LIMIT) as plain:
        plain.sendall(data)
        plain.shutdown(socket.SHUT_WR)
        while plain.recv(4096):
            pass
    assert running.ask("GET", "/").status == 200


def test_a_body_that_does_not_come(running: RunningCentre, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(centre_server, "_BODY_SECONDS", 0.05)
    with socket.create_connection((HOST, running.services.port), TIME_LIMIT) as plain:
        plain.sendall(b"POST /ocsp HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n0")
        assert plain.recv(4096).startswith(b"HTTP/1.1 408 ")


def test_many_connections(running: RunningCentre) -> None:
    """Connections that ask nothing do not keep others out: the oldest are closed."""
    idle = [
        socket.create_connection((HOST, running.services.port), TIME_LIMIT)
        for _ in range(MAX_CONNECTIONS + 5)
    ]
    try:
        # The server may accept all of them at once, so the next connection closes the oldest.
        assert [running.ask("GET", "/").status for _ in range(2)] == [200, 200]
        assert idle[0].recv(1) == b""
    finally:
        for plain in idle:
            plain.close()


def test_a_port_that_is_taken(running: RunningCentre) -> None:
    with pytest.raises(CannotListenError, match=r"in use; `ss -ltnp .*pki init --address"):
        listen(running.services)


def test_it_listens_on_the_loopback_only() -> None:
    with running_centre() as made:
        port = made.services.port
    with socket.socket() as free, pytest.raises(OSError, match="refused"):
        free.connect((HOST, port))  # it has stopped
    listening = listen(made.services)
    assert listening.getsockname() == ("127.0.0.1", port)
    listening.close()

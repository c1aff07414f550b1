"""Two REST daemons behind nginx: what goes where, and sign-ins while one of them dies."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from aiohttp import ClientSession, ClientTimeout, TCPConnector

from tests.support.centre import RunningCentre, running_centre
from tests.support.credentials import Credentials
from tests.support.messages import made
from tests.support.processes import LOOPBACK, TIME_LIMIT
from tests.support.rest_daemon import RestDaemon
from tests.support.rest_pair import RestPair
from tunnel_gateway.pki.files.keyfiles import Identity

AUTH = "/backend/auth"
CHALLENGE = "/frontend/challenge"
ACCEPTED, USED_UP = 1, -20
USERS = 8
STUCK_SECONDS = 0.5
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def centre() -> Iterator[RunningCentre]:
    with running_centre() as running:
        yield running


@pytest.fixture(scope="module")
def pair(
    credentials: Credentials, centre: RunningCentre, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RestPair]:
    running = RestPair(tmp_path_factory.mktemp("p"), credentials, centre)
    yield running
    running.close()


@pytest.fixture(scope="module")
def user(centre: RunningCentre) -> Identity:
    return centre.issue_user()


@dataclass(frozen=True)
class Client:
    """Calls, each on its own connection."""

    session: ClientSession
    user: Identity

    async def call(
        self, verb: str, port: int, path: str, body: bytes = b""
    ) -> tuple[int, dict[str, object]]:
        """Return the HTTP code, and the answer if it is one of the service."""
        url = f"http://{LOOPBACK}:{port}{path}"
        headers = {"Host": "example.uz"}
        async with self.session.request(verb, url, data=body, headers=headers) as reply:
            is_answer = reply.content_type == "application/json"
            return reply.status, await reply.json() if is_answer else {}

    async def message(self, port: int) -> bytes:
        """Return a new challenge of a server, signed."""
        code, answer = await self.call("GET", port, CHALLENGE)
        assert (code, answer["status"]) == (200, ACCEPTED), answer
        content = str(answer["challenge"]).encode()
        return b64encode(made(content, self.user, signing_time=datetime.now(UTC)).der)

    async def sign_in(self, port: int, message: bytes) -> int | None:
        """Return the status of the answer, None without an answer of the service."""
        _, answer = await self.call("POST", port, AUTH, message)
        status = answer.get("status")
        assert status is None or isinstance(status, int)
        return status


@asynccontextmanager
async def client(user: Identity) -> AsyncIterator[Client]:
    limit = ClientTimeout(TIME_LIMIT)
    async with ClientSession(connector=TCPConnector(force_close=True), timeout=limit) as session:
        yield Client(session, user)


def test_users_reach_frontend_and_nothing_else_of_the_service(pair: RestPair) -> None:
    pair.application.asked.clear()
    elsewhere = ("/", "/ping", AUTH, "/frontend/../backend/auth", "//backend/auth", "/frontends")
    for path in elsewhere:
        reply = raw(pair.public, f"POST {path} HTTP/1.1", "Content-Length: 1", body=b"x")
        assert reply.endswith(b"\r\n\r\nsite")
    assert [path for path, _ in pair.application.asked] == list(elsewhere)
    _, headers = pair.application.asked[0]
    told = [headers[name] for name in ("Host", "X-Real-IP", "X-Forwarded-For")]
    assert told == ["example.uz", LOOPBACK, LOOPBACK]
    answers = [raw(pair.public, f"GET {CHALLENGE} HTTP/1.1") for _ in range(4)]
    assert len(set(answers)) == 4
    for answer in answers:
        assert b"\r\nCache-Control: no-store\r\n" in answer
        assert b'"status":1' in answer.replace(b" ", b"")


# What nginx takes for /frontend/, and a careless reader for /backend/auth.
@pytest.mark.parametrize(
    "path",
    [
        "/backend/auth/../../frontend/x",
        "/backend/auth%3f/../../frontend/x",
        "/backend/auth;/../../frontend/x",
        "/frontend/%252e%252e/backend/auth",
        "/frontend/..;/backend/auth",
        "/frontend/..%5cbackend/auth",
    ],
)
def test_no_way_of_writing_a_path_leads_users_to_backend(pair: RestPair, path: str) -> None:
    reply = raw(pair.public, f"POST {path} HTTP/1.1", "Content-Length: 1", body=b"x")
    assert reply.startswith(b"HTTP/1.1 404 ")
    assert b"unknown_path" in reply


def test_the_user_behind_nginx_is_known(pair: RestPair) -> None:
    """Users cannot choose their address, and the application tells it."""
    lie = "X-Real-IP: 203.0.113.9"
    for daemon in pair.daemons:
        daemon.forget()
    raw(pair.public, "GET /frontend/nowhere HTTP/1.1", lie, source="127.0.0.9")
    raw(pair.inner, "GET /backend/nowhere HTTP/1.1", lie)
    first, second = (refused(pair, "127.0.0.9"), refused(pair, "203.0.113.9"))
    assert first["host"] == second["host"] == "example.uz"


def refused(pair: RestPair, address: str) -> dict[str, object]:
    """Return the line of the one call that came from a user at this address."""
    deadline = time.monotonic() + TIME_LIMIT
    while time.monotonic() < deadline:
        lines = [line for daemon in pair.daemons for line in daemon.records()]
        found = [line for line in lines if line.get("client") == address]
        if found:
            (line,) = found
            return line
        time.sleep(0.01)
    raise AssertionError(lines)


@pytest.mark.parametrize("inner", [False, True])
def test_the_largest_document_passes(pair: RestPair, inner: bool) -> None:
    port = pair.inner if inner else pair.public
    for size, code in ((90 * MIB, b"100"), (90 * MIB + 1, b"413")):
        wanted = (f"Content-Length: {size}", "Expect: 100-continue")
        reply = raw(port, "POST /frontend/timestamp/pkcs7 HTTP/1.1", *wanted, once=True)
        assert reply.startswith(b"HTTP/1.1 " + code), reply


def raw(
    port: int, first: str, *lines: str, body: bytes = b"", source: str = "", once: bool = False
) -> bytes:
    """Send a request as it is, and return what comes, or the beginning of it."""
    more = () if once else ("Connection: close",)
    head = "\r\n".join([first, "Host: example.uz", *lines, *more, "", ""])
    address = (source, 0) if source else None
    with socket.create_connection((LOOPBACK, port), TIME_LIMIT, address) as connection:
        connection.sendall(head.encode() + body)
        reply = connection.recv(65536)
        while not once and (data := connection.recv(65536)):
            reply += data
        return reply


async def test_one_of_two_simultaneous_uses_is_accepted(pair: RestPair, user: Identity) -> None:
    one, other = (daemon.port for daemon in pair.daemons)
    async with client(user) as calls:
        for given, port in ((one, other), (other, one)):  # and each knows the user's status now
            assert await calls.sign_in(port, await calls.message(given)) == ACCEPTED
        messages = [await calls.message(port) for port in (one, other) * 4]
        for message in messages:
            uses = (calls.sign_in(port, message) for port in (one, other))
            assert sorted(await asyncio.gather(*uses), key=str) == [USED_UP, ACCEPTED]


@dataclass(frozen=True)
class SignIn:
    """A message, when it was sent, and the status of the answer."""

    message: bytes
    began: float
    status: int | None


class Crowd:
    """Users who sign in again and again until ``leaving``; ``done`` is what happened."""

    def __init__(self, pair: RestPair, calls: Client) -> None:
        self._pair = pair
        self._calls = calls
        self.done: list[SignIn] = []
        self.leaving = False

    async def user(self) -> None:
        while not self.leaving:
            # A challenge is never lost: nginx asks the other server.
            message = await self._calls.message(self._pair.public)
            began = time.monotonic()
            status = await self._calls.sign_in(self._pair.inner, message)
            self.done.append(SignIn(message, began, status))

    async def more(self, count: int) -> None:
        """Wait until so many more have signed in."""
        wanted = len(self.done) + count
        async with asyncio.timeout(TIME_LIMIT):
            while len(self.done) < wanted:  # noqa: ASYNC110 - there is no event for it
                await asyncio.sleep(0.01)

    async def stuck(self) -> None:
        """Wait until nobody has got an answer for some time."""
        async with asyncio.timeout(TIME_LIMIT):
            before = -1
            while len(self.done) > before:
                before = len(self.done)
                await asyncio.sleep(STUCK_SECONDS)


def kill(daemon: RestDaemon) -> float:
    """Kill it, and return the time when it was surely dead."""
    daemon.process.kill()
    daemon.exit_code()
    return time.monotonic()


async def test_a_server_dies_under_load(pair: RestPair, user: Identity) -> None:
    """It is the last test with this pair, because one of its servers is gone."""
    dying, living = pair.daemons
    async with client(user) as calls:
        crowd = Crowd(pair, calls)
        async with asyncio.TaskGroup() as users:
            for _ in range(USERS):
                users.create_task(crowd.user())
            await crowd.more(3 * USERS)
            before = len(crowd.done)
            # It hangs first, so that calls are in flight when it dies.
            dying.signal(signal.SIGSTOP)
            await crowd.stuck()
            dead = await asyncio.to_thread(kill, dying)
            await crowd.more(5 * USERS)
            crowd.leaving = True
        lost = [one for one in crowd.done if one.status is None]
        assert {one.status for one in crowd.done} <= {ACCEPTED, None}
        assert all(one.status == ACCEPTED for one in crowd.done[:before])
        assert all(one.began < dead for one in lost)
        assert len(lost) <= USERS
        # None is accepted twice; one that was lost was accepted once at most.
        for one in crowd.done:
            again = await calls.sign_in(pair.inner, one.message)
            if one.status is None and again == ACCEPTED:
                again = await calls.sign_in(pair.inner, one.message)
            assert again == USED_UP
    verdicts = [line["verdict"] for line in living.records() if line["event"] == "sign_in"]
    assert verdicts.count("valid") >= 5 * USERS

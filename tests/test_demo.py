"""The demonstration's parts: where it cannot be given, the page's server, and the API."""

from __future__ import annotations

import hashlib
import json
import re
import signal
import socket
import ssl
from base64 import b64encode
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from tests.support.page import Page
from tests.support.processes import LOOPBACK, PROJECT, TIME_LIMIT, Program, ReservedPort
from tunnel_gateway.cli.main import main
from tunnel_gateway.pki.services import Services


@pytest.mark.parametrize("name", ["README.md", "README.uz.md"])
def test_the_excerpt_is_of_this_demonstration(name: str) -> None:
    """Its steps have the numbers and titles that they have today."""
    text = (PROJECT / name).read_text(encoding="utf-8")
    excerpt = text.partition("$ make demo\n")[2].partition("```")[0]
    parts = ("run.py", "visit.py", "signing.py", "phone_visit.py")
    source = "".join((PROJECT / "demo" / part).read_text() for part in parts)
    titles = re.findall(r'^            \(f?"(.*)", [A-Za-z_.]+\),$', source, re.MULTILINE)
    shown = re.findall(r"^ *(\d+)\. (.*)$", excerpt, re.MULTILINE)
    assert len(shown) > 5
    for number, title in shown:
        assert titles[int(number) - 1] == title


def test_a_port_that_is_taken() -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        program = Program("the API", "demo/api.py", "--port", str(port))
        assert program.exit_code() == 1
    (line,) = program.errors
    assert str(port) in line
    assert "address already in use" in line
    assert line.endswith("; end what listens there and try again")


@pytest.fixture
def page_server() -> Iterator[tuple[HTTPConnection, HTTPSConnection]]:
    program = Program(
        "the page",
        *("demo/web.py", "--port", "0", "--https-port", "0", "--domain", "example.uz"),
        *("--agent-port", "1234", "--api-key", "example.uz", "AB", "--dst", "api"),
    )
    ports = program.next_output()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    plain = HTTPConnection(LOOPBACK, ports["http"], timeout=TIME_LIMIT)
    secure = HTTPSConnection(LOOPBACK, ports["https"], timeout=TIME_LIMIT, context=context)
    yield plain, secure
    plain.close()
    secure.close()
    program.stop()


def test_the_pages_server(page_server: tuple[HTTPConnection, HTTPSConnection]) -> None:
    for connection in page_server:
        connection.request("GET", "/")
        answer = connection.getresponse()
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert answer.headers["Content-Security-Policy"].startswith(
            "default-src 'self'; connect-src 'self' ws://127.0.0.1:* wss://127.0.0.1:*;"
        )
        assert b"<!doctype html>" in answer.read()
        connection.request("GET", "/settings.json")
        settings = json.load(connection.getresponse())
        assert settings["ws"] == "ws://127.0.0.1:1234"
        assert settings["apiKeys"] == ["example.uz", "AB"]
        assert settings["dst"] == "api"


@pytest.mark.parametrize("path", ["/../run.py", "/%2e%2e/run.py", "//etc/passwd", "/texts", "/x"])
def test_nothing_but_the_page(
    path: str, page_server: tuple[HTTPConnection, HTTPSConnection]
) -> None:
    connection, _ = page_server
    connection.request("GET", path)
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (404, b"not found\n")


def test_the_api_counts_a_file() -> None:
    program = Program("the API", "demo/api.py", "--port", "0")
    address = program.next_output()["address"]
    with connect(f"ws://{address}/", proxy=None, open_timeout=TIME_LIMIT) as page:
        for file in ([b"salom", b"dunyo!"], []):
            content = b"".join(file)
            digest = {"sha256": hashlib.sha256(content).hexdigest()}
            page.send(f"receive {len(content)}")
            assert json.loads(page.recv()) == {"received": 0} | ({} if file else digest)
            received = 0
            for part in file:
                page.send(part)
                received += len(part)
                done = received == len(content)
                assert json.loads(page.recv()) == {"received": received} | (digest if done else {})
        page.send("receive many")
        assert page.recv() == "receive many"
    program.stop()


def test_a_sites_developers_set_up(tmp_path: Path) -> None:
    certificates = tmp_path / "certs"
    reserved = {name: ReservedPort() for name in ("gateway", "rest", "authority")}
    address = Services(reserved["authority"].number).base
    assert main(["pki", "init", str(certificates), "--address", address]) == 0
    program = Program(
        "develop",
        *("demo/develop.py", "--certificates", str(certificates)),
        *("--gateway-port", str(reserved["gateway"].number)),
        *("--rest-port", str(reserved["rest"].number)),
        *("--ws-port", "0", "--wss-port", "0"),
    )
    try:
        program.wait_for(
            lambda: any("Ctrl-C" in line for line in program.output),
            "a summary",
            3 * TIME_LIMIT,
        )
        said = "\n".join(program.output)
        service, rest, key, dst_id = (
            str(re.search(pattern, said)[1])  # type: ignore[index]
            for pattern in (
                r"ws://127\.0\.0\.1:(\d+)/",
                r"REST API +http://127\.0\.0\.1:(\d+)",
                r"localhost ([0-9A-F]{128})",
                r"dst_id +(\d)",
            )
        )
        page = Page(int(service), "http://localhost:3000")
        assert page.call("apikey", "localhost", key)["success"] is True
        keys = page.call("list_all_certificates", plugin="pfx")["certificates"]
        assert {"citizen", "officer"} <= {one["name"] for one in keys}
        key_id = page.load_key()
        answer = page.tunnel(key_id, dst_id)
        with page.enter(answer["address"]) as tunnel:
            tunnel.send("whoami")
            seen = json.loads(tunnel.recv(TIME_LIMIT))
            assert seen["X-EIMZO-Tunnel-Id"] == answer["tunnel_id"]

        challenge = ask_rest(rest, "GET", "/frontend/challenge")["challenge"].encode()
        signed = page.call(
            "create_pkcs7", b64encode(challenge).decode(), key_id, "no", plugin="pkcs7"
        )["pkcs7_64"]
        assert ask_rest(rest, "POST", "/backend/auth", signed)["status"] == 1
        assert ask_rest(rest, "POST", "/frontend/timestamp/pkcs7", signed)["status"] == 1
        site_id = re.search(r"siteId +([0-9A-F]{4}),", said)
        assert site_id is not None
        assert ask_rest(rest, "POST", "/frontend/mobile/auth")["siteId"] == site_id[1]
        phone = re.search(r"tunnel-gateway (mobile phone) CODE (--key \S+) \\\s+(--url \S+)", said)
        assert phone is not None
        assert f"127.0.0.1:{rest}/frontend/mobile/upload" in phone[3]
        program.signal(signal.SIGINT)
        assert program.exit_code() == 0
        assert any("tunnel_closed" in line for line in program.errors)
    finally:
        program.process.kill()
        for one in reserved.values():
            one.close()


def ask_rest(port: str, verb: str, path: str, body: str | None = None) -> dict[str, Any]:
    connection = HTTPConnection(LOOPBACK, int(port), timeout=TIME_LIMIT)
    connection.request(verb, path, body)
    with connection.getresponse() as response:
        answer: dict[str, Any] = json.load(response)
    connection.close()
    return answer

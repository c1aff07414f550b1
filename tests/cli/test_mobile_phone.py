"""``tunnel-gateway mobile phone``: what it posts, and what it says of the answer."""

from __future__ import annotations

import threading
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest

from tests.support.credentials import Credentials
from tunnel_gateway.cli import mobile_phone
from tunnel_gateway.cli.main import main
from tunnel_gateway.cms.judging import document_digest, judge
from tunnel_gateway.cms.signed_data import parse_signed_data
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.phone.code import Code, make_code
from tunnel_gateway.pki.files.truststore import load_trust_anchors
from tunnel_gateway.pki.trust.validation import ChainValidator

CHALLENGE = b"F8D2181DC6C02EA819B88FF3EF49BE0C"
CODE = make_code("0000", "2944F1F2", CHALLENGE)


@dataclass
class Site:
    """A server that notes the uploads, and gives one answer to all."""

    url: str = ""
    answer: bytes = b'{"status":1}'
    http_status: int = 200
    seconds: float = 0.0
    uploads: list[tuple[str, str, str]] = field(default_factory=list)


@contextmanager
def running(site: Site) -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            site.uploads.append((self.path, self.headers["Content-Type"], body))
            time.sleep(site.seconds)
            self.send_response(site.http_status)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(site.answer)))
            self.end_headers()
            with suppress(ConnectionError):  # the phone has had enough
                self.wfile.write(site.answer)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        site.url = f"http://127.0.0.1:{server.server_port}/frontend/mobile/upload"
        try:
            yield site
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def site() -> Iterator[Site]:
    with running(Site()) as site:
        yield site


@pytest.fixture
def key(credentials: Credentials) -> tuple[str, ...]:
    return "--key", str(credentials.citizen.key), "--cert", str(credentials.citizen.chain)


def phone(code: str, url: str, *key: str) -> int:
    return main(["mobile", "phone", code, *key, "--url", url])


@pytest.mark.parametrize("code", [CODE.text, CODE.deeplink])
def test_the_upload(
    code: str,
    site: Site,
    key: tuple[str, ...],
    credentials: Credentials,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert phone(code, site.url, *key) == 0
    assert capsys.readouterr().out == '{"status":1}\n'
    ((path, media_type, body),) = site.uploads
    assert path == "/frontend/mobile/upload"
    assert media_type == "application/x-www-form-urlencoded"
    form = {name: value for name, (value,) in parse_qs(body, strict_parsing=True).items()}
    message = parse_signed_data(b64decode(form.pop("pkcs7_b64"), validate=True))
    assert form == {
        "document_id": "2944F1F2",
        "serial_number": credentials.citizen.identity.leaf.serial_hex,
        "x_real_ip": "127.0.0.1",
    }
    assert message.content is None
    validator = ChainValidator(load_trust_anchors(credentials.truststore, None))
    verdict = judge(message, document_digest(message, CHALLENGE), validator, datetime.now(UTC))
    assert verdict.failed is None


def test_a_code_with_mistakes_is_not_signed(
    site: Site, key: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert phone(CODE.text[:-1] + "g", site.url, *key) == 1
    assert phone(f"EIMZO://sign?qc={CODE.text.upper()}", site.url, *key) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("tunnel-gateway: character 84 is 'g'")
    assert "a deeplink begins with" in second
    assert "the hash has upper-case letters" in second
    assert site.uploads == []


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (
            (200, b'{"status":-2,"reason":"upload_refused"}'),
            "HTTP 200: upload_refused; mobile_upload_refused in the log of the server says why",
        ),
        ((200, b'{"status":-9,"message":"a\\u202eb"}'), "HTTP 200: a\\u202eb"),
        ((200, b'{"status":true}x'), "HTTP 200: the answer has no status 1"),
        ((200, b"[" * 20_000), "HTTP 200: the answer has no status 1"),
        ((404, b'{"status":1,"message":"no mobile.siteId"}'), "HTTP 404: no mobile.siteId"),
        ((302, b"\xff\x1b[2J"), "HTTP 302: the answer has no status 1"),
    ],
)
def test_a_refusal(
    reply: tuple[int, bytes],
    said: str,
    site: Site,
    key: tuple[str, ...],
    capsys: pytest.CaptureFixture[str],
) -> None:
    site.http_status, site.answer = reply
    assert phone(CODE.text, site.url, *key) == 1
    printed = capsys.readouterr()
    assert printed.err == f"tunnel-gateway: refused with {said}\n"
    assert printed.out.removesuffix("\n").isprintable()
    assert len(site.uploads) == 1


def test_an_answer_without_an_end(
    site: Site,
    key: tuple[str, ...],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site.answer = bytes(100_000)
    assert phone(CODE.text, site.url, *key) == 1
    assert "more than 65536 bytes" in capsys.readouterr().err
    monkeypatch.setattr(mobile_phone, "_SECONDS", 0.2)
    site.seconds = 0.5
    assert phone(CODE.text, site.url, *key) == 1
    assert "no whole answer in 0.2 s" in capsys.readouterr().err


def test_nobody_answers(key: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with running(Site()) as site:
        pass
    assert phone(CODE.text, site.url, *key) == 1
    assert f"tunnel-gateway: {site.url}: Cannot connect" in capsys.readouterr().err


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:80/x", "ftp://h/", "http://", "http://[", "http://h:x"]
)
def test_an_address_that_is_not_one(
    url: str, key: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        phone(CODE.text, url, *key)
    assert caught.value.code == 2
    assert "expected http://HOST/PATH" in capsys.readouterr().err


def test_a_key_that_cannot_be_read(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert phone(Code("0000", "00000000", digest(b"")).text, site.url, "--key", "no.pfx") == 1
    assert "no.pfx: No such file" in capsys.readouterr().err
    assert site.uploads == []

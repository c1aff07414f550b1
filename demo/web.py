"""The web server of the demonstration's site: the page, one object of settings, and the backend.

The server reads all files once and answers from memory, so a client can get only the page. The
backend (demo/backend.py) calls the REST service. For ``https`` the server makes a certificate at
the start; a browser trusts it only after the user agrees.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import ssl
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from aiohttp import web
from backend import Backend, own_page_only
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from mobile import MobileBackend
from phone import DevelopmentPhone
from service import MAX_BODY, Service

PAGE = Path(__file__).resolve().parent / "page"
LIBRARY = PAGE.parents[1] / "web"
LOOPBACK = "127.0.0.1"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
HEADERS = {
    # A tunnel's address is ws://127.0.0.1 with a port of its own, the agent's service a fixed one.
    "Content-Security-Policy": (
        "default-src 'self'; connect-src 'self' ws://127.0.0.1:* wss://127.0.0.1:*; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def application(
    settings: dict[str, object], rest: str, phone: DevelopmentPhone | None
) -> web.Application:
    """Return the application: the page with ``settings`` as settings.json, and the backend."""
    found = {
        f"/{path.relative_to(PAGE).as_posix()}": (path.read_bytes(), TYPES[path.suffix])
        for path in PAGE.rglob("*.*")
        if path.suffix in TYPES
    }
    for path in LIBRARY.glob("*.js"):
        found[f"/web/{path.name}"] = (path.read_bytes(), TYPES[path.suffix])
    found["/"] = found["/index.html"]
    found["/favicon.ico"] = found["/star.svg"]  # browsers ask for it without being told to
    found["/settings.json"] = (json.dumps(settings).encode(), "application/json")

    async def answer(request: web.Request) -> web.Response:
        body, kind = found.get(request.path, (b"not found\n", "text/plain; charset=utf-8"))
        status = 200 if request.path in found else 404
        return web.Response(body=body, status=status, headers={"Content-Type": kind})

    async def add_headers(_: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(HEADERS)

    service = Service(rest)
    backend = Backend(service)
    mobile = MobileBackend(service, backend, phone)
    made = web.Application(middlewares=[own_page_only], client_max_size=MAX_BODY)
    made.cleanup_ctx.append(service.run_client)
    made.on_response_prepare.append(add_headers)
    made.add_routes([*backend.routes(), *mobile.routes(), web.get("/{path:.*}", answer)])
    return made


def self_signed(names: list[str]) -> ssl.SSLContext:
    """Return a context with a fresh certificate for ``names``, good for a week."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=7))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in names]), False)
        .sign(key, hashes.SHA256())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with TemporaryDirectory() as folder:
        path = Path(folder, "page.pem")
        path.touch(mode=0o600)
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context.load_cert_chain(path)
    return context


async def serve(made: web.Application, port: int, https_port: int, names: list[str]) -> None:
    """Serve until the process is ended; port 0 takes a free one."""
    runner = web.AppRunner(made, access_log=None)
    await runner.setup()
    plain = web.TCPSite(runner, LOOPBACK, port)
    secure = web.TCPSite(runner, LOOPBACK, https_port, ssl_context=self_signed(names))
    try:
        for site in (plain, secure):
            await site.start()
        http, https = (address[1] for address in runner.addresses)
        print(json.dumps({"http": http, "https": https}), flush=True)
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


def main() -> None:
    """Run the server."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--https-port", type=int, default=8443)
    parser.add_argument(
        "--domain", action="append", default=[], help="of the page; may be repeated"
    )
    parser.add_argument("--agent-port", type=int, default=64646, help="of the agent's service")
    parser.add_argument("--agent-https-port", type=int, default=64443)
    parser.add_argument(
        "--api-key", nargs=2, action="append", default=[], metavar=("DOMAIN", "KEY")
    )
    parser.add_argument("--dst", default="0", help="the dst_id that the page proposes")
    parser.add_argument("--rest-port", type=int, default=8082, help="of the REST service")
    parser.add_argument("--phone-key", type=Path, help="play a phone with this key of a user")
    parser.add_argument("--phone-password-file", type=Path, help="of that key")
    given = parser.parse_args()
    rest = f"http://{LOOPBACK}:{given.rest_port}"
    phone = given.phone_key and DevelopmentPhone(given.phone_key, given.phone_password_file, rest)
    settings: dict[str, object] = {
        "ws": f"ws://{LOOPBACK}:{given.agent_port}",
        "wss": f"wss://{LOOPBACK}:{given.agent_https_port}",
        "apiKeys": [text for pair in given.api_key for text in pair],
        "dst": given.dst,
        **({"phone": phone.command()} if phone else {}),
    }
    made = application(settings, rest, phone)
    asyncio.run(serve(made, given.port, given.https_port, given.domain or ["localhost"]))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
    except OSError as error:
        sys.exit(f"{error.strerror}; end what listens there and try again")

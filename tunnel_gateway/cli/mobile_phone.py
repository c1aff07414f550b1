"""``tunnel-gateway mobile phone``: a phone with an ID card, for development."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp

from tunnel_gateway.cli import DONE, FAILED, Subparsers, loop
from tunnel_gateway.cli.arguments import add_key, identity_in
from tunnel_gateway.cli.command import add_command
from tunnel_gateway.cli.say import say
from tunnel_gateway.daemon.resting import FetchError
from tunnel_gateway.observability.logs import escaped
from tunnel_gateway.phone.mistakes import read_code
from tunnel_gateway.phone.phone import make_upload

_HELP: Final = """\
Be the phone, for development: take a code or deeplink, sign it with a user's key as the phone with
an ID card does, and post the signature to the upload address of your site as the vendor's system
does. The answer of the server is printed: exit 0 if it took the signature, 1 if it refused.

As a phone, this command sees the hash in the code only, never the document. It refuses a code with
mistakes, and names them. It does not look at the siteId: the vendor's system finds the address of
the site by it, and here --url has the address. `mobile code --check CODE --site ID` compares it.

The key is a PFX, as E-IMZO keeps it, or PKCS#8 in PEM. The password comes from --password-file,
from FILE.password beside the key, or from the terminal.

example:
  tunnel-gateway mobile phone 'eimzo://sign?qc=00002944F1F2…' \\
      --key certs/dev/users/citizen/user.pfx --url http://127.0.0.1:8080/frontend/mobile/upload
"""

_SECONDS: Final = 30.0
_MAX_ANSWER: Final = 64 * 1024
_REFUSED: Final = "upload_refused"  # which every wrong upload gets
_ADDRESS: Final = "127.0.0.1"  # of the phone, which is this machine


def add_phone(commands: Subparsers) -> None:
    """Register the command."""
    parser = add_command(
        commands, "phone", "sign a code as the phone does, and post the signature", _HELP, _run
    )
    parser.add_argument("code", metavar="CODE", help="the code of the QR, or the deeplink")
    add_key(parser)
    parser.add_argument(
        "--url",
        required=True,
        type=_url,
        help="where the site takes uploads: http(s)://HOST/frontend/mobile/upload",
    )


def _url(text: str) -> str:
    try:
        url = urlsplit(text)
        usable = url.scheme in {"http", "https"} and url.hostname and url.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise argparse.ArgumentTypeError(f"expected http://HOST/PATH or https://…, got {text!a}")
    return text


def _run(args: argparse.Namespace) -> int:
    code = read_code(args.code)
    form = make_upload(
        code,
        identity_in(args),
        signing_time=datetime.now(UTC),
        entropy=os.urandom,
        address=_ADDRESS,
    )
    http_status, body = loop.run(_post(args.url, form))
    text = body.decode(errors="replace")
    print(escaped(text))
    answer = _json(text)
    if http_status == 200 and answer.get("status") == 1:
        return DONE
    reason = answer.get("reason") or answer.get("message") or "the answer has no status 1"
    if reason == _REFUSED:
        reason = f"{reason}; mobile_upload_refused in the log of the server says why"
    say(sys.stderr, f"tunnel-gateway: refused with HTTP {http_status}: {escaped(str(reason))}")
    return FAILED


def _json(text: str) -> dict[str, Any]:
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


async def _post(url: str, form: Mapping[str, str]) -> tuple[int, bytes]:
    """Return the HTTP status and the body of the answer; raises FetchError."""
    body = bytearray()
    try:
        async with (
            asyncio.timeout(_SECONDS),
            aiohttp.ClientSession(auto_decompress=False) as session,
            session.post(url, data=form, allow_redirects=False) as response,
        ):
            async for piece in response.content.iter_any():
                body += piece
                if len(body) > _MAX_ANSWER:
                    raise FetchError(f"{url}: the answer has more than {_MAX_ANSWER} bytes")
    except TimeoutError:
        raise FetchError(f"{url}: no whole answer in {_SECONDS:g} s") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise FetchError(f"{url}: {str(error) or type(error).__name__}") from None
    return response.status, bytes(body)

"""``tunnel-gateway pki sign-cms``: sign as ``create_pkcs7`` of E-IMZO does, without a browser."""

from __future__ import annotations

import argparse
import os
import sys
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tunnel_gateway.cli import Subparsers
from tunnel_gateway.cli.arguments import add_key, identity_in, moment
from tunnel_gateway.cli.command import add_command
from tunnel_gateway.cms.frame import MAX_DOCUMENT_SIZE
from tunnel_gateway.cms.signing import sign_data
from tunnel_gateway.errors import FileError
from tunnel_gateway.pki.files.keyfiles import read_file

_HELP: Final = """\
Sign a document, or the challenge of a sign-in, with a user's key as create_pkcs7 of E-IMZO does,
and print the PKCS#7 in BASE64. So you can try the REST API without a browser. Without FILE the
document comes from standard input.

A time of signing that is not now shows what a server says of wrong clocks and expired certificates.

examples:
  tunnel-gateway pki sign-cms --key certs/dev/users/citizen/user.pfx contract.pdf > contract.p7
  printf %s "$challenge" | tunnel-gateway pki sign-cms --key certs/dev/users/citizen/user.pfx |
      curl --data-binary @- http://127.0.0.1:8080/backend/auth
"""


def add_sign_cms(commands: Subparsers) -> None:
    """Register the command."""
    parser = add_command(
        commands, "sign-cms", "sign a document (PKCS#7) with a user's key", _HELP, _sign
    )
    parser.add_argument("document", metavar="FILE", nargs="?", type=Path)
    add_key(parser)
    parser.add_argument(
        "--detached", action="store_true", help="leave the document out of the message"
    )
    parser.add_argument(
        "--at", metavar="TIME", type=moment, help="ISO 8601, in UTC unless it says (default: now)"
    )


def _sign(args: argparse.Namespace) -> int:
    identity = identity_in(args)
    signed = sign_data(
        identity.private_key,
        [certificate.der for certificate in identity.chain],
        identity.leaf.family,
        _document(args.document),
        detached=args.detached,
        signing_time=args.at or datetime.now(UTC),
        entropy=os.urandom,
    )
    print(b64encode(signed.der).decode())
    return 0


def _document(path: Path | None) -> bytes:
    if path is not None:
        return read_file(path, limit=MAX_DOCUMENT_SIZE)
    document = sys.stdin.buffer.read(MAX_DOCUMENT_SIZE + 1)
    if len(document) > MAX_DOCUMENT_SIZE:
        raise FileError(f"standard input: more than {MAX_DOCUMENT_SIZE} bytes, which is the limit")
    return document

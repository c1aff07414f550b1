"""``tunnel-gateway pki apikey``: API-KEYs for development."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Final

from tunnel_gateway.agent.api.apikey import make_api_key
from tunnel_gateway.centre.authority_folder import API_KEY_SIGNER, AuthorityFolder
from tunnel_gateway.cli import Subparsers
from tunnel_gateway.cli.arguments import domain, password_in
from tunnel_gateway.cli.command import add_command

_HELP: Final = """\
Print the API-KEY of a domain, signed by the authority that `pki init DIR` made. Pages install it
with apikey(["example.uz", "5F3A…"]). Only agents that know the signer take it, those with the
setting agent.apikey.issuers=DIR/ca/api-keys.pem: keys that every user's E-IMZO takes are the
vendor's to give.

example:
  tunnel-gateway pki apikey certs/dev example.uz
"""


def add_apikey(commands: Subparsers) -> None:
    """Register the command."""
    parser = add_command(
        commands, "apikey", "print an API-KEY for a domain, for development", _HELP, _apikey
    )
    parser.add_argument("directory", metavar="DIR", type=Path)
    parser.add_argument("domain", metavar="DOMAIN", type=_host)
    parser.add_argument(
        "--password-file", type=Path, help="opens the authority's keys, as given to pki init"
    )


def _host(text: str) -> str:
    """A domain, or the address that pages of this machine have."""
    return text if text == "127.0.0.1" else domain(text)


def _apikey(args: argparse.Namespace) -> int:
    folder = AuthorityFolder(args.directory, password_in(args.password_file))
    signer = folder.identity(API_KEY_SIGNER)
    print(make_api_key(signer.private_key, args.domain, os.urandom(32)))
    return 0

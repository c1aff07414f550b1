"""``tunnel-gateway pki serve``: the development authority answers as a centre does."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tunnel_gateway.centre.authority_folder import RESPONDER, TIME_STAMPER, AuthorityFolder
from tunnel_gateway.centre.centre import Centre
from tunnel_gateway.cli import Subparsers, loop
from tunnel_gateway.cli.arguments import password_in
from tunnel_gateway.cli.command import add_command
from tunnel_gateway.cli.say import say
from tunnel_gateway.cli.secrecy import keep_memory_private
from tunnel_gateway.gost import known_answers
from tunnel_gateway.observability.logs import configure_logs
from tunnel_gateway.transport.system.lifecycle import Termination

if TYPE_CHECKING:
    from tunnel_gateway.centre.centre_server import CentreServer

_HELP: Final = """\
For development and tests only: answer on this machine as a certification centre does, with the
authority that `pki init DIR` made. So sign-in, time stamps and revocation work without a network.

  POST /ocsp                      whether a certificate is good, revoked, suspended or unknown
                                  (OCSP, RFC 6960); also GET /ocsp/BASE64
  POST /tsa                       time stamps (RFC 3161)
  GET  /crl/centre.crl, root.crl  the revoked certificates
  GET  /certificates/centre.cer, root.cer

It listens at the address that the certificates name: `pki init --address` chose it. Certificates of
`pki issue` and changes by `pki revoke` count at once. An answer or a list counts for a minute. The
key of a time stamp authority is in DIR, so a time stamp proves nothing to others.

When it listens, one line of JSON says where: {"address": …, "ocsp": …, "tsa": …}. It runs until
SIGTERM or SIGINT.

example:
  tunnel-gateway pki serve certs/dev
"""


def add_serve(commands: Subparsers) -> None:
    """Register the command."""
    parser = add_command(
        commands, "serve", "answer as a centre does, for development", _HELP, _serve
    )
    parser.add_argument("directory", metavar="DIR", type=Path)
    parser.add_argument(
        "--password-file", type=Path, help="opens the authority's keys, as given to pki init"
    )


def _serve(args: argparse.Namespace) -> int:
    keep_memory_private()
    configure_logs()
    known_answers.require()
    folder = AuthorityFolder(args.directory, password_in(args.password_file))
    authority = folder.authority()
    centre = Centre(
        authority,
        responder=folder.identity(RESPONDER),
        time_stamper=folder.identity(TIME_STAMPER),
        register=folder,
        entropy=os.urandom,
    )
    # Imported here, so that the other commands start without the HTTP library.
    from tunnel_gateway.centre.centre_server import CentreServer, listen  # noqa: PLC0415

    listening = listen(centre.services)
    loop.run(_run(CentreServer(centre, listening), centre))
    return 0


async def _run(server: CentreServer, centre: Centre) -> None:
    termination = Termination()
    await server.start()
    services = centre.services
    where = {
        "address": services.base,
        "ocsp": services.ocsp,
        "tsa": services.tsa,
        "crl": [services.list_of(name) for name in centre.issuers],
        "certificates": [services.certificate_of(name) for name in centre.issuers],
    }
    say(sys.stdout, json.dumps(where))
    try:
        await termination.asked()
    finally:
        await server.close()

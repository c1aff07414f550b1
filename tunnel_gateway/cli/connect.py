"""``tunnel-gateway connect``: one tunnel for one connection."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tunnel_gateway.agent.one_tunnel import serve_one_tunnel
from tunnel_gateway.agent.pages.oneshot import DEFAULT_SECONDS
from tunnel_gateway.agent.stp_wishes import stp_client_settings
from tunnel_gateway.cli import Subparsers, loop
from tunnel_gateway.cli.arguments import add_key, domain, identity_in, password_in
from tunnel_gateway.cli.command import add_command
from tunnel_gateway.cli.progress import Progress
from tunnel_gateway.cli.say import say
from tunnel_gateway.config.values import Address
from tunnel_gateway.errors import FileError
from tunnel_gateway.observability.logs import configure_logs, escaped
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.pki.files.truststore import load_trust_anchors
from tunnel_gateway.pki.trust.validation import ChainValidator, check_anchor, check_plain_root
from tunnel_gateway.protocol.client import ClientSettings
from tunnel_gateway.protocol.stp.stp_client import StpClientSettings

_DESCRIPTION = """\
Make one tunnel through a gateway and print one line of JSON:

  {"address": "127.0.0.1:PORT", "tunnel_id": "…"}

Connect one WebSocket client to ws://ADDRESS/; a second connection is refused, and the command
ends with the first. Exit code 0 when the connection ended in order, 1 otherwise.

With --stp the tunnel is one of STP, the protocol of E-IMZO, which shows the user's certificate to
any machine that answers. The dst_id is then a number from 0 to 255, and the truststore has the
issuer of the gateway's certificate itself.

The key is a PFX, as E-IMZO keeps it, or PKCS#8 in PEM; the content of the file tells which. The
password comes from --password-file, from FILE.password beside the key, or from the terminal. It
never comes from the command line, which every user of the machine can read.

example:
  tunnel-gateway connect --gateway 127.0.0.1:8843 --domain example.uz --dst 0 \\
      --key certs/dev/users/citizen/user.pfx --truststore certs/dev/truststore.pem
"""


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(
        subparsers, "connect", "make one tunnel and print its local address", _DESCRIPTION, run
    )
    add = parser.add_argument
    add("--gateway", required=True, type=_address, metavar="HOST:PORT", help="where it listens")
    add("--domain", required=True, type=domain, metavar="D", help="the domain it must prove to be")
    add_key(parser)
    add(
        "--truststore",
        required=True,
        type=Path,
        metavar="FILE",
        help="roots to trust: PEM, PKCS#12 or JKS",
    )
    add("--dst", required=True, metavar="ID", help="the dst_id of the application")
    add(
        "--truststore-password-file",
        type=Path,
        metavar="FILE",
        help="holds the truststore's password, mode 0600; a PEM file needs no password",
    )
    add("--stp", action="store_true", help="speak STP, the protocol of E-IMZO")
    add(
        "--expires",
        type=_seconds,
        default=DEFAULT_SECONDS,
        metavar="SECONDS",
        help="how long the address waits for its connection (default: %(default)g)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve one tunnel; 0 if its connection ended in order."""
    configure_logs("auto", "warning")
    identity = identity_in(arguments)
    settings = _settings(arguments, identity)
    with Progress(f"connecting to {arguments.gateway}") as progress:

        def announce(address: str, tunnel_id: bytes) -> None:
            progress.end()
            _announce(address, tunnel_id)

        end = loop.run(
            serve_one_tunnel(
                arguments.gateway, settings, announce=announce, time_limit=arguments.expires
            )
        )
    if end.error is not None:
        say(sys.stderr, f"tunnel-gateway: {end.reason}: {escaped(str(end.error))}")
        return 1
    return 0


def _settings(
    arguments: argparse.Namespace, identity: Identity
) -> ClientSettings | StpClientSettings:
    """Return the wishes in the protocol that was asked for; there is no way from one to another."""
    password = password_in(arguments.truststore_password_file)
    # The root of E-IMZO's tunnels has no extensions of a CA. For STP alone it may be trusted.
    check = check_plain_root if arguments.stp else check_anchor
    anchors = load_trust_anchors(arguments.truststore, password, check=check)
    validator = ChainValidator(anchors, check=check)
    if not arguments.stp:
        return ClientSettings(arguments.domain, arguments.dst, identity, validator)
    try:
        return stp_client_settings(arguments.domain, arguments.dst, identity, validator)
    except ValueError as error:
        raise FileError(f"--dst {escaped(arguments.dst)}: {error}") from None


def _announce(address: str, tunnel_id: bytes) -> None:
    say(sys.stdout, json.dumps({"address": address, "tunnel_id": tunnel_id.hex()}))


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 1 << 16:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT")
    return Address(host.removeprefix("[").removesuffix("]"), int(port))


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 24 * 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds up to a day")
    return seconds

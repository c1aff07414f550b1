"""``tunnel-gateway close``: end one tunnel."""

from __future__ import annotations

import argparse
import http
import re

from tunnel_gateway.cli import Subparsers
from tunnel_gateway.cli.admin_client import AdminClient, add_gateway_options
from tunnel_gateway.cli.command import add_command
from tunnel_gateway.errors import AdminError

_DESCRIPTION = """\
End one tunnel of a running gateway, now. The user's page gets a close frame that says so, and the
log gets a line tunnel_closed with the reason closed_by_operator.

The user can come back. To prevent that, add a deny rule to the destination. The id is in
`tunnel-gateway status`, in the log, and in the header X-EIMZO-Tunnel-Id. Its first eight digits are
enough if only one tunnel has them. The command needs a Unix socket in tunnel.admin.listen.
"""


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(
        subparsers, "close", "end one tunnel of a running gateway", _DESCRIPTION, run
    )
    parser.add_argument("tunnel_id", type=_tunnel_id, metavar="TUNNEL_ID")
    add_gateway_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Close the tunnel; 0 if there was one."""
    client = AdminClient(arguments)
    client.tell_faults()
    status, answer = client.post(f"/tunnels/{arguments.tunnel_id}/close")
    if status != http.HTTPStatus.OK:
        raise AdminError(f"{arguments.tunnel_id}: {answer.get('error', status)}")
    print(f"closed {answer['closed']}")
    return 0


def _tunnel_id(text: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{8,32}", text):
        raise argparse.ArgumentTypeError(
            "expected the 32 hexadecimal digits of a tunnel id, or the first eight of them or more"
        )
    return text

"""``tunnel-gateway mobile``: the codes that phones sign, and a phone for development."""

from __future__ import annotations

from tunnel_gateway.cli import Subparsers
from tunnel_gateway.cli.mobile_code import add_code
from tunnel_gateway.cli.mobile_phone import add_phone


def add_parser(subparsers: Subparsers) -> None:
    """Register ``mobile`` with its sub-commands; each sets ``run``, which returns the exit code."""
    parser = subparsers.add_parser("mobile", help="ID cards on a phone: codes, QR, a phone to try")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    add_code(commands)
    add_phone(commands)

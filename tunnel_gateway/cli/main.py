"""``tunnel-gateway``: one program, one command for each job."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version
from io import TextIOWrapper

from tunnel_gateway.cli import (
    agent,
    audit,
    check,
    close,
    connect,
    pki,
    selftest,
    serve,
    speed,
    status,
)
from tunnel_gateway.errors import ConfigError, TunnelGatewayError
from tunnel_gateway.observability import journal
from tunnel_gateway.observability.logs import escaped

_LESSON = """\
A gateway for E-IMZO TUNNEL. It stands at the edge of an organisation: users prove who they
are with their national certificates, the gateway proves its domain, and the WebSocket
connection between a page and the organisation's API is carried between them under
GOST 28147-89.

Try it:

  tunnel-gateway pki init certs/dev --domain example.uz   certificates to try with
  tunnel-gateway serve --config config/demo.properties    the gateway
  tunnel-gateway connect --help                           the user's side, once
  tunnel-gateway agent --help                             the user's side, for web pages

Each command explains itself with --help.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 failed, 2 wrong usage."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as stderr does by itself
    parser = argparse.ArgumentParser(
        prog="tunnel-gateway",
        description=_LESSON,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=version("tunnel-gateway"))
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for command in (serve, status, close, check, connect, agent, pki, audit, selftest, speed):
        command.add_parser(commands)
    parsed = parser.parse_args(arguments)
    if "run" not in parsed:
        parser.print_help()
        return 0
    try:
        return int(parsed.run(parsed))
    except ConfigError as error:
        for fault in error.faults:
            _complain(str(fault))
    except (TunnelGatewayError, OSError) as error:
        _complain(str(error))
    except KeyboardInterrupt:
        _complain("interrupted")
    return 1


def _complain(text: str) -> None:
    """Print one line, whatever is in it: an error quotes other people's certificates and files."""
    # sd-daemon(3): the journal takes it for an error, and journalctl -p err shows it.
    level = "<3>" if journal.is_connected(sys.stderr) else ""
    print(f"{level}tunnel-gateway: {escaped(text)}", file=sys.stderr)

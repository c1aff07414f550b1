"""``tunnel-gateway check``: is everything there that the gateway needs?"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import textwrap
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tunnel_gateway.cli import DONE, FAILED, LOOK
from tunnel_gateway.cli.arguments import add_config
from tunnel_gateway.cli.command import add_command
from tunnel_gateway.config.configuration import Configuration
from tunnel_gateway.daemon.checking import ServiceChecks, check
from tunnel_gateway.daemon.findings import Finding, Status
from tunnel_gateway.observability.logs import escaped

if TYPE_CHECKING:
    from tunnel_gateway.cli import Subparsers

_DESCRIPTION = """\
Try everything that serve would use: the configuration, the key and the certificates of each domain,
the truststores, and the destinations (connect, and ask for a WebSocket). Also who may use them, the
sources of time stamps and of the status of certificates, limits and file permissions. The same code
as in serve tries the ports, the admin addresses and the audit file. Nothing is changed, and a
running gateway is not disturbed.

Exit code: 0 all is well; 1 the gateway, a domain or users would get no tunnel; 3 the gateway would
serve, but there is something to look at (2 is wrong usage, as everywhere).
"""
_SIGN: Final[dict[Status, str]] = {"ok": "ok", "warning": "look", "fault": "WRONG"}
_COLOUR: Final[dict[Status, str]] = {"ok": "32", "warning": "33", "fault": "31"}
_SIGN_WIDTH, _AREA_WIDTH = 5, 13
_MIN_WIDTH, _MAX_WIDTH = 60, 120


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(
        subparsers, "check", "try everything that the gateway needs", _DESCRIPTION, run
    )
    add_config(parser.add_argument)
    parser.add_argument("--json", action="store_true", help="print one JSON object for each line")


def run(arguments: argparse.Namespace) -> int:
    """Check and print as it goes; 0, 1 or 3 as the description says."""
    return asyncio.run(_run(arguments.config, as_json=arguments.json))


def findings(config_file: Path) -> AsyncIterator[Finding]:
    """Return a finding for each check of the services that the configuration turns on."""
    return check(config_file, lambda configuration: list(_services(configuration)))


def _services(configuration: Configuration) -> Iterator[ServiceChecks]:
    """Yield the checks of each service; no other service is imported."""
    if "tunnel" in configuration.services:
        from tunnel_gateway.gateway.checks import TUNNEL_CHECKS  # noqa: PLC0415

        yield TUNNEL_CHECKS
    if "rest" in configuration.services:
        from tunnel_gateway.rest.rest_checks import REST_CHECKS  # noqa: PLC0415

        yield REST_CHECKS


async def _run(config_file: Path, *, as_json: bool) -> int:
    seen: set[Status] = set()
    async for finding in findings(config_file):
        seen.add(finding.status)
        print(json.dumps(asdict(finding)) if as_json else _row(finding), flush=True)
    if "fault" in seen:
        return FAILED
    return LOOK if "warning" in seen else DONE


def _row(finding: Finding) -> str:
    width = min(max(shutil.get_terminal_size().columns, _MIN_WIDTH), _MAX_WIDTH)
    sign = f"{_SIGN[finding.status]:<{_SIGN_WIDTH}}"
    if sys.stdout.isatty():
        sign = f"\x1b[{_COLOUR[finding.status]}m{sign}\x1b[0m"
    indent = " " * (_SIGN_WIDTH + 1 + _AREA_WIDTH + 1)
    text = textwrap.wrap(
        escaped(f"{finding.subject}: {finding.text}"),
        width - len(indent),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return f"{sign} {finding.area:<{_AREA_WIDTH}} " + f"\n{indent}".join(text)

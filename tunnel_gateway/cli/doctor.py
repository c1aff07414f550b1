"""``tunnel-gateway doctor``: what a support engineer would ask, asked and answered."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path
from typing import Final

from tunnel_gateway.agent.api.ports import PAIRS
from tunnel_gateway.cli import Subparsers, check
from tunnel_gateway.cli.agent import add_agent_options, state_folder, wanted_ports
from tunnel_gateway.cli.arguments import DEFAULT_CONFIG
from tunnel_gateway.cli.command import add_command
from tunnel_gateway.cli.finding_rows import exit_code, row
from tunnel_gateway.cli.progress import Progress
from tunnel_gateway.daemon.findings import Finding, Status
from tunnel_gateway.doctor.agent_files import usual_settings
from tunnel_gateway.doctor.gateway_side import examine_gateway
from tunnel_gateway.doctor.observation import Observation
from tunnel_gateway.doctor.running_agent import running_agents
from tunnel_gateway.doctor.texts import ALL_WELL, AREAS, LOOKING, SIGNS, SUMMARY
from tunnel_gateway.doctor.user_side import UserSide, examine_user
from tunnel_gateway.errors import FileError
from tunnel_gateway.observability.logs import configure_logs
from tunnel_gateway.user_language import Language, in_language, user_language

_DESCRIPTION: Final = """\
Ask what a support engineer would ask, and say what to do, in Uzbek, Russian or English.

"doctor agent" looks at the user's side: clock, ports and who holds them, settings, password dialog,
trust anchors, gateways, keys and disks, the certificate for https pages, browsers and their trust,
proxies, and the browser's permission. "doctor gateway" looks at the gateway's side: its unit of
systemd, clock, ports, the addresses that it asks, proxies; then everything of "check". Without
either word the command looks at what this machine has.

Nothing is changed, no password is asked, and no key is used. Findings of "check" are in English.

Exit code: 0 all is well; 1 something does not work; 3 somebody should look.

examples:
  tunnel-gateway doctor
  tunnel-gateway doctor agent --settings agent.properties --language uz
  tunnel-gateway doctor gateway --config /etc/tunnel-gateway/config.properties
"""


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(
        subparsers, "doctor", "ask what a support engineer would ask", _DESCRIPTION, run
    )
    add = parser.add_argument
    add(
        "side",
        nargs="?",
        choices=["agent", "gateway"],
        metavar="agent|gateway",
        help="the side to look at",
    )
    add(
        "--config",
        type=Path,
        metavar="FILE",
        help=f"the gateway's configuration (default: {DEFAULT_CONFIG})",
    )
    add_agent_options(parser)
    add(
        "--language",
        choices=[str(language) for language in Language],
        help="default: the language of the desktop",
    )
    add("--json", action="store_true", help="print one JSON object for each line")


def run(arguments: argparse.Namespace) -> int:
    """Look, and print as it goes; 0, 1 or 3 as the description says."""
    configure_logs("auto", "error")
    language = Language(arguments.language or user_language(os.environ))
    return asyncio.run(_run(arguments, language))


async def _run(arguments: argparse.Namespace, language: Language) -> int:
    statuses: Counter[Status] = Counter()
    signs: dict[Status, str] = {
        "ok": in_language(SIGNS["ok"], language),
        "warning": in_language(SIGNS["warning"], language),
        "fault": in_language(SIGNS["fault"], language),
    }
    with Progress(in_language(LOOKING, language)) as progress:
        async for seen in _look(arguments):
            finding = seen.finding(language) if isinstance(seen, Observation) else seen
            area = in_language(AREAS[finding.area], language) if finding.area in AREAS else None
            statuses[finding.status] += 1
            as_json = arguments.json
            progress.print(json.dumps(asdict(finding)) if as_json else row(finding, area, signs))
    code = exit_code(statuses)
    if not arguments.json:
        words = in_language(SUMMARY if code else ALL_WELL, language)
        print(words.format(faults=statuses["fault"], warnings=statuses["warning"]))
    return code


async def _look(arguments: argparse.Namespace) -> AsyncIterator[Observation | Finding]:
    config = arguments.config or DEFAULT_CONFIG
    gateway_is_here = arguments.side is None and (arguments.config or config.exists())
    if arguments.side == "gateway" or gateway_is_here:
        async for seen in examine_gateway(config):
            yield seen
        async for finding in check.findings(config):
            yield finding
    user = None if arguments.side == "gateway" else _user(arguments)
    if user is not None and (not gateway_is_here or _has_agent(user)):
        async for seen in examine_user(user):
            yield seen


def _user(arguments: argparse.Namespace) -> UserSide:
    try:
        home = Path.home()
    except RuntimeError:
        raise FileError("this user has no home folder: set HOME") from None
    wanted = wanted_ports(arguments)
    named = {
        "--settings": arguments.settings,
        "--run-conf": arguments.run_conf,
        "--state": arguments.state,
    }
    # Without a word, the agent is meant that runs here.
    files = named if wanted or any(named.values()) else next(running_agents(), {})
    return UserSide(
        files.get("--settings"),
        files.get("--run-conf"),
        files.get("--state") or state_folder(),
        (wanted,) if wanted else PAIRS,
        os.environ,
        home,
        on_terminal=sys.stdin is not None and sys.stdin.isatty(),
    )


def _has_agent(user: UserSide) -> bool:
    """Tell whether an agent was ever started or set up by this user."""
    named = user.settings or user.run_conf or usual_settings(user.environment, user.home)
    return named is not None or user.state.exists()

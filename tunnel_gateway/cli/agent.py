"""``tunnel-gateway agent``: the service on the user's machine that pages call."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from tunnel_gateway.agent.api.local_certificate import LocalCertificate
from tunnel_gateway.agent.api.ports import PAIRS, Ports
from tunnel_gateway.agent.api.sockets import PATH
from tunnel_gateway.agent.keys.passwords import find_prompter
from tunnel_gateway.agent.program import AgentProgram
from tunnel_gateway.agent.settings import load_settings
from tunnel_gateway.cli import Subparsers, agent_status, agent_trust, loop
from tunnel_gateway.cli.command import add_command
from tunnel_gateway.cli.say import say
from tunnel_gateway.cli.secrecy import keep_memory_private
from tunnel_gateway.errors import FileError
from tunnel_gateway.gost import known_answers
from tunnel_gateway.observability.logs import configure_logs

_DESCRIPTION = """\
Serve web pages as the E-IMZO application does: keys, signatures and tunnels, at

  ws://127.0.0.1:64646/service/cryptapi     for http pages
  wss://127.0.0.1:64443/service/cryptapi    for https pages

These are the ports of E-IMZO. If E-IMZO runs, they are 64647 and 64444. The agent takes the first
pair as well when E-IMZO has gone, and leaves it when E-IMZO starts.

A page must install the API-KEY of its domain first. The agent asks for passwords, never the page:
with pinentry if it is installed, else on this terminal. Without a terminal they come from
--password-file. The settings say where the gateway of a domain is (agent.tunnel.DOMAIN=HOST:PORT);
otherwise E-IMZO's own run.conf does (-tunnel.HEX=IP:PORT). config/agent.properties explains every
key.

When the service listens, one line of JSON says where: {"ws_port": …, "wss_port": …}. If another
program has the first pair, the line also has "first_ports_held_by". The agent runs until
SIGTERM or SIGINT, or until the terminal that it was started on is closed. Without a terminal SIGHUP
does nothing: settings are read at the start.

"agent status" shows who has each port. Exit code 0 if an agent serves this user, 1 otherwise.
"agent trust" prints how to make browsers trust the certificate of the wss address, and changes
nothing.

examples:
  tunnel-gateway agent --settings ~/.config/tunnel-gateway/agent.properties
  tunnel-gateway agent --run-conf /opt/e-imzo/run.conf
  tunnel-gateway agent status
  tunnel-gateway agent trust
"""


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(
        subparsers, "agent", "serve web pages on the user's machine", _DESCRIPTION, run
    )
    add = parser.add_argument
    add(
        "what",
        nargs="?",
        choices=["status", "trust"],
        metavar="status|trust",
        help="show where the agent is; print how to trust it",
    )
    add_agent_options(parser)
    add(
        "--password-file",
        type=Path,
        metavar="FILE",
        help="holds the password of every key, mode 0600: for tests and kiosks",
    )
    parser.set_defaults(takes_hangup=True)


def add_agent_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which agent is meant: its files and its ports."""
    add = parser.add_argument
    add("--settings", type=Path, metavar="FILE", help="the agent's settings")
    add("--run-conf", type=Path, metavar="FILE", help="E-IMZO's run.conf, for its gateways")
    add("--ws-port", type=_port, metavar="PORT", help="only this one; 0 is a free one")
    add("--wss-port", type=_port, metavar="PORT", help="only this one; 0 is a free one")
    add("--state", type=Path, metavar="DIR", help=f"default: {_state()}")


def run(arguments: argparse.Namespace) -> int:
    """Serve until a signal, or print how to trust the certificate; 0 after an orderly end."""
    wanted = wanted_ports(arguments)
    if arguments.what == "status":
        return agent_status.show(wanted)
    certificate = LocalCertificate(arguments.state or state_folder())
    if arguments.what == "trust":
        return agent_trust.show(certificate)
    keep_memory_private()
    configure_logs()
    known_answers.require()
    settings = load_settings(arguments.settings, arguments.run_conf)
    try:
        prompter = find_prompter(arguments.password_file)
    except OSError as error:
        raise FileError(str(error)) from None
    program = AgentProgram(settings, prompter, certificate)
    loop.run(program.serve(wanted, _announce))
    return 0


def wanted_ports(arguments: argparse.Namespace) -> Ports | None:
    """Return the ports that the options name; None without these options."""
    ws, wss = arguments.ws_port, arguments.wss_port
    if ws is None and wss is None:
        return None
    first = PAIRS[0]
    return Ports(first.ws if ws is None else ws, first.wss if wss is None else wss)


def _announce(ports: Ports, holder: str | None) -> None:
    where: dict[str, object] = {"ws_port": ports.ws, "wss_port": ports.wss, "path": PATH}
    if holder is not None:
        where["first_ports_held_by"] = holder
    say(sys.stdout, json.dumps(where))


def _state() -> Path:
    """Return the user's folder for data of programs: by XDG, and on Windows by the system."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    else:
        base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base, "tunnel-gateway")


def state_folder() -> Path:
    """Return the folder of the agent's certificate; raises FileError if the user has no home."""
    try:
        return _state().expanduser()
    except RuntimeError:
        raise FileError(
            "this user has no home folder: set HOME, or say with --state where the agent keeps its"
            " certificate"
        ) from None


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 1 << 16):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port")
    return int(text)

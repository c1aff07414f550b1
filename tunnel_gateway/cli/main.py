"""``tunnel-gateway``: one program, one command for each job."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from io import TextIOWrapper
from typing import Final

from tunnel_gateway.cli import DONE, FAILED
from tunnel_gateway.cli.say import say
from tunnel_gateway.errors import ConfigError, TunnelGatewayError
from tunnel_gateway.observability import journal
from tunnel_gateway.observability.logs import escaped
from tunnel_gateway.os_errors import sentence
from tunnel_gateway.transport.system.lifecycle import let_hangup_through

_LESSON = """\
A gateway for E-IMZO TUNNEL. It stands at the edge of an organisation: users prove who they
are with their national certificates, the gateway proves its domain, and the WebSocket
connection between a page and the organisation's API is carried between them under
GOST 28147-89. The same program serves E-IMZO's REST API: sign-in, time stamps, signed documents.

Try it:

  tunnel-gateway pki init certs/dev --domain example.uz   certificates to try with
  tunnel-gateway serve --config config/demo.properties    the gateway, with the REST API
  tunnel-gateway connect --help                           the user's side, once
  tunnel-gateway agent --help                             the user's side, for web pages

Each command explains itself with --help. Exit codes are the same everywhere: 0 done, 1 a fault,
which standard error names, 2 wrong usage of the command line, 3 it works and somebody should look
(check, doctor, status, audit verify).
"""

# In the order in which --help shows them; each is a module beside this one.
_COMMANDS: Final = (
    "serve",
    "status",
    "close",
    "check",
    "doctor",
    "connect",
    "agent",
    "pki",
    "mobile",
    "audit",
    "selftest",
    "speed",
)

# Shells show this code for programs that SIGPIPE ends; `| head` is not a failure to report.
_NOBODY_READS: Final = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code, one of those in cli/__init__.py.

    141 if the reader of the output has left, as ``head`` does when it has enough.
    """
    try:
        try:
            return _run(arguments)
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()
        return _NOBODY_READS
    except OSError as error:  # the disk that it is written to may be full
        _discard_output()
        _complain(f"cannot write the output: {sentence(error)}")
        return FAILED


def _discard_output() -> None:
    """Let the interpreter's own last write of the output succeed."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _run(arguments: Sequence[str] | None) -> int:
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as stderr does by itself
    parser = argparse.ArgumentParser(
        prog="tunnel-gateway",
        description=_LESSON,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=version("tunnel-gateway"))
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    arguments = sys.argv[1:] if arguments is None else arguments
    # One command loads its own modules only: all of them together take a second.
    named = [command for command in _COMMANDS if command in arguments[:1]]
    for command in named or _COMMANDS:
        import_module(f"tunnel_gateway.cli.{command}").add_parser(commands)
    parsed, unknown = parser.parse_known_args(arguments)
    if unknown:
        # E-IMZO-SERVER takes its file without a name for it.
        is_file = "config" in parsed and not unknown[0].startswith("-")
        hint = "; name the file with --config FILE" if is_file else ""
        parser.error(f"unrecognized arguments: {' '.join(unknown)}{hint}")
    if "run" not in parsed:
        parser.print_help()
        return DONE
    if "takes_hangup" not in parsed:
        let_hangup_through()
    try:
        return int(parsed.run(parsed))
    except ConfigError as error:
        for fault in error.faults:
            _complain(str(fault))
    except TunnelGatewayError as error:
        _complain(str(error))
    except BrokenPipeError:
        raise
    except OSError as error:
        where = "" if error.filename is None else f"{error.filename}: "
        _complain(f"{where}{sentence(error)}")
    except KeyboardInterrupt:
        _complain("interrupted")
    return FAILED


def _complain(text: str) -> None:
    """Print one safe line: an error can quote the certificates and files of other people."""
    # sd-daemon(3): the journal takes it for an error, and journalctl -p err shows it.
    level = "<3>" if journal.is_connected(sys.stderr) else ""
    say(sys.stderr, f"{level}tunnel-gateway: {escaped(text)}")

"""``tunnel-gateway serve``: the daemon."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

from tunnel_gateway.cli import loop
from tunnel_gateway.cli.arguments import add_config
from tunnel_gateway.cli.command import add_command
from tunnel_gateway.cli.say import say
from tunnel_gateway.cli.secrecy import keep_memory_private
from tunnel_gateway.config.configuration import Configuration, load_configuration
from tunnel_gateway.daemon import descriptors
from tunnel_gateway.gost import known_answers
from tunnel_gateway.observability.logs import configure_logs
from tunnel_gateway.transport.system.systemd import Notifier

if TYPE_CHECKING:
    from tunnel_gateway.cli import Subparsers
    from tunnel_gateway.daemon.service import Part

_DESCRIPTION = """\
Run the gateway in the foreground until SIGTERM or SIGINT. SIGHUP makes it read its files again.

The configuration is a config.properties with the keys of the vendor's guide (tunnel.listen.port,
tunnel.servers.dir, tunnel.destination.N.host, …); config/config.properties explains every key.
tunnel.enabled=yes turns the tunnels on, and listen.port the REST service.
At start the known answers of the cryptography are checked, then the whole configuration: every
mistake is reported with its file and line before a port is opened.
"""


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(subparsers, "serve", "run the gateway and the REST API", _DESCRIPTION, run)
    parser.set_defaults(takes_hangup=True)
    add_config(parser.add_argument)


def run(arguments: argparse.Namespace) -> int:
    """Serve until a signal; 0 after an orderly end."""
    keep_memory_private()
    known_answers.require()
    configuration = load_configuration(arguments.config)
    log = configuration.daemon.log
    configure_logs(log.format, log.level, personal=log.personal)
    if not configuration.services:
        say(sys.stderr, "tunnel-gateway: tunnel.enabled=no, and no listen.port: nothing to do")
        Notifier().ready()  # or systemd takes the end for a failure, and starts it again
        return 0
    parts = list(_parts(configuration))
    needed = (part.files.descriptors(configuration) for part in parts)
    descriptors.ask_for(descriptors.total(needed))
    # The thread of the handshakes gives Python's lock back to the tunnels after half a millisecond,
    # not after five.
    sys.setswitchinterval(0.0005)
    # Imported here, so that the other commands start without it.
    from tunnel_gateway.daemon.daemon import Daemon  # noqa: PLC0415

    with closing(Daemon(configuration, parts)) as daemon:
        loop.run(daemon.serve())
    return 0


def _parts(configuration: Configuration) -> Iterator[Part[Any]]:
    """Yield the services that the configuration turns on; no other service is imported."""
    from tunnel_gateway.revocation.ask import Inquiries  # noqa: PLC0415

    inquiries = Inquiries()  # one place asks for all services
    if "tunnel" in configuration.services:
        from tunnel_gateway.gateway.gateway import tunnels  # noqa: PLC0415

        yield tunnels(inquiries)
    if "rest" in configuration.services:
        from tunnel_gateway.rest.rest_service import rest  # noqa: PLC0415

        yield rest(inquiries, beside_tunnels="tunnel" in configuration.services)

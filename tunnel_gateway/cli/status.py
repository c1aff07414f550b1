"""``tunnel-gateway status``: show the work of a running gateway, once or live."""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
from itertools import islice
from typing import Any, Final

from tunnel_gateway.cli import DONE, LOOK, Subparsers
from tunnel_gateway.cli.admin_client import AdminClient, add_gateway_options
from tunnel_gateway.cli.command import add_command
from tunnel_gateway.cli.status_table import lines
from tunnel_gateway.errors import AdminError
from tunnel_gateway.observability.logs import escaped

_DESCRIPTION = """\
Show what a running gateway does: whether it takes tunnels, its domains and the days that their
certificates have left, its destinations, the limits in use, and who has a tunnel, for how long
and how fast. While it stops, the steps of that.

  tunnel-gateway status                    once
  tunnel-gateway status --watch            live, until Ctrl-C
  tunnel-gateway status --json | jq .      for programs; the names are stable

Exit code 0 when the gateway takes new tunnels, 3 when it answers and does not (the reasons are
shown), 1 when nothing answers.
"""

_EVERY_SECONDS: Final = 2.0
# Show the alternate screen without a cursor; at the end, restore both.
_BEGIN: Final = "\x1b[?1049h\x1b[?25l"
_END: Final = "\x1b[?25h\x1b[?1049l"
_HOME, _REST_OF_LINE, _REST_OF_SCREEN = "\x1b[H", "\x1b[K", "\x1b[J"
# If standard output is not a terminal, no line has to be cut.
_NO_WIDTH: Final = 1 << 16


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(
        subparsers, "status", "show what a running gateway does", _DESCRIPTION, run
    )
    add_gateway_options(parser)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--watch", action="store_true", help="show it again every two seconds")
    how.add_argument("--json", action="store_true", help="print what the gateway says, as JSON")
    parser.add_argument("--ids", action="store_true", help="show whole tunnel ids, for `close`")


def run(arguments: argparse.Namespace) -> int:
    """Show the state; 0 if the gateway takes new tunnels."""
    client = AdminClient(arguments)
    if arguments.watch:
        return _watch(client, ids=arguments.ids)
    client.tell_faults()
    state = client.get("/status.json")
    if arguments.json:
        print(_json(state))
    else:
        print("\n".join(lines(state, _width(), ids=arguments.ids)))
    return DONE if state["ready"] else LOOK


def _json(state: dict[str, Any]) -> str:
    """Return readable JSON, with escapes if a character would act on the terminal."""
    text = json.dumps(state, indent=1, ensure_ascii=False)
    return text if text.replace("\n", "").isprintable() else json.dumps(state, indent=1)


def _watch(client: AdminClient, *, ids: bool) -> int:
    """Show the status again and again, also while the gateway stops or does not answer."""
    screen = sys.stdout.isatty()
    # Waited for with a time limit, so that another size of the window shows at once.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGWINCH})
    try:
        if screen:
            print(_BEGIN, end="")
        while True:
            _show(_look(client, ids=ids), screen=screen)
            signal.sigtimedwait({signal.SIGWINCH}, _EVERY_SECONDS)
    except KeyboardInterrupt:
        return 0
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if screen:
            print(_END, end="", flush=True)


def _look(client: AdminClient, *, ids: bool) -> list[str]:
    faults = [f"  ! {escaped(str(fault))}" for fault in client.faults]
    try:
        return [*faults, *lines(client.get("/status.json"), _width(), ids=ids)]
    except AdminError as error:
        return [*faults, str(error)]


def _show(lines: list[str], *, screen: bool) -> None:
    if not screen:
        print("\n".join(lines), flush=True)
        return
    rows = shutil.get_terminal_size().lines
    text = f"{_REST_OF_LINE}\n".join(islice(lines, rows - 1))
    print(f"{_HOME}{text}{_REST_OF_LINE}{_REST_OF_SCREEN}", end="", flush=True)


def _width() -> int:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else _NO_WIDTH

"""Commands registered with their help."""

from __future__ import annotations

import argparse

import pytest

from tunnel_gateway.cli.command import add_command

_HELP = """\
Count the sheep.

  count --help     this
"""


def test_command_has_its_function_and_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser(prog="farm")
    command = add_command(parser.add_subparsers(), "count", "count sheep", _HELP, lambda _: 7)
    command.add_argument("flock")
    arguments = parser.parse_args(["count", "mine"])
    assert arguments.flock == "mine"
    assert arguments.run(arguments) == 7
    with pytest.raises(SystemExit):
        parser.parse_args(["count", "--help"])
    # The lines of the description are as they were written.
    assert _HELP.strip() in capsys.readouterr().out
    with pytest.raises(SystemExit):
        parser.parse_args(["--help"])
    assert "count sheep" in capsys.readouterr().out

"""The program itself: it teaches, and reports errors in one line."""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.support.credentials import Credentials
from tests.support.processes import TIME_LIMIT, Program, command
from tunnel_gateway.cli import selftest
from tunnel_gateway.cli.main import main
from tunnel_gateway.errors import ConfigError, Fault, FileError


def test_without_arguments_it_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert printed.out.startswith("usage: tunnel-gateway")
    assert "A gateway for E-IMZO TUNNEL." in printed.out
    for name in ("serve", "connect", "pki", "selftest"):
        assert f"\n    {name} " in printed.out
    assert "tunnel-gateway pki init certs/dev --domain example.uz" in printed.out
    assert "--help" in printed.out


def test_the_lesson_as_a_process() -> None:
    program = Program("the lesson", *command(), preloaded=False)
    assert program.exit_code() == 0
    assert program.errors == []
    assert program.output[0].startswith("usage: tunnel-gateway")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
@pytest.mark.parametrize("form", ["text", "json"])
def test_an_output_that_cannot_hold_the_letters(
    encoding: str, form: str, credentials: Credentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding, write_through=True))
    more = ["--json"] if form == "json" else []
    assert main(["pki", "show", str(credentials.citizen.chain), *more]) == 0
    shown = written.getvalue().decode(encoding)
    if form == "json":
        assert json.loads(shown)[0]["commonName"] == credentials.citizen.identity.leaf.common_name
    else:
        assert r"G\u2018ANIYEV" in shown


def test_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"{version('tunnel-gateway')}\n"


@pytest.mark.parametrize("arguments", [["srve"], ["connect"], ["--what"]])
def test_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: tunnel-gateway" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["serve", "check"])
def test_a_file_without_its_option_is_told_so(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The vendor's server takes its config.properties so."""
    for argument, hinted in (("config.properties", True), ("--confg=x", False)):
        with pytest.raises(SystemExit) as caught:
            main([command, argument])
        assert caught.value.code == 2
        said = capsys.readouterr().err
        assert f"unrecognized arguments: {argument}" in said
        assert ("; name the file with --config FILE" in said) is hinted


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], int]:
    """Run a command that raises."""

    def run(error: BaseException) -> int:
        def fail(_: argparse.Namespace) -> int:
            raise error

        monkeypatch.setattr(selftest, "run", fail)
        return main(["selftest"])

    return run


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (FileError("key.pem: no such file"), ["key.pem: no such file"]),
        (OSError(98, "cannot listen"), ["cannot listen"]),
        (FileNotFoundError(2, "No such file", "x"), ["x: No such file; check the path"]),
        (FileError("CN=a\u202eb\u2028c\nd\x1b[2J"), ["CN=a\\u202eb\\u2028c\\nd\\x1b[2J"]),
        (KeyboardInterrupt(), ["interrupted"]),
        (
            ConfigError([Fault("bad", "a", 1, "b"), Fault("worse", "c\u202e")]),
            ["a:1: b: bad", "c\\u202e: worse"],
        ),
    ],
)
def test_errors_are_one_line_each(
    error: BaseException,
    said: list[str],
    failing: Callable[[BaseException], int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert failing(error) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines() == [f"tunnel-gateway: {line}" for line in said]


def test_an_error_of_our_own_is_not_hidden(failing: Callable[[BaseException], int]) -> None:
    with pytest.raises(ZeroDivisionError):
        failing(ZeroDivisionError())


PRINTING = [
    ["--help"],
    ["--version"],
    ["serve", "--help"],
    ["selftest"],
    ["pki", "init", "{folder}"],
    ["pki", "show", "{chain}"],
    ["pki", "show", "--json", "{chain}"],
    ["pki", "verify", "--truststore", "{truststore}", "{chain}"],
]


@pytest.mark.parametrize("arguments", PRINTING, ids=" ".join)
@pytest.mark.parametrize("reader", ["has left", "is a full disk"])
def test_nobody_takes_what_is_printed(
    arguments: list[str], reader: str, credentials: Credentials, tmp_path: Path
) -> None:
    places = {
        "folder": tmp_path / "dev",
        "chain": credentials.citizen.chain,
        "truststore": credentials.truststore,
    }
    with ExitStack() as stack:
        if reader == "has left":
            left, output = os.pipe()
            os.close(left)
            stack.callback(os.close, output)
        else:
            output = stack.enter_context(Path("/dev/full").open("wb")).fileno()
        done = subprocess.run(
            [sys.executable, *command(), *(one.format(**places) for one in arguments)],
            stdout=output,
            stderr=subprocess.PIPE,
            env={key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"},
            timeout=TIME_LIMIT,
            check=False,
        )
    if reader == "has left":
        assert (done.returncode, done.stderr) == (141, b"")
    else:
        (line,) = done.stderr.decode().splitlines()
        assert done.returncode == 1
        assert line.startswith("tunnel-gateway: ")
        assert line.endswith("No space left on device; make room on the disk")

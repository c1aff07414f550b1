"""What tests of commands share."""

from __future__ import annotations

import argparse
from collections.abc import Callable

import pytest

from tunnel_gateway.cli import pki
from tunnel_gateway.pki.files import pbe, pkcs8

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run ``pki`` with arguments; returns the exit code and what was printed."""

    def call(*arguments: object) -> tuple[int, str, str]:
        parser = argparse.ArgumentParser(prog="tunnel-gateway")
        pki.add_parser(parser.add_subparsers(required=True))
        args = parser.parse_args(["pki", *map(str, arguments)])
        code = args.run(args)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return call


@pytest.fixture
def few_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the keys of a test cost little to encrypt and to open.

    That files are written with the full number is tested in tests/pki/files and by
    test_pki_init.py::test_encrypted_keys.
    """
    monkeypatch.setattr(pbe, "ROUNDS", 1000)
    monkeypatch.setattr(pkcs8.encrypt, "__defaults__", (1000,))


def wrong_usage(run: Run, capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Return what is complained of where the arguments of ``run`` cannot be meant."""
    with pytest.raises(SystemExit) as caught:
        run(*arguments)
    assert caught.value.code == 2
    return capsys.readouterr().err

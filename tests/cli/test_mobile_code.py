"""``tunnel-gateway mobile code``: a code made and checked, and its QR read by zbar."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.processes import TIME_LIMIT, command
from tests.support.zbar import draw_terminal, read_qr
from tunnel_gateway.cli.main import main
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.phone.code import DEEPLINK, Code, make_code

CHALLENGE = "F8D2181DC6C02EA819B88FF3EF49BE0C"
CODE = make_code("0000", "2944F1F2", CHALLENGE.encode())
NEW = "--site", "0000", "--document", "2944F1F2"


def code(*arguments: str | Path) -> int:
    return main(["mobile", "code", *map(str, arguments)])


def test_a_code_for_a_challenge(capsys: pytest.CaptureFixture[str]) -> None:
    assert code(*NEW, "--challenge", CHALLENGE) == 0
    assert capsys.readouterr().out == f"code      {CODE.text}\ndeeplink  {CODE.deeplink}\n"


def test_a_code_for_a_document_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = tmp_path / "d"
    document.write_bytes(bytes(range(256)))
    assert code(*NEW, "--file", document, "--json") == 0
    made = make_code("0000", "2944F1F2", bytes(range(256)))
    assert json.loads(capsys.readouterr().out) == {"code": made.text, "deeplink": made.deeplink}


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        NEW,
        ("--site", "0000", "--challenge", "x"),
        (*NEW, "--challenge", "x", "--file", "x"),
        (*NEW, "--challenge", "x", "--qr", "x.pdf"),
        ("--check", CODE.text, "--qr", "x.svg"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        code(*arguments)
    assert caught.value.code == 2
    assert "usage: tunnel-gateway mobile code" in capsys.readouterr().err


def test_identifiers_that_are_not_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert code("--site", "zz", "--document", "2944F1F2", "--challenge", "x") == 1
    assert "a siteId has 4 hexadecimal digits" in capsys.readouterr().err


def test_a_right_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert code("--check", CODE.deeplink, "--challenge", CHALLENGE) == 0
    assert capsys.readouterr().out == "right\n"
    assert code("--check", CODE.text) == 0
    assert "to have the hash compared" in capsys.readouterr().out


def test_a_wrong_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "d").write_bytes(CHALLENGE.encode())
    text = Code("0000", "2944F1F2", digest(CHALLENGE.lower().encode())).text
    assert code("--check", text, "--file", tmp_path / "d", "--site", "1111") == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    site, hashed = printed.err.splitlines()
    assert site == "wrong (site): the siteId is 0000 and not 1111"
    assert hashed.startswith("wrong (letter_case): the hash is over the text in other letters")
    assert code("--check", text, "--challenge", CHALLENGE, "--json") == 1
    answer = json.loads(capsys.readouterr().out)
    assert [mistake["name"] for mistake in answer.pop("mistakes")] == ["letter_case"]
    assert answer == {"right": False, "hashCompared": True}


@given(st.text(max_size=300) | st.text(max_size=200).map(lambda text: DEEPLINK + text))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_hostile_codes(capsys: pytest.CaptureFixture[str], text: str) -> None:
    assert code(f"--check={text}", "--challenge", "x") == 1
    for line in capsys.readouterr().err.splitlines():
        assert line.startswith("wrong (")
        assert line.isprintable()


@pytest.mark.parametrize("hostile", ["a", "\0", "\x1b[2J", "é" * 3, "eimzo:"])
def test_a_megabyte(hostile: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert code(f"--check={hostile * (1_000_000 // len(hostile))}") == 1
    assert len(capsys.readouterr().err) < 1000


def on_terminal(*arguments: str, encoding: str = "utf-8") -> str:
    """Return what the command writes to a terminal of its own."""
    reader, writer = pty.openpty()
    try:
        program = subprocess.Popen(
            [sys.executable, *command(), "mobile", "code", *arguments],
            stdout=writer,
            env={**os.environ, "PYTHONIOENCODING": encoding},
        )
        os.close(writer)
        written = bytearray()
        while True:
            try:
                piece = os.read(reader, 65536)
            except OSError:  # the other end is closed
                break
            written += piece
        assert program.wait(TIME_LIMIT) == 0
        return written.decode(encoding)
    finally:
        os.close(reader)


def test_the_qr_of_a_terminal_is_readable(tmp_path: Path) -> None:
    shown = on_terminal(*NEW, "--challenge", CHALLENGE)
    first, _, qr = shown.replace("\r\n", "\n").partition(f"deeplink  {CODE.deeplink}\n")
    assert first == f"code      {CODE.text}\n"
    draw_terminal(qr, tmp_path / "qr.pgm")
    assert read_qr(tmp_path / "qr.pgm") == CODE.text


def test_a_terminal_without_the_blocks() -> None:
    shown = on_terminal(*NEW, "--challenge", CHALLENGE, encoding="ascii")
    assert shown.endswith("write it to a file with --qr FILE.svg\r\n")


def test_the_qr_in_a_picture(tmp_path: Path) -> None:
    assert code(*NEW, "--challenge", CHALLENGE, "--qr", tmp_path / "qr.png") == 0
    assert read_qr(tmp_path / "qr.png") == CODE.text
    assert code(*NEW, "--challenge", CHALLENGE, "--qr", tmp_path / "qr.svg") == 0
    assert (tmp_path / "qr.svg").read_text(encoding="utf-8").startswith("<?xml")


def test_a_picture_that_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code(*NEW, "--challenge", CHALLENGE, "--qr", tmp_path / "no" / "qr.png") == 1
    assert "No such file" in capsys.readouterr().err

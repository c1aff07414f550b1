"""Programs of the system: missing, failing, silent."""

from __future__ import annotations

import shutil

import pytest

from tests.support.programs import Programs
from tunnel_gateway.doctor import commands
from tunnel_gateway.doctor.commands import CommandError, output_of


def test_what_it_prints(programs: Programs) -> None:
    programs.add("says", 'echo "$LC_ALL $1"; printf "\\377"')
    assert output_of("says", "it").startswith("C.UTF-8 it\n")


def test_a_missing_program(programs: Programs) -> None:
    with pytest.raises(CommandError, match="says is not installed"):
        output_of("says")


@pytest.mark.parametrize(
    ("script", "text"),
    [
        ("echo no such thing >&2; exit 3", "ended with 3: no such thing"),
        ("exit 1", "ended with 1: no reason"),
    ],
)
def test_a_failure(programs: Programs, script: str, text: str) -> None:
    programs.add("says", script)
    with pytest.raises(CommandError, match=text):
        output_of("says")


def test_a_program_that_hangs(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    programs.add("says", "exec /bin/sleep 60")
    monkeypatch.setattr(commands, "_SECONDS", 0.1)
    with pytest.raises(CommandError, match=r"does not answer within 0\.1 s"):
        output_of("says")


def test_a_file_that_is_no_program(programs: Programs) -> None:
    programs.add("says", "")
    path = shutil.which("says")
    assert path is not None
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(b"\x7fELF")
    with pytest.raises(CommandError, match="Exec format error"):
        output_of("says")

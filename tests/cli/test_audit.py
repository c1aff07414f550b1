"""``tunnel-gateway audit verify``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunnel_gateway.cli.main import main
from tunnel_gateway.daemon.audit.audit_file import AuditFile


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Three files of one chain, three records each."""
    paths = [tmp_path / f"audit.{number}" for number in range(3)]
    before: AuditFile | None = None
    for path in paths:
        file = AuditFile(path)
        if before is not None:
            file.follow(before.head)
            before.close()
        file.append([{"event": f"O‘KTAM {n}"} for n in range(3)])
        before = file
    assert before is not None
    before.close()
    return paths


def verify(*arguments: object) -> int:
    return main(["audit", "verify", *map(str, arguments)])


def head_of(capsys: pytest.CaptureFixture[str]) -> str:
    *_, last = capsys.readouterr().out.splitlines()
    assert last.startswith("head: ")
    return last.removeprefix("head: ")


def test_files_in_order(files: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(*files) == 0
    assert "records: 9, all in their places" in capsys.readouterr().out
    assert verify(*files[1:]) == 0
    assert head_of(capsys).startswith("9:")


def test_the_first_bad_line_is_told(files: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    files[1].write_bytes(files[1].read_bytes().replace(b" 1", b" 7"))
    assert verify(*files) == 1
    said = capsys.readouterr().err
    assert f"{files[1]}: line 3: record 6 does not follow" in said
    lines = files[2].read_bytes().splitlines(keepends=True)
    files[2].write_bytes(lines[0] + lines[2])
    assert verify(files[2]) == 1
    assert f"{files[2]}: line 2: record 9 stands where 8 should be" in capsys.readouterr().err


def test_a_file_that_is_missing_between(
    files: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(files[0], files[2]) == 1
    assert f"{files[2]}: line 1: record 7 stands where 4 should be" in capsys.readouterr().err
    assert verify(files[1], files[0]) == 3  # record 1 may begin a chain
    assert f"{files[0]}: begins a new chain" in capsys.readouterr().out


def test_a_cut_end_shows_against_a_known_head(
    files: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(files[0]) == 0
    head = head_of(capsys)
    assert verify("--head", head, *files) == 0
    lines = files[0].read_bytes().splitlines(keepends=True)
    files[0].write_bytes(b"".join(lines[:2]))
    assert verify(files[0]) == 0
    assert head_of(capsys).startswith("2:")
    assert verify("--head", head, files[0]) == 1
    assert "record 3 with this hash is not there" in capsys.readouterr().err


def test_half_a_line(files: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    with files[2].open("ab") as file:
        file.write(b'{"number": 10, "prev')
    assert verify(*files) == 3
    assert f"{files[2]}: ends with half a line of 20 bytes" in capsys.readouterr().out
    again = AuditFile(files[2])
    again.append([{"event": "start"}])
    again.close()
    assert verify(*files) == 0
    assert "half lines that a crash left, each told of by the record after it: 1" in (
        capsys.readouterr().out
    )


def test_what_is_no_audit_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one\ntwo\n")
    assert verify(path) == 1
    assert f"{path}: line 1: not a record" in capsys.readouterr().err
    path.write_bytes(b"x" * 3_000_000)
    assert verify(path) == 1
    assert "line 1: too long" in capsys.readouterr().err
    path.write_bytes(b"")
    assert verify(path) == 3
    assert "no record" in capsys.readouterr().out
    assert verify(tmp_path / "nowhere") == 1
    assert "No such file" in capsys.readouterr().err


@pytest.mark.parametrize("head", ["1", "x:00", ":"])
def test_a_head_that_is_none(head: str, files: list[Path]) -> None:
    with pytest.raises(SystemExit) as caught:
        verify("--head", head, *files)
    assert caught.value.code == 2

"""The audit file on disk: opened once, never followed elsewhere, whole after a full disk."""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tunnel_gateway.daemon.audit.audit_file import AuditFile, audit_path
from tunnel_gateway.daemon.audit.chain import START, ChainReader
from tunnel_gateway.errors import FileError

RECORDS = [{"event": "one"}, {"event": "two"}]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


def written(path: Path) -> ChainReader:
    """Read the whole file, which must be in order."""
    reader = ChainReader()
    reader.begin_file()
    data = path.read_bytes()
    assert data.endswith(b"\n")
    for line in data.split(b"\n")[:-1]:
        reader.read(line)
    reader.end_file()
    return reader


def refusal(path: Path) -> str:
    with pytest.raises(FileError) as caught:
        AuditFile(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_a_new_file_is_its_owners_alone(path: Path) -> None:
    before = os.umask(0)
    try:
        file = AuditFile(path)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    assert file.is_new
    file.append(RECORDS)
    file.sync()
    assert written(path).head == file.head
    file.close()
    again = AuditFile(path)
    assert not again.is_new
    again.close()


def test_the_chain_goes_on_over_restarts(path: Path) -> None:
    for count in (2, 4, 6):
        file = AuditFile(path)
        file.append(RECORDS)
        assert file.head.number == count
        file.close()
    reader = written(path)
    assert (reader.records, reader.torn) == (6, 0)


def test_a_long_file_is_gone_on_with(path: Path) -> None:
    file = AuditFile(path)
    for _ in range(40):
        file.append([{"text": "x" * 2000}] * 50)
    head = file.head
    file.close()
    assert path.stat().st_size > 3 * 2**20
    again = AuditFile(path)
    assert again.head == head
    again.close()


@pytest.mark.parametrize("first", [0, 3])
def test_half_a_line_is_noted_and_kept(path: Path, first: int) -> None:
    file = AuditFile(path)
    file.append([{"event": "x"}] * (first + 1))
    file.close()
    whole = path.read_bytes()
    half = b"".join(whole.splitlines(keepends=True)[:first]) + whole.splitlines()[first][:-3]
    path.write_bytes(half)
    again = AuditFile(path)
    assert again.head.number == first
    assert not again.is_new
    again.append(RECORDS)
    again.append(RECORDS)
    again.close()
    assert path.read_bytes().startswith(half + b"\n")
    reader = written(path)
    assert (reader.records, reader.torn) == (first + 4, 1)


def test_two_do_not_share_a_file(path: Path) -> None:
    file = AuditFile(path)
    assert "another process writes it" in refusal(path)
    file.close()
    AuditFile(path).close()


def test_what_is_no_file_of_ours(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.touch()
    path.symlink_to(target)
    assert "symbolic link" in refusal(path)
    path.unlink()
    os.mkfifo(path, 0o600)
    assert "not a regular file" in refusal(path)
    path.unlink()
    path.touch()
    for mode in (0o660, 0o604, 0o602):
        path.chmod(mode)
        assert "chmod 640" in refusal(path)
    path.chmod(0o640)
    for text in ("listen.port=1\n", "no line end", '{"number": 1}\n', "\n"):
        path.write_text(text)
        assert "audit file" in refusal(path)
        assert path.read_text() == text
    path.unlink()
    path.mkdir()
    refusal(path)
    assert "No such file" in refusal(tmp_path / "nowhere" / "audit.jsonl")


def test_a_file_that_was_changed_is_not_gone_on_with(path: Path) -> None:
    file = AuditFile(path)
    file.append([{"event": f"number {n}"} for n in range(5)])
    file.close()
    path.write_bytes(path.read_bytes().replace(b"number 2", b"number 7"))
    assert "line 4: record 4 does not follow" in refusal(path)


def test_a_rename_and_a_removal_are_noticed(path: Path) -> None:
    file = AuditFile(path)
    assert not file.moved()
    path.rename(path.with_suffix(".1"))
    assert file.moved()
    assert not file.removed()
    path.with_suffix(".1").unlink()
    assert file.removed()
    file.close()


@contextmanager
def size_limit(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond ``size``: a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("room", [0, 1, 100, 250])
def test_a_full_disk_leaves_no_half_record(path: Path, room: int) -> None:
    file = AuditFile(path)
    file.append(RECORDS)
    whole, head = path.read_bytes(), file.head
    with size_limit(len(whole) + room), pytest.raises(OSError, match=os.strerror(errno.EFBIG)):
        file.append([{"event": "x" * 100}] * 3)
    assert path.read_bytes() == whole
    assert file.head == head
    file.append(RECORDS)
    file.close()
    assert written(path).records == 4


def test_a_new_file_follows_another(path: Path) -> None:
    first = AuditFile(path)
    first.append(RECORDS)
    second = AuditFile(path.with_suffix(".2"))
    second.follow(first.head)
    second.append(RECORDS)
    assert second.head.number == 4
    assert first.head.hash.hex() in second.path.read_text()
    assert START.hash.hex() not in second.path.read_text()
    first.close()
    second.close()


def test_instances_have_files_of_their_own() -> None:
    path = Path("/var/log/tunnel-gateway/audit-{instance}.jsonl")
    named = audit_path(path, {"TUNNEL_GATEWAY_INSTANCE": "2"})
    assert named == Path("/var/log/tunnel-gateway/audit-2.jsonl")
    assert audit_path(Path("/audit"), {}) == Path("/audit")
    alone = Path("/var/log/tunnel-gateway/audit-.jsonl")
    assert audit_path(path, {}) == audit_path(path, {"TUNNEL_GATEWAY_INSTANCE": ""}) == alone
    for name in ("a/b", "..", ".x", "a" * 65, "a\n"):
        with pytest.raises(FileError, match="TUNNEL_GATEWAY_INSTANCE"):
            audit_path(path, {"TUNNEL_GATEWAY_INSTANCE": name})

"""The writer's thread: records in order and in time, and a count of the lost ones."""

from __future__ import annotations

import errno
import io
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.audit.test_audit_file import written
from tests.support.disk import Disk, small_disk
from tests.support.log_lines import read_records
from tests.support.processes import wait_until
from tunnel_gateway.daemon.audit import writer as module
from tunnel_gateway.daemon.audit.audit_file import AuditFile
from tunnel_gateway.daemon.audit.writer import AuditWriter


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


def records(path: Path) -> list[dict[str, Any]]:
    return read_records(path.read_bytes())


def logged(log: io.StringIO) -> list[dict[str, Any]]:
    return read_records(log.getvalue())


def test_all_are_written_in_order_and_the_head_is_said(path: Path, log: io.StringIO) -> None:
    writer = AuditWriter(AuditFile(path))
    for number in range(1000):
        writer.add({"event": number})
    writer.close()
    assert [one["event"] for one in records(path)] == list(range(1000))
    assert (writer.ok, writer.lost_total, writer.waiting) == (True, 0, 0)
    head = written(path).head
    assert head is not None
    line = logged(log)[-1]
    assert (line["event"], line["records"], line["head"]) == ("audit_head", 1000, head.hash.hex())


def test_it_is_synced_without_more_to_write(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = threading.Event()
    monkeypatch.setattr(AuditFile, "sync", lambda _: synced.set())
    writer = AuditWriter(AuditFile(path))
    writer.add({"event": "one"})
    assert synced.wait(60)
    writer.close()


def test_a_renamed_file_is_gone_on_from(path: Path, log: io.StringIO) -> None:
    writer = AuditWriter(AuditFile(path))
    writer.add({"event": "before"})
    wait_until(path.read_bytes, "a record")
    old = path.with_suffix(".1")
    path.rename(old)
    writer.reopen()
    wait_until(path.exists, "a new file")
    writer.add({"event": "after"})
    writer.close()
    head = written(old).head
    assert head is not None
    first, second = records(path)
    assert (first["event"], first["previous"], first["number"]) == ("rotated", head.hash.hex(), 2)
    assert second["event"] == "after"
    assert head.hash.hex() in [line["head"] for line in logged(log)]


def test_asked_without_a_rename_it_goes_on(path: Path) -> None:
    writer = AuditWriter(AuditFile(path))
    writer.reopen()
    writer.add({"event": "one"})
    writer.close()
    assert [one["event"] for one in records(path)] == ["one"]


def test_a_new_file_that_cannot_be_used_keeps_the_old_one(path: Path, log: io.StringIO) -> None:
    writer = AuditWriter(AuditFile(path))
    path.rename(path.with_suffix(".1"))
    path.mkdir()
    writer.reopen()
    wait_until(lambda: "audit_not_reopened" in log.getvalue(), "a complaint")
    writer.add({"event": "one"})
    writer.close()
    assert [one["event"] for one in records(path.with_suffix(".1"))] == ["one"]


def test_a_removed_file_is_begun_again(path: Path) -> None:
    writer = AuditWriter(AuditFile(path))
    writer.add({"event": "gone"})
    wait_until(path.read_bytes, "a record")
    path.unlink()
    writer.add({"event": "one"})
    wait_until(path.exists, "a new file")
    writer.close()
    assert records(path)[0]["number"] == 2


def test_nothing_is_written_to_a_removed_file(path: Path, log: io.StringIO) -> None:
    writer = AuditWriter(AuditFile(path))
    writer.add({"event": "gone"})
    wait_until(path.read_bytes, "a record")
    path.unlink()
    path.symlink_to(path.with_suffix(".elsewhere"))  # which is not followed
    for number in range(20):
        writer.add({"event": number})
    wait_until(lambda: not writer.ok, "the loss to be found out")
    assert writer.waiting == 20
    path.unlink()
    wait_until(lambda: writer.ok, "a new file")
    writer.close()
    events = [one["event"] for one in records(path)]
    assert [one for one in events if one not in ("rotated", "resumed")] == list(range(20))
    assert records(path)[0]["number"] == 2
    assert writer.lost_total == 0
    said = [line["event"] for line in logged(log)]
    assert (said.count("audit_not_reopened"), said.count("audit_failing")) == (1, 1)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with small_disk(tmp_path / "disk") as disk:
        yield disk


def test_a_full_disk_and_room_again(disk: Disk, log: io.StringIO) -> None:
    path = disk.folder / "audit.jsonl"
    writer = AuditWriter(AuditFile(path))
    writer.add({"event": "before"})
    wait_until(path.read_bytes, "a record")
    disk.fill()
    for number in range(30):  # more than what is left of the last block
        writer.add({"event": number, "text": "x" * 1000})
    wait_until(lambda: not writer.ok, "the disk to be found full")
    assert writer.waiting == 30
    assert writer.lost_total == 0
    disk.free()
    wait_until(lambda: writer.ok, "the disk to be found free")
    writer.close()
    reader = written(path)
    assert reader.torn == 0
    found = records(path)
    assert found[0]["event"] == "before"
    assert found[1]["event"] == "resumed"
    assert (found[1]["lost"], "since" in found[1]) == (0, True)
    assert [one["event"] for one in found[2:]] == list(range(30))
    events = [line["event"] for line in logged(log)]
    assert events.count("audit_failing") == events.count("audit_resumed") == 1


def test_what_does_not_fit_into_memory_is_counted(
    path: Path, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 5)
    free = threading.Event()
    append: Callable[[AuditFile, Sequence[Mapping[str, object]]], None] = AuditFile.append

    def slow(file: AuditFile, batch: Sequence[Mapping[str, object]]) -> None:
        assert free.wait(60)
        append(file, batch)

    monkeypatch.setattr(AuditFile, "append", slow)
    writer = AuditWriter(AuditFile(path))
    for number in range(8):  # and none of these waits for the disk
        writer.add({"event": number})
    assert (writer.ok, writer.lost_total, writer.waiting) == (False, 3, 5)
    free.set()
    wait_until(lambda: not writer.waiting and writer.ok, "all written")
    writer.add({"event": "last"})
    writer.close()
    assert written(path).head is not None
    found = records(path)
    assert [one["event"] for one in found if one["event"] != "resumed"] == [0, 1, 2, 3, 4, "last"]
    assert sum(one["lost"] for one in found if one["event"] == "resumed") == 3
    assert writer.lost_total == 3


def test_at_the_end_a_disk_that_stays_full_is_not_waited_for(
    path: Path, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_file: AuditFile, _batch: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(AuditFile, "append", full)
    writer = AuditWriter(AuditFile(path))
    writer.add({"event": 1})
    wait_until(lambda: not writer.ok, "the failure")
    writer.add({"event": 2})
    writer.close()
    lines = logged(log)
    assert [one["event"] for one in lines if one["level"] == "error"] == [
        "audit_failing",
        "audit_lost",
    ]
    assert lines[-1]["lost"] == 2
    assert path.read_bytes() == b""


def test_what_nobody_thought_of_does_not_end_it(
    path: Path, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed, failed = AuditFile.removed, threading.Event()

    def stale(file: AuditFile) -> bool:
        if not failed.is_set():
            failed.set()
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
        return removed(file)

    monkeypatch.setattr(AuditFile, "removed", stale)
    writer = AuditWriter(AuditFile(path))
    writer.add({"event": 1})
    assert failed.wait(60)
    wait_until(lambda: not writer.waiting and writer.ok, "all written")
    writer.close()
    assert [one["event"] for one in records(path)] == ["resumed", 1]
    assert [one["event"] for one in logged(log)][:3] == [
        "background_failed",
        "audit_failing",
        "audit_resumed",
    ]

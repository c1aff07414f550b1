"""The thread that writes the audit file, so that a slow disk never stalls a tunnel.

Records wait in memory until they are written, in order, up to `MAX_WAITING` of them. While no more
can wait, new records are lost and counted. When there is room again, the count becomes a record.
A written record is on the disk (fsync) within a second.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Final

from tunnel_gateway.daemon.audit.audit_file import AuditFile
from tunnel_gateway.errors import FileError
from tunnel_gateway.observability.background import GoOn
from tunnel_gateway.observability.logs import get_logger

log = get_logger(__name__)

# Some ten megabytes.
MAX_WAITING: Final = 10_000
# The most records of one write.
_BATCH: Final = 200
# Between two attempts while writing fails, and from a write to its fsync.
_SECOND: Final = 1.0
# From one line audit_head to the next.
_HEAD_SECONDS: Final = 3600.0
# How long a stop waits for a disk that does not answer.
_LAST_SECONDS: Final = 5.0

Record = Mapping[str, object]


def timestamp(moment: datetime | None = None) -> str:
    """Return a moment as records have it: in UTC, and now if there is no moment."""
    return (moment or datetime.now(UTC)).isoformat(timespec="microseconds").replace("+00:00", "Z")


class AuditWriter:
    """Writes one audit file until ``close``. ``add`` and ``reopen`` never wait.

    ``ok`` is False while records cannot be written. ``lost_total`` counts the lost records.
    """

    def __init__(self, file: AuditFile) -> None:
        self.ok = True
        self.lost_total = 0
        self._file = file
        self._waiting: deque[Record] = deque()
        self._lost = 0  # since the last record that says so
        self._since: str | None = None  # since when records are not written, or are lost
        self._failing = False  # whether the last attempt failed; only the thread uses it
        self._change = threading.Condition()
        self._reopen_asked = False
        self._closing = False
        self._synced = True
        self._sync_due = 0.0
        self._head_said = 0.0
        self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many records wait to be written."""
        return len(self._waiting)

    def add(self, record: Record) -> None:
        """Let the thread write a record."""
        with self._change:
            full = len(self._waiting) >= MAX_WAITING
            if full:
                self.lost_total += 1
                self._lost += 1
                self._since = self._since or timestamp()
            else:
                self._waiting.append(record)
                self._change.notify()
        if full:
            self._fail("records come faster than they can be written")

    def reopen(self) -> None:
        """Continue in a new file if the present file was renamed."""
        with self._change:
            self._reopen_asked = True
            self._change.notify()

    def close(self, seconds: float = _LAST_SECONDS) -> None:
        """Write the waiting records and end, after ``seconds`` also if the disk does not answer."""
        with self._change:
            self._closing = True
            self._change.notify()
        self._thread.join(seconds)
        if self._waiting or self._lost:
            log.error("audit_lost", file=str(self._file.path), lost=len(self._waiting) + self._lost)

    # --- in the thread ---------------------------------------------------------------------

    def _run(self) -> None:
        ended = False
        while not ended:
            reopen, closing = self._wait()
            with GoOn("audit"):
                ended = self._round(reopen=reopen, closing=closing)
                continue
            self._failing = True
            self._fail("this program has failed, background_failed says more")
            ended = closing
        self._file.close()

    def _round(self, *, reopen: bool, closing: bool) -> bool:
        """Write, sync and log what is due; return whether this was the last round."""
        if reopen or self._file.removed():
            self._go_on_in_new_file(asked=reopen)
        with self._change:
            batch = list(islice(self._waiting, _BATCH))
        if (batch or self._failing) and not self._write(batch):
            return closing  # there is no second attempt at the end
        self._wrote(len(batch))
        ended = closing and not self._waiting
        self._sync(at_once=ended)
        self._say_head(at_once=ended)
        return ended

    def _wait(self) -> tuple[bool, bool]:
        """Wait for work; return whether to reopen the file, and whether to end."""

        def due() -> bool:
            ready = bool(self._waiting) and not self._failing
            return self._closing or self._reopen_asked or ready

        with self._change:
            idle = self._synced and not self._failing
            self._change.wait_for(due, _HEAD_SECONDS if idle else _SECOND)
            reopen, self._reopen_asked = self._reopen_asked, False
            return reopen, self._closing

    def _write(self, batch: list[Record]) -> bool:
        """Write the batch. After a failure, write first since when records are missing."""
        with self._change:
            since, lost = self._since, self._lost
        if since is not None:
            resumed = {"time": timestamp(), "event": "resumed", "lost": lost, "since": since}
            batch = [resumed, *batch]
        try:
            self._file.append(batch)
        except OSError as error:
            self._failing = True
            self._fail(error.strerror or str(error))
            return False
        self._failing = False
        with self._change:
            self._lost -= lost
            if not self._lost:
                self._since, self.ok = None, True
        if since is not None:
            log.warning("audit_resumed", file=str(self._file.path), lost=lost)
        return True

    def _wrote(self, count: int) -> None:
        with self._change:
            for _ in range(count):
                self._waiting.popleft()
        if count and self._synced:
            self._synced = False
            self._sync_due = time.monotonic() + _SECOND

    def _sync(self, *, at_once: bool) -> None:
        if self._synced or not (at_once or time.monotonic() >= self._sync_due):
            return
        self._synced = True
        try:
            self._file.sync()
        except OSError as error:
            self._failing = True
            self._fail(error.strerror or str(error))

    def _fail(self, reason: str) -> None:
        with self._change:
            first, self.ok = self.ok, False
            self._since = self._since or timestamp()
        if first:
            log.error("audit_failing", file=str(self._file.path), detail=reason)

    def _go_on_in_new_file(self, *, asked: bool) -> None:
        if not self._file.moved():
            return
        new = self._open_new(said=self._failing and not asked)
        if new is None:
            return
        self._sync(at_once=True)
        self._say_head(at_once=True)
        if new.is_new:
            new.follow(self._file.head)
        self._file.close()
        self._file = new
        with self._change:
            self._waiting.appendleft({"time": timestamp(), "event": "rotated"})

    def _open_new(self, *, said: bool) -> AuditFile | None:
        try:
            return AuditFile(self._file.path)
        except (FileError, OSError) as error:
            reason = str(error)
        if not said:  # the file is tried again each second, and one log line is enough
            log.error("audit_not_reopened", file=str(self._file.path), detail=reason)
        return None

    def _say_head(self, *, at_once: bool) -> None:
        """Log the end of the chain: a proof that is not in the file."""
        now = time.monotonic()
        if at_once or not self._head_said or now >= self._head_said + _HEAD_SECONDS:
            self._head_said = now
            head = self._file.head
            log.info(
                "audit_head",
                file=str(self._file.path),
                records=head.number,
                head=head.hash.hex(),
            )

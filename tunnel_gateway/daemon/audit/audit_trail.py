"""The audit of a service: a file for the law, or nothing.

Its records are ``start`` and ``end``, the actions of operators (``stop``, ``reload``, ``close``),
and what the service records of its users.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from tunnel_gateway.daemon.audit.audit_file import AuditFile, audit_path
from tunnel_gateway.daemon.audit.writer import AuditWriter, timestamp
from tunnel_gateway.errors import FileError
from tunnel_gateway.os_errors import sentence


class Audit:
    """The audit of a daemon. Without a file it keeps nothing."""

    def __init__(self, path: Path | None = None) -> None:
        """Open the file, or make it. Raises FileError if that fails."""
        self._writer: AuditWriter | None = None
        if path is None:
            return
        try:
            self._writer = AuditWriter(AuditFile(audit_path(path, os.environ)))
        except OSError as error:
            raise FileError(f"{path}: {sentence(error)}") from None
        self.record(
            "start",
            {
                "host": socket.gethostname(),
                "pid": os.getpid(),
                "version": version("tunnel-gateway"),
            },
        )

    @property
    def enabled(self) -> bool:
        """Whether there is a file."""
        return self._writer is not None

    @property
    def ok(self) -> bool:
        """Whether records are being written; also true without a file."""
        return self._writer is None or self._writer.ok

    @property
    def lost_total(self) -> int:
        """How many records were lost since the start, because the memory for them was full."""
        return self._writer.lost_total if self._writer else 0

    @property
    def waiting(self) -> int:
        """How many records wait to be written."""
        return self._writer.waiting if self._writer else 0

    def record(self, event: str, fields: Mapping[str, object]) -> None:
        """Add a record. Fields are texts, numbers and truth values."""
        if self._writer is not None:
            self._writer.add({"time": timestamp(), "event": event, **fields})

    def reopen(self) -> None:
        """Continue in a new file if the present file was renamed."""
        if self._writer is not None:
            self._writer.reopen()

    def close(self) -> None:
        """Record the end and write what waits. Takes some seconds if the disk does not answer."""
        if self._writer is not None:
            self.record("end", {})
            self._writer.close()
            self._writer = None

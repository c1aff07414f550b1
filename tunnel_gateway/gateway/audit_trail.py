"""What is recorded for the law: who had a tunnel, when, where to and how much, in full.

A tunnel has two records, ``opened`` and ``closed``; a verified user who did not get one has
``refused``. Strangers have none: nobody was proven, and a flood of them must not fill the disk.
What operators do is recorded beside it: ``start``, ``stop``, ``reload``, ``close``, and ``end``.
"""

from __future__ import annotations

import os
import socket
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

from tunnel_gateway.daemon.audit.audit_file import AuditFile, audit_path
from tunnel_gateway.daemon.audit.writer import AuditWriter, timestamp
from tunnel_gateway.errors import FileError, NotPermittedError
from tunnel_gateway.gateway.account import Account
from tunnel_gateway.os_errors import sentence
from tunnel_gateway.subject_numbers import believed
from tunnel_gateway.transport.streams.relay import RelayEnd


class Audit:
    """The audit of a daemon; one without a file keeps nothing."""

    def __init__(self, path: Path | None = None) -> None:
        """Go on with the file, or begin it. Raises FileError if that cannot be."""
        self._writer: AuditWriter | None = None
        if path is None:
            return
        try:
            self._writer = AuditWriter(AuditFile(audit_path(path, os.environ)))
        except OSError as error:
            raise FileError(f"{path}: {sentence(error)}") from None
        self.action(
            "start", host=socket.gethostname(), pid=os.getpid(), version=version("tunnel-gateway")
        )

    @property
    def enabled(self) -> bool:
        """Whether there is a file."""
        return self._writer is not None

    @property
    def ok(self) -> bool:
        """Whether records are being written; also without a file."""
        return self._writer is None or self._writer.ok

    @property
    def lost_total(self) -> int:
        """How many records were lost since the start, for want of room."""
        return self._writer.lost_total if self._writer else 0

    @property
    def waiting(self) -> int:
        """How many records wait to be written."""
        return self._writer.waiting if self._writer else 0

    def opened(self, account: Account) -> None:
        """Record that bytes pass from now on."""
        self._add("opened", **_who(account))

    def ended(self, account: Account, end: RelayEnd, seconds: float) -> None:
        """Record the end of a connection that lasted ``seconds``, if its user was proven."""
        if account.leaf is None:
            return
        facts = _who(account)
        facts["accepted"] = _text(datetime.now(UTC) - timedelta(seconds=seconds))
        facts["seconds"] = round(seconds, 3)
        facts["reason"] = end.reason
        if end.error is not None:
            facts["detail"] = str(end.error)
        if isinstance(end.error, NotPermittedError) and end.error.rule:
            facts["rule"] = end.error.rule
        if account.relay is not None:
            facts |= {"bytes_up": account.bytes_up, "bytes_down": account.bytes_down}
        self._add("refused" if account.relay is None else "closed", **facts)

    def action(self, name: str, **facts: object) -> None:
        """Record what an operator did. Facts are texts, numbers and truth values."""
        self._add(name, **facts)

    def reopen(self) -> None:
        """Go on in a new file if the present one was renamed."""
        if self._writer is not None:
            self._writer.reopen()

    def close(self) -> None:
        """Record the end and write what waits. Takes some seconds if the disk does not answer."""
        if self._writer is not None:
            self.action("end")
            self._writer.close()
            self._writer = None

    def _add(self, event: str, **facts: object) -> None:
        if self._writer is not None:
            self._writer.add({"time": timestamp(), "event": event} | facts)


def _who(account: Account) -> dict[str, object]:
    """Return all that is known of the user and of what he asked for."""
    leaf = account.leaf
    facts: dict[str, object] = {
        "tunnel_id": account.tunnel_id,
        "client": account.client,
        "domain": account.domain,
        "dst_id": account.dst_id,
    }
    if leaf is not None:
        facts |= {
            "name": leaf.common_name,
            "pinfl": believed("pinfl", leaf.pinfl),
            "uid": believed("uid", leaf.uid),
            "inn": believed("inn", leaf.inn),
            "subject": leaf.subject,
            "serial": leaf.serial_hex,
            "issuer": leaf.issuer,
        }
    return {key: value for key, value in facts.items() if value is not None}


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")

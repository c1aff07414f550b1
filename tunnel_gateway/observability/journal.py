"""The journal's own fields, by its native protocol: one datagram for a line of the log.

A line arrives as text for people and as a field for each of its facts, so that this works::

    journalctl TUNNEL_DOMAIN=example.uz TUNNEL_EVENT=tunnel_refused

The protocol is systemd's "Native Journal Protocol": ``NAME=value`` and a line end, or for values
with line ends the name, a line end, the size as 64 bits little-endian, the value, a line end.
"""

from __future__ import annotations

import json
import logging
import os
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, TextIO

SOCKET: Final = Path("/run/systemd/journal/socket")
IDENTIFIER: Final = "tunnel-gateway"
PREFIX: Final = "TUNNEL_"

# A datagram has to fit into the socket's buffer, some 200 KiB; a certificate's names have 2 KiB.
MAX_VALUE: Final = 8 * 1024
MAX_FIELDS: Final = 64
MAX_NAME: Final = 64
_MAX_MESSAGE: Final = 32 * 1024

# syslog(3)'s numbers.
_PRIORITIES: Final = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}
_NOT_IN_NAMES: Final = re.compile(r"[^A-Z0-9_]", re.ASCII)


def is_connected(stream: TextIO) -> bool:
    """Whether ``stream`` leads to the journal: JOURNAL_STREAM names its device and inode."""
    try:
        status = os.fstat(stream.fileno())
    except (AttributeError, OSError, ValueError):  # no stream, a closed one, or none of a file
        return False
    same = os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"
    return same and SOCKET.is_socket()


def entry(message: str, facts: Mapping[str, object]) -> bytes:
    """Return one line as the journal takes it: ``facts`` are plain values, as JSON has them.

    ``timestamp`` is left to the journal, ``level`` is the priority. A list is a field for each of
    its values. What is too long is cut, what is too much is left out.
    """
    level = str(facts.get("level", "info"))
    fields = [
        _field("MESSAGE", message, _MAX_MESSAGE),
        _field("PRIORITY", str(_PRIORITIES.get(level, 6))),
        _field("SYSLOG_IDENTIFIER", IDENTIFIER),
    ]
    for name, value in _each(facts):
        if len(fields) == MAX_FIELDS:
            break
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        fields.append(_field(_name(name), text))
    return b"".join(fields)


def _each(facts: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    for name, value in facts.items():
        if name in ("timestamp", "level"):
            continue
        if isinstance(value, list):
            yield from ((name, one) for one in value)
        else:
            yield name, value


def _name(key: str) -> str:
    """``TUNNEL_DOMAIN`` for ``domain``, and ``TUNNEL_ID`` for ``tunnel_id``."""
    name = _NOT_IN_NAMES.sub("_", key.upper()).removeprefix(PREFIX)
    return (PREFIX + name)[:MAX_NAME]


def _field(name: str, value: str, limit: int = MAX_VALUE) -> bytes:
    data = value.encode("utf-8", "backslashreplace")
    if len(data) > limit:
        data = data[:limit] + b"..."
    if b"\n" in data:
        return b"%b\n%b%b\n" % (name.encode(), len(data).to_bytes(8, "little"), data)
    return b"%b=%b\n" % (name.encode(), data)


class JournalHandler(logging.Handler):
    """Sends what its formatter makes, the bytes of an `entry` as Latin-1 text, to the journal.

    It never waits: what the journal does not take at once is lost, and the next line that gets
    through says how many were.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lost = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Send one line, or count it as lost."""
        try:
            data = self.format(record).encode("latin-1")
            if self._lost:
                data += _field(f"{PREFIX}LOST_BEFORE", str(self._lost))
            _send(data)
        except Exception as error:  # noqa: BLE001 - a line, and never more
            self._lost += 1
            if not isinstance(error, OSError):  # it could not be made: say so, as stderr would
                text = f"a line of the log was lost: {type(error).__name__}"
                with suppress(OSError):
                    _send(entry(text, {"level": "error", "event": "line_lost"}))
        else:
            self._lost = 0


def _send(data: bytes) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sending:
        sending.setblocking(False)
        sending.sendto(data, str(SOCKET))

"""The journal's own fields, by its native protocol: one datagram for a line of the log.

A line arrives as text for people and as a field for each of its facts, so that this works::

    journalctl TUNNEL_DOMAIN=example.uz TUNNEL_EVENT=tunnel_refused

The protocol is systemd's "Native Journal Protocol": ``NAME=value`` and a line end, or for values
with line ends the name, a line end, the size as 64 bits little-endian, the value, a line end.
"""

from __future__ import annotations

import json
import os
import re
import socket
from collections import deque
from collections.abc import Iterator, Mapping
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


def is_connected(stream: TextIO | None) -> bool:
    """Whether ``stream`` leads to the journal: JOURNAL_STREAM names its device and inode."""
    try:
        status = os.fstat(stream.fileno()) if stream else None
    except (OSError, ValueError):  # a closed one, or none of a file
        status = None
    if status is None:
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


def send(entries: deque[bytes]) -> None:
    """Send entries, and take out each that was sent; waits as long as the journal does.

    Raises OSError where there is no journal.
    """
    while entries:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sending:
            sending.sendto(entries[0], str(SOCKET))
        entries.popleft()

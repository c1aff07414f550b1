"""The journal's own fields, by its native protocol: one datagram for each line of the log.

The journal gets a line as text for people, and each fact of it as a field. So this works::

    journalctl TUNNEL_DOMAIN=example.uz TUNNEL_EVENT=tunnel_refused

The protocol is systemd's "Native Journal Protocol". A field is ``NAME=value`` and a line end. If
the value has line ends, the field is the name, a line end, the size as 64 bits little-endian, the
value and a line end.
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

# A datagram must fit into the socket's buffer, which has about 200 KiB. The names of a certificate
# have 2 KiB.
MAX_VALUE: Final = 8 * 1024
MAX_FIELDS: Final = 64
MAX_NAME: Final = 64
_MAX_MESSAGE: Final = 32 * 1024

# The numbers of syslog(3).
_PRIORITIES: Final = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}
_NOT_IN_NAMES: Final = re.compile(r"[^A-Z0-9_]", re.ASCII)


def is_connected(stream: TextIO | None) -> bool:
    """Whether ``stream`` leads to the journal: JOURNAL_STREAM names its device and inode."""
    try:
        status = os.fstat(stream.fileno()) if stream else None
    except (OSError, ValueError):  # the stream is closed, or has no file
        status = None
    if status is None:
        return False
    same = os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"
    return same and SOCKET.is_socket()


def entry(message: str, facts: Mapping[str, object]) -> bytes:
    """Return one line as the journal takes it; ``facts`` are plain values, as in JSON.

    The journal has its own time stamp, so ``timestamp`` is left out. ``level`` becomes the
    priority. A list becomes one field for each value. A value that is too long is cut, and fields
    after the first MAX_FIELDS are left out.
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
            yield from ((name, item) for item in value)
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
    """Send entries, and remove each entry that was sent. This waits as long as the journal does.

    Raises OSError if there is no journal.
    """
    while entries:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sending:
            sending.sendto(entries[0], str(SOCKET))
        entries.popleft()

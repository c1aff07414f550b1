"""Leaving a port that others listen on too, without losing clients that are about to connect.

When a listening socket closes, the system resets the connections in its queue and those in the
middle of TCP's handshake. So before it closes, the system is told to give new connections to the
other sockets of the port (SO_REUSEPORT, socket(7)). Connections that had begun still come in and
are served.

The system is told by a program of classic BPF for the whole group of sockets. The program needs no
privilege and picks a socket by its index in the group. No call tells our index, so it is found by
connecting: once for each index, until the connection comes to us.

The program stays when we are gone, so the next gateway that joins the port removes it.
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct
from contextlib import suppress
from pathlib import Path
from typing import Final

# Longer than a round trip to a client in the middle of TCP's handshake.
LEAVING_SECONDS: Final = 0.5

_SO_ATTACH_REUSEPORT_CBPF: Final = 51
_SO_DETACH_REUSEPORT_BPF: Final = 68
# Columns of proc_net_tcp(5), and one of its states.
_LOCAL, _STATE, _INODE = 1, 3, 9
_LISTENING: Final = "0A"
# Far more daemons than a machine has cores for.
_MAX_SOCKETS: Final = 256

# Classic BPF (the kernel's networking/filter): operation, jumps, operand.
_LOAD, _MODULO, _SKIP_IF_LESS, _ADD, _RETURN, _RETURN_IT = 0x20, 0x94, 0x35, 0x04, 0x06, 0x16
_RANDOM: Final = 0xFFFFF000 + 56


def group_size(listening: socket.socket) -> int:
    """Return how many sockets listen on the address and port of this one, itself included.

    Raises OSError where the system does not tell.
    """
    table = Path("/proc/self/net", "tcp6" if listening.family == socket.AF_INET6 else "tcp")
    inode = str(os.fstat(listening.fileno()).st_ino)
    own, addresses = "", []
    with table.open(encoding="ascii") as lines:
        next(lines)  # the heading
        for line in lines:
            fields = line.split()
            if fields[_STATE] != _LISTENING:
                break  # those who listen come first
            addresses.append(fields[_LOCAL])
            if fields[_INODE] == inode:
                own = fields[_LOCAL]
    if not 0 < addresses.count(own) <= _MAX_SOCKETS:
        raise OSError(f"{table} does not have this socket")
    return addresses.count(own)


def pick(listening: socket.socket, index: int) -> None:
    """Give every new connection of the port to the socket at ``index``. Raises OSError."""
    _attach(listening, ((_RETURN, 0, 0, index),))


def pick_others(listening: socket.socket, index: int, count: int) -> None:
    """Give new connections to the other sockets, of ``count`` in all. Raises OSError."""
    _attach(
        listening,
        (
            (_LOAD, 0, 0, _RANDOM),
            (_MODULO, 0, 0, count - 1),
            (_SKIP_IF_LESS, 0, 1, index),
            (_ADD, 0, 0, 1),
            (_RETURN_IT, 0, 0, 0),
        ),
    )


def pick_all(listening: socket.socket) -> None:
    """Give new connections to all sockets of the port again, as the system does by itself."""
    with suppress(OSError):  # nobody has said anything else, or could have
        listening.setsockopt(socket.SOL_SOCKET, _SO_DETACH_REUSEPORT_BPF, 0)


def _attach(listening: socket.socket, program: tuple[tuple[int, int, int, int], ...]) -> None:
    code = ctypes.create_string_buffer(
        b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
    )
    described = struct.pack("@HP", len(program), ctypes.addressof(code))
    listening.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_REUSEPORT_CBPF, described)

"""Leaving a port that others listen on too, without losing who is about to connect.

A listening socket that is closed takes with it whoever is in its queue or half way through TCP's
handshake: they are reset. So before it closes it lets no new connection begin. The first segment
of one is dropped; its sender repeats it after a second, as for any lost one (RFC 6298, section 2),
and by then the system gives it to another socket of the port. Those who had begun come in
meanwhile and are served.
"""

from __future__ import annotations

import ctypes
import socket
import struct
import sys
from typing import Final

# Longer than a round trip to whoever was half way through.
LEAVING_SECONDS: Final = 0.5

_SO_ATTACH_FILTER: Final = 26
# Classic BPF (socket(7), the kernel's networking/filter): operation, jumps, operand. On a TCP
# socket the packet starts at the TCP header, and its flags are in byte 13.
_SYN, _ACK = 0x02, 0x10
_DROP_BEGINNINGS: Final = (
    (0x30, 0, 0, 13),  # load the flags
    (0x54, 0, 0, _SYN | _ACK),
    (0x15, 0, 1, _SYN),  # SYN alone: go on, else skip one
    (0x06, 0, 0, 0),  # drop
    (0x06, 0, 0, 0xFFFFFFFF),  # keep all of it
)


def let_none_begin(listening: socket.socket) -> bool:
    """Drop the beginnings of connections to ``listening`` from now on; False if that cannot be."""
    if sys.platform != "linux":
        return False
    code = ctypes.create_string_buffer(
        b"".join(struct.pack("=HBBI", *one) for one in _DROP_BEGINNINGS)
    )
    program = struct.pack("@HP", len(_DROP_BEGINNINGS), ctypes.addressof(code))
    try:
        listening.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
    except OSError:
        return False  # a kernel that has no such filters, or forbids them
    return True

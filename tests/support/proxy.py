"""A man in the middle: passes the bytes between the agent and the gateway on, changed."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from tests.support.processes import LOOPBACK, TIME_LIMIT

Change = Callable[[bytearray], None]


def _pass_on(source: socket.socket, target: socket.socket, change: Change) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            changed = bytearray(data)
            change(changed)
            target.sendall(changed)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def flip(position: int) -> Change:
    """Flip a bit of the byte at ``position`` of the stream."""
    passed = 0

    def change(data: bytearray) -> None:
        nonlocal passed
        if passed <= position < passed + len(data):
            data[position - passed] ^= 1
        passed += len(data)

    return change


def nothing(data: bytearray) -> None:
    """Change nothing."""


@contextmanager
def proxy(
    target: tuple[str, int], *, to_agent: Change = nothing, to_gateway: Change = nothing
) -> Iterator[int]:
    """Listen for one connection, and give the port."""
    with socket.create_server((LOOPBACK, 0)) as listening:
        listening.settimeout(TIME_LIMIT)

        def serve() -> None:
            agent, _ = listening.accept()
            gateway = socket.create_connection(target, timeout=TIME_LIMIT)
            with agent, gateway:
                agent.settimeout(TIME_LIMIT)
                back = threading.Thread(target=_pass_on, args=(gateway, agent, to_agent))
                back.start()
                _pass_on(agent, gateway, to_gateway)
                back.join()

        serving = threading.Thread(target=serve)
        serving.start()
        yield listening.getsockname()[1]
        serving.join()

"""The threads in which methods work, so that the loop only reads and writes.

Most documents are small, and their work takes a millisecond. A large document takes longer for its
digest alone, so it has a thread of its own: small documents do not wait for large ones.

The work on the smallest documents takes half a millisecond, and a thread for it costs a fifth more:
Python's lock goes from thread to thread several times. So a daemon without tunnels does this work
on the loop. No tunnel waits for it there, and calls would wait for the lock in any case.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

from tunnel_gateway.daemon.workers import Steps, Workers
from tunnel_gateway.errors import BadSignedDataError, SignedDataError
from tunnel_gateway.rest.call import Caller
from tunnel_gateway.rest.statuses import Reason, Refusal

P = ParamSpec("P")
T = TypeVar("T")

# Some 3 ms of work; the digest of 64 MiB takes 400 ms.
_LARGE: Final = 256 * 1024
# The usual message is shorter. In so many bytes nobody can ask for more than some milliseconds.
_SMALLEST: Final = 8 * 1024


class Threads:
    """Two threads. In each of them the addresses of the callers take turns.

    ``beside_tunnels`` tells whether tunnels share the loop.
    """

    def __init__(self, *, beside_tunnels: bool) -> None:
        self._beside_tunnels = beside_tunnels
        self._small = Workers()
        self._large = Workers()

    @property
    def waiting(self) -> int:
        """How many steps wait for a thread."""
        return self._small.waiting + self._large.waiting

    def steps(self) -> Steps:
        """Return an executor for work on small documents that no caller's turn is for."""
        return self._small.steps()

    async def run(
        self, caller: Caller, size: int, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run ``work``, which has ``size`` bytes to read, and return its result.

        Raises Refusal if the message is malformed (SignedDataError).
        """
        try:
            if size <= _SMALLEST and not self._beside_tunnels:
                return work(*args, **kwargs)
            steps = (self._large if size > _LARGE else self._small).steps()
            steps.source = caller.user or caller.source
            return await asyncio.wrap_future(steps.submit(work, *args, **kwargs))
        except SignedDataError as error:
            changed = isinstance(error, BadSignedDataError)
            reason = Reason.DOCUMENT_CHANGED if changed else Reason.MALFORMED
            raise Refusal(reason, str(error)) from None

    def close(self) -> None:
        """Cancel what waits, and end the threads when their present steps have ended."""
        self._small.close()
        self._large.close()

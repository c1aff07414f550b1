"""A disk that never answers: a mount whose file system stays silent, as a dead network share is."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_NO_SETUID_NO_DEVICES = 2 | 4
_DETACH = 2


@contextmanager
def dead_disk(folder: Path) -> Iterator[Callable[[], None]]:
    """Mount it on ``folder``; at the end, or by a call of what it yields, it gives errors.

    The kernel asks by /dev/fuse, and nobody reads there. Skips where mounting is not allowed.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        device = os.open("/dev/fuse", os.O_RDWR)
    except OSError as error:
        pytest.skip(f"/dev/fuse: {error}")
    try:
        options = f"fd={device},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()}"
        place = os.fsencode(folder)
        if libc.mount(b"dead", place, b"fuse", _NO_SETUID_NO_DEVICES, options.encode()):
            pytest.skip(f"mount: {os.strerror(ctypes.get_errno())}")
    except BaseException:
        os.close(device)
        raise
    left = [device]

    def fail() -> None:
        while left:
            os.close(left.pop())

    try:
        yield fail
    finally:
        fail()
        libc.umount2(place, _DETACH)

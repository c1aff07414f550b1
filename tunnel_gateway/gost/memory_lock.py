"""Pages with secrets kept out of swap, as far as the system allows it (mlock(2))."""

from __future__ import annotations

import ctypes


def lock(secret: bytearray) -> bool:
    """Keep the page that ``secret`` lies on in memory; False if the system does not.

    RLIMIT_MEMLOCK, mostly 8 MiB, bounds how many pages an ordinary user may lock. A key is used
    even if the limit is reached. The page stays locked until the process ends, because other
    secrets may be on it.
    """
    try:
        mlock = ctypes.CDLL(None).mlock
    except (AttributeError, OSError, TypeError):  # Windows
        return False
    mlock.argtypes = ctypes.c_void_p, ctypes.c_size_t
    address = ctypes.addressof(ctypes.c_char.from_buffer(secret))
    return bool(mlock(address, len(secret)) == 0)

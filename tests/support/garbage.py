"""What a piece of code leaves in memory until a search for garbage finds it: its cycles."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def cycles() -> Iterator[Counter[str]]:
    """Count what was left behind within the block, by type; the counter is filled at its end.

    Older objects are set aside, so a search looks at the new ones only, and takes a moment.
    """
    found: Counter[str] = Counter()
    gc.disable()
    gc.freeze()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        yield found
        gc.collect()
        found.update(f"{type(one).__module__}.{type(one).__qualname__}" for one in gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.collect()
        gc.unfreeze()
        gc.enable()

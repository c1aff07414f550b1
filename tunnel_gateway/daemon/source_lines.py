"""A line for each source, and turns: one of each line before a second one of any."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Generic, TypeVar

T = TypeVar("T")


class SourceLines(Generic[T]):
    """Lines by source. A source takes no memory when its line is empty."""

    def __init__(self) -> None:
        self._lines: OrderedDict[str, deque[T]] = OrderedDict()  # the next source stands first

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    def add(self, source: str, one: T) -> None:
        """Put ``one`` at the end of the line of its source; a new line gets the last turn."""
        self._lines.setdefault(source, deque()).append(one)

    def take(self) -> T | None:
        """Return the first one of the source whose turn it is; None if nothing waits."""
        if not self._lines:
            return None
        source, line = self._lines.popitem(last=False)
        one = line.popleft()
        if line:
            self._lines[source] = line
        return one

    def clear(self) -> list[T]:
        """Remove all that wait, and return them."""
        dropped = [one for line in self._lines.values() for one in line]
        self._lines.clear()
        return dropped

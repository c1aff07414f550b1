"""Places that are held for a block."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

from tunnel_gateway.limits.places import Held

T = TypeVar("T")


@contextmanager
def holding(take: Callable[..., None], *arguments: Any) -> Iterator[None]:
    """Take places by ``take``, and give them back after the block."""
    with Held() as held:
        take(*arguments, held)
        yield


@asynccontextmanager
async def holding_later(take: Callable[..., Awaitable[T]], *arguments: Any) -> AsyncIterator[T]:
    """The same for a ``take`` that may wait; gives what it returns."""
    with Held() as held:
        yield await take(*arguments, held)

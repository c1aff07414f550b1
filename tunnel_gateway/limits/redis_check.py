"""Whether a Redis answers, for `check`: connect, say the password, ask one question."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from redis.exceptions import AuthenticationError, RedisError, ResponseError

from tunnel_gateway.daemon.findings import Finding
from tunnel_gateway.limits.redis_line import LOST, RedisLine, until_one_ends

# The library raises a refused password as the cause of another error.
_REFUSALS: Final = (AuthenticationError, ResponseError)


async def check_redis(
    area: str, name: str, make_line: Callable[[], RedisLine], question: tuple[str, ...]
) -> Finding:
    """Return a finding about the Redis at ``name``.

    A Redis that is away may come back: a warning. A Redis that refuses the password, or does not
    know the ``question``, needs the operator: a fault.
    """
    line = make_line()
    try:
        await line.connect()
        await until_one_ends(line.send(), line.receive(), _answered(line, question))
    except TimeoutError:
        return Finding(area, name, "warning", "it does not answer in time")
    except (RedisError, OSError) as error:
        if isinstance(error, _REFUSALS) or isinstance(error.__cause__, _REFUSALS):
            return Finding(area, name, "fault", f"it refuses: {error}")
        return Finding(area, name, "warning", f"it does not answer: {error}")
    finally:
        await line.close()
    return Finding(area, name, "ok", "it answers")


async def _answered(line: RedisLine, question: tuple[str, ...]) -> None:
    """Return when the question is answered; if it is lost, another part of the line says why."""
    if await line.ask(*question) is LOST:
        await asyncio.Event().wait()

"""The numbers that many gateways count together, in Redis; each counts alone while Redis is away.

There are three kinds of keys. All of them expire, so that nothing has to be cleaned up:

* ``…:alive:GATEWAY`` is the lease of a gateway. A gateway renews its lease until it dies; when the
  lease ends, the numbers of that gateway no longer count.
* ``…:held:KEY`` is a hash from gateway to the number of places that it holds under KEY. A gateway
  writes its whole number each time, never a difference. Writes may be lost while Redis is away,
  so a gateway that comes back has another name, and writes all that it holds under that.
* ``…:rate:KEY`` is the moment in which KEY's bucket will be full again (the generic cell rate
  algorithm: one number for a token bucket), in microseconds of Redis's own clock.

The gateway waits ASK_SECONDS for an answer. After that, Redis counts as away until it answers a
renewal of the lease in time. A value of another kind under one of these names was not written by a
gateway, so it is overwritten.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections.abc import Awaitable
from functools import partial
from typing import Any, Final

from redis.exceptions import RedisError

from tunnel_gateway.limits.redis_line import LOST, RedisLine, until_one_ends
from tunnel_gateway.observability.background import keep_running
from tunnel_gateway.observability.logs import get_logger
from tunnel_gateway.transport.wire.rates import Rate

log = get_logger(__name__)

# A new tunnel waits for this answer, so it must be short; Redis answers within a few milliseconds.
ASK_SECONDS: Final = 0.25
# A gateway that died holds its numbers for this long.
LEASE_SECONDS: Final = 15.0
# Three renewals may be lost before the lease is.
RENEW_SECONDS: Final = LEASE_SECONDS / 4
# The first and the longest wait before Redis is tried again. After a connection that lasted
# STEADY_SECONDS, the first wait is the short one again.
AGAIN_SECONDS: Final = 1.0
_LAST_AGAIN_SECONDS: Final = 30.0
STEADY_SECONDS: Final = 60.0
# Redis forgets the numbers of open tunnels after this time; the gateway writes them again before.
_KEEP_SECONDS: Final = 24 * 3600
_REWRITE_SECONDS: Final = _KEEP_SECONDS / 4
# Redis answers nobody else during one command, so a command must not have too many keys.
_REWRITE_AT_ONCE: Final = 500
# More than any gateway has of one certificate.
_MOST_PLACES: Final = 1_000_000

_PREFIX: Final = "tunnel-gateway"

# Every script that reads a key begins with this: a key of another type would be an error each time.
# A number is a whole number from 0 to ``most``; nan would pass every comparison with a limit.
_ONLY: Final = """
local function only(key, kind)
  if redis.call('TYPE', key)['ok'] ~= kind then redis.call('DEL', key) end
end
local function number(text, most)
  local value = tonumber(text or '')
  if value and value >= 0 and value <= most and value == math.floor(value) then return value end
end
"""

# KEYS: what is held. ARGV: this gateway, its number with the place that is asked for, the limit,
# the prefix of leases, how long to keep it. Answers 1 and writes the number, or 0.
_TAKE: Final = f"""{_ONLY}
only(KEYS[1], 'hash')
local total = tonumber(ARGV[2])
local held = redis.call('HGETALL', KEYS[1])
for i = 1, #held, 2 do
  if held[i] ~= ARGV[1] then
    local others = number(held[i + 1], {_MOST_PLACES:d})
    if others and redis.call('EXISTS', ARGV[4] .. held[i]) == 1 then
      total = total + others
    else
      redis.call('HDEL', KEYS[1], held[i])
    end
  end
end
if total > tonumber(ARGV[3]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[5])
return 1
"""

# KEYS: all that is held and to be written. ARGV: this gateway, how long to keep it, its numbers.
_PUT: Final = f"""{_ONLY}
for i, key in ipairs(KEYS) do
  only(key, 'hash')
  if ARGV[i + 2] == '0' then
    redis.call('HDEL', key, ARGV[1])
  else
    redis.call('HSET', key, ARGV[1], ARGV[i + 2])
    redis.call('EXPIRE', key, ARGV[2])
  end
end
return 1
"""

# KEYS: the bucket. ARGV: microseconds for one handshake, and how many at once. Answers 1 or 0.
# A bucket that is more than empty was written by another program, or the clock was set back since.
_RATE: Final = f"""{_ONLY}
only(KEYS[1], 'string')
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local known = number(redis.call('GET', KEYS[1]), now + ARGV[2] * ARGV[1])
local full = math.max(known or now, now)
if full - now > (ARGV[2] - 1) * ARGV[1] then return 0 end
full = full + ARGV[1]
redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000) + 1)
return 1
"""


def _hash(script: str) -> str:
    return hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()  # as Redis names it


class Fleet:
    """One gateway's place in its fleet, from ``join`` to ``leave``; the rest may be called always.

    ``url`` is redis://HOST:PORT/DB, rediss:// (TLS) or unix:///PATH?db=DB, without a password.
    """

    def __init__(self, url: str, password: bytes | None = None) -> None:
        self._url, self._password = url, password
        self._name = _new_name()
        self._held: dict[str, int] = {}
        self._line: RedisLine | None = None  # while this gateway is joined
        self._keeping: asyncio.Task[None] | None = None
        self._said = False  # whether it was said that Redis is away
        self._joined = 0.0  # when it was last
        self._delay = AGAIN_SECONDS

    @property
    def available(self) -> bool:
        """Tell whether the limits count over all gateways now."""
        return self._line is not None

    # --- asked by admission ----------------------------------------------------------------

    def claim(self, key: str, own: int, limit: int) -> asyncio.Future[bool]:
        """Ask whether the fleet has a place under ``key``.

        ``own`` is how many this gateway then holds. True while Redis is away.
        """
        self._held[key] = own
        arguments = (self._name, own, limit, _key("alive", ""), _KEEP_SECONDS)
        return self._ask(_TAKE, 1, _key("held", key), *arguments)

    def release(self, key: str, own: int) -> None:
        """Say that this gateway holds ``own`` places under ``key`` from now on."""
        if own:
            self._held[key] = own
        else:
            self._held.pop(key, None)
        if self._line is not None:
            self._put(self._line, [key])

    def allows(self, key: str, rate: Rate) -> asyncio.Future[bool]:
        """Take one from the bucket of ``key``; tells whether it was there, or Redis is away."""
        arguments = (int(1e6 / rate.per_second), int(rate.burst))
        return self._ask(_RATE, 1, _key("rate", key), *arguments)

    def _ask(self, script: str, *arguments: str | int) -> asyncio.Future[bool]:
        asked: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        if self._line is None:
            asked.set_result(True)
        else:
            answer = self._line.ask("EVALSHA", _hash(script), *arguments)
            answer.add_done_callback(partial(_tell, asked))
        return asked

    # --- the lease -------------------------------------------------------------------------

    def join(self) -> None:
        """Begin to keep the lease."""
        self._keeping = keep_running("fleet", self._round)

    async def leave(self) -> None:
        """Give the lease back. Later questions are answered as if Redis were away."""
        line, self._line = self._line, None
        if line is not None:  # else the lease ends by itself
            await line.ask("DEL", _key("alive", self._name))
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait((self._keeping,))

    async def _round(self) -> None:
        """Be joined as long as a connection lasts, and wait until the next is due."""
        line = RedisLine(self._url, self._password, ASK_SECONDS)
        try:
            await line.connect()
            await until_one_ends(line.send(), line.receive(), self._keep_lease(line))
        except (RedisError, OSError) as error:
            self._lose(error)
        finally:
            self._line = None
            await line.close()
        await asyncio.sleep(self._delay)

    async def _keep_lease(self, line: RedisLine) -> None:
        """Begin a lease and renew it, and write what Redis does not know."""
        line.ask("DEL", _key("alive", self._name))
        # Writes that were on their way when the last line broke then count under the old name.
        self._name = _new_name()
        for script in (_TAKE, _PUT, _RATE):
            line.ask("SCRIPT", "LOAD", script)
        await self._renew(line)
        self._line = line
        self._joined = time.monotonic()
        log.info("fleet_joined", gateway=self._name, tunnels=sum(self._held.values()))
        self._said = False
        await self._rewrite(line)
        rewritten = self._joined
        while self._line is line:
            await asyncio.sleep(RENEW_SECONDS)
            known = await self._renew(line)
            if not known or time.monotonic() - rewritten > _REWRITE_SECONDS:
                await self._rewrite(line)
                rewritten = time.monotonic()

    async def _renew(self, line: RedisLine) -> bool:
        """Renew the lease, or begin one; tell whether Redis still knew it."""
        milliseconds = int(LEASE_SECONDS * 1000)
        lease = (_key("alive", self._name), 1, "PX", milliseconds, "GET")
        known = await line.ask("SET", *lease)
        if known is LOST:
            await asyncio.Event().wait()  # `receive` says why, and ends this
        return known is not None

    async def _rewrite(self, line: RedisLine) -> None:
        """Write all numbers: Redis does not know them, has forgotten them, or soon forgets them.

        Another task can ask between two pieces of this work, so that an older number never arrives
        after a newer number.
        """
        keys = list(self._held)
        for start in range(0, len(keys), _REWRITE_AT_ONCE):
            await self._put(line, keys[start : start + _REWRITE_AT_ONCE])

    def _put(self, line: RedisLine, keys: list[str]) -> Awaitable[object]:
        """Write the numbers of ``keys`` as they are now."""
        names = [_key("held", key) for key in keys]
        numbers = [self._held.get(key, 0) for key in keys]
        beside = (self._name, _KEEP_SECONDS)
        return line.ask("EVALSHA", _hash(_PUT), len(keys), *names, *beside, *numbers)

    def _lose(self, error: Exception) -> None:
        if self._line is not None:  # a Redis that comes and goes is tried less and less often
            steady = time.monotonic() - self._joined > STEADY_SECONDS
            self._delay = AGAIN_SECONDS if steady else min(2 * self._delay, _LAST_AGAIN_SECONDS)
        if not self._said:
            self._said = True
            log.error(
                "fleet_unreachable",
                detail=f"{type(error).__name__}: {error}",
                effect="limits count this gateway's own tunnels only, until Redis answers in time",
            )


def _tell(asked: asyncio.Future[bool], answer: asyncio.Future[Any]) -> None:
    """Pass the answer on. Without an answer there is a place: the gateway then counts alone."""
    if not asked.done():
        asked.set_result(answer.result() != 0)


def _key(kind: str, name: str) -> str:
    return f"{_PREFIX}:{kind}:{name}"


def _new_name() -> str:
    return secrets.token_hex(8)

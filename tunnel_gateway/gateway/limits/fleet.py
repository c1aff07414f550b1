"""What many gateways count together, in Redis; each counts alone while Redis is away.

Three kinds of keys, all with an end of their own, so that nothing has to be cleaned up:

* ``…:alive:GATEWAY`` is a gateway's lease. It renews it; a gateway that died does not, and with the
  lease all that it held counts no more.
* ``…:held:KEY`` is a hash from gateway to the number of places that it holds under KEY. A gateway
  writes its whole number each time, never a difference. Writes may be lost while Redis is away,
  so a gateway that comes back has another name, and writes all that it holds under that.
* ``…:rate:KEY`` is the moment in which KEY's bucket will be full again (the generic cell rate
  algorithm: one number for a token bucket), in microseconds of Redis's own clock.

Redis is asked within ASK_SECONDS and, once it has failed, not again until it answers the lease.
What else stands under these names is no answer of a gateway's, and is written over.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, Final

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from tunnel_gateway.observability.background import keep_running
from tunnel_gateway.observability.logs import get_logger
from tunnel_gateway.transport.rates import Rate

log = get_logger(__name__)

ASK_SECONDS: Final = 0.25
LEASE_SECONDS: Final = 15.0
# Three renewals may be lost before the lease is.
RENEW_SECONDS: Final = LEASE_SECONDS / 4
# Numbers of open tunnels are written anew within this time, and are forgotten after it.
_KEEP_SECONDS: Final = 24 * 3600
_REWRITE_SECONDS: Final = _KEEP_SECONDS / 4
_REWRITE_AT_ONCE: Final = 100
# One, so that what is written arrives in the order in which it was counted.
_CONNECTIONS: Final = 1

_PREFIX: Final = "tunnel-gateway"

# First in all that reads a key: one of another type would be an error each time.
_ONLY: Final = """
local function only(kind)
  if redis.call('TYPE', KEYS[1])['ok'] ~= kind then redis.call('DEL', KEYS[1]) end
end
"""

# KEYS: what is held. ARGV: this gateway, its number with the place that is asked for, the limit,
# the prefix of leases, how long to keep it. Answers 1 and writes the number, or 0.
_TAKE: Final = f"""{_ONLY}
only('hash')
local total = tonumber(ARGV[2])
local held = redis.call('HGETALL', KEYS[1])
for i = 1, #held, 2 do
  if held[i] ~= ARGV[1] then
    if redis.call('EXISTS', ARGV[4] .. held[i]) == 1 then
      total = total + (tonumber(held[i + 1]) or 0)
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

# KEYS: what is held. ARGV: this gateway, its number, how long to keep it.
_PUT: Final = f"""{_ONLY}
only('hash')
if tonumber(ARGV[2]) == 0 then return redis.call('HDEL', KEYS[1], ARGV[1]) end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return redis.call('EXPIRE', KEYS[1], ARGV[3])
"""

# KEYS: the bucket. ARGV: microseconds for one, and how many at once. Answers 1, or 0.
# A bucket that is more than empty was written before the clock was set back.
_RATE: Final = f"""{_ONLY}
only('string')
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or now) or now, now)
if full - now > ARGV[2] * ARGV[1] then full = now end
if full - now > (ARGV[2] - 1) * ARGV[1] then return 0 end
full = full + ARGV[1]
redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000) + 1)
return 1
"""


class Fleet:
    """One gateway's place in its fleet, from ``join`` to ``leave``; the rest may be called always.

    ``url`` is redis://HOST:PORT/DB, rediss:// (TLS) or unix:///PATH?db=DB, without a password.
    """

    def __init__(self, url: str, password: bytes | None = None) -> None:
        self._name = _new_name()
        self._redis = Redis.from_pool(
            BlockingConnectionPool.from_url(
                url,
                password=None if password is None else password.decode(errors="surrogateescape"),
                max_connections=_CONNECTIONS,
                timeout=ASK_SECONDS,
                socket_timeout=ASK_SECONDS,
                socket_connect_timeout=ASK_SECONDS,
                retry=Retry(NoBackoff(), 0),
            )
        )
        self._take = self._redis.register_script(_TAKE)
        self._put = self._redis.register_script(_PUT)
        self._rate = self._redis.register_script(_RATE)
        self._held: dict[str, int] = {}
        # So that ASK_SECONDS are Redis's own, and not spent in a queue for the connection.
        self._turn = asyncio.Lock()
        self._lost = asyncio.Event()
        self._keeping: asyncio.Task[None] | None = None
        self._rewritten = 0.0
        self._said = False  # whether it was said that Redis is away
        self.available = False

    # --- asked by admission ----------------------------------------------------------------

    async def claim(self, key: str, own: int, limit: int) -> bool:
        """Tell whether the fleet has a place under ``key``.

        ``own`` is how many this gateway then holds. True while Redis is away.
        """
        self._held[key] = own
        keys = (self._key("held", key),)
        arguments = (self._name, own, limit, self._key("alive", ""), _KEEP_SECONDS)
        return await self._ask(lambda: self._take(keys=keys, args=arguments))

    async def release(self, key: str, own: int) -> None:
        """Say that this gateway holds ``own`` places under ``key`` from now on."""
        if own:
            self._held[key] = own
        else:
            self._held.pop(key, None)
        await self._ask(lambda: self._write(self._redis, key, own))

    async def allows(self, key: str, rate: Rate) -> bool:
        """Take one from the bucket of ``key``, if it is there. True while Redis is away."""
        keys = (self._key("rate", key),)
        arguments = (int(1e6 / rate.per_second), int(rate.burst))
        return await self._ask(lambda: self._rate(keys=keys, args=arguments))

    async def _ask(self, question: Callable[[], Awaitable[Any]]) -> bool:
        if not self.available:
            return True
        async with self._turn:
            return await self._ask_in_turn(question)

    async def _ask_in_turn(self, question: Callable[[], Awaitable[Any]]) -> bool:
        if not self.available:  # lost while others had their turn
            return True
        try:
            async with asyncio.timeout(ASK_SECONDS):
                return bool(await question())
        except (RedisError, OSError, TimeoutError) as error:
            self._lose(error)
            return True

    # --- the lease -------------------------------------------------------------------------

    def join(self) -> None:
        """Begin to keep the lease."""
        self._keeping = keep_running("fleet", self._round)

    async def leave(self) -> None:
        """Give the lease back; each call after it is answered as if Redis were away."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait((self._keeping,))
        self.available = False
        try:
            async with asyncio.timeout(ASK_SECONDS):
                await self._redis.delete(self._key("alive", self._name))
        except (RedisError, OSError, TimeoutError):
            pass  # then it ends by itself
        finally:
            await self._redis.aclose()

    async def _round(self) -> None:
        """Renew the lease, write what Redis may not know, and wait until it is due again."""
        clock = asyncio.get_running_loop().time
        self._lost.clear()
        try:
            known = await self._renew()
            self._find()
            if not known or clock() - self._rewritten > _REWRITE_SECONDS:
                await self._rewrite()
                self._rewritten = clock()
        except (RedisError, OSError, TimeoutError) as error:
            self._lose(error)
        except Exception as error:
            self._lose(error)
            raise
        await self._pause()

    async def _pause(self) -> None:
        """Wait until the lease is due, or a second when Redis was just lost."""
        try:
            async with asyncio.timeout(RENEW_SECONDS if self.available else 1.0):
                await self._lost.wait()
        except TimeoutError:
            return
        await asyncio.sleep(1.0)

    async def _renew(self) -> bool:
        """Renew the lease, or begin one; tell whether Redis still knew it."""
        milliseconds = int(LEASE_SECONDS * 1000)
        async with (
            self._turn,
            asyncio.timeout(ASK_SECONDS * 2),
            self._redis.pipeline(transaction=False) as pipe,
        ):
            if not self.available:  # asked in our turn: whoever had his before may have lost it
                pipe.delete(self._key("alive", self._name))
                self._name = _new_name()
            pipe.set(self._key("alive", self._name), 1, px=milliseconds, get=True)
            return (await pipe.execute())[-1] is not None

    async def _rewrite(self) -> None:
        """Write all numbers: Redis does not know them, has forgotten them, or will.

        Whoever asks meanwhile does so between two pieces of it, so that no number overtakes a
        later one.
        """
        keys = list(self._held)
        for start in range(0, len(keys), _REWRITE_AT_ONCE):
            async with (
                self._turn,
                asyncio.timeout(ASK_SECONDS * 2),
                self._redis.pipeline(transaction=False) as pipe,
            ):
                for key in keys[start : start + _REWRITE_AT_ONCE]:
                    await self._write(pipe, key, self._held.get(key, 0))
                await pipe.execute()

    async def _write(self, target: Redis, key: str, own: int) -> None:
        keys = (self._key("held", key),)
        await self._put(keys=keys, args=(self._name, own, _KEEP_SECONDS), client=target)

    # --- known or not ----------------------------------------------------------------------

    def _lose(self, error: Exception) -> None:
        self.available = False
        self._lost.set()
        if not self._said:
            self._said = True
            log.error(
                "fleet_unreachable",
                detail=f"{type(error).__name__}: {error}",
                effect="limits count this gateway's own tunnels only, until Redis answers",
            )

    def _find(self) -> None:
        if self._said or not self.available:
            log.info("fleet_joined", gateway=self._name, tunnels=sum(self._held.values()))
        self._said = False
        self.available = True

    @staticmethod
    def _key(kind: str, name: str) -> str:
        return f"{_PREFIX}:{kind}:{name}"


def _new_name() -> str:
    return secrets.token_hex(8)

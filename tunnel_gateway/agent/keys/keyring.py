"""The keys that pages have loaded. Each is opened at its first use, and forgotten after a time.

A key belongs to the origin that loaded it, and does not exist for other origins. Its identifier is
random. The file is read when the key is loaded, and opened when the key is first used. Then the
user is asked for the password once, no matter how many calls wait for it.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from tunnel_gateway.agent.calls import Caller
from tunnel_gateway.agent.keys.passwords import PasswordQueue
from tunnel_gateway.agent.keys.questions import Purpose, Question
from tunnel_gateway.agent.reasons import refused
from tunnel_gateway.errors import (
    CertificateUnsuitableError,
    FileError,
    InvalidKeyError,
    KeystoreError,
    WrongPasswordError,
)
from tunnel_gateway.observability.background import keep_running
from tunnel_gateway.observability.logs import get_logger
from tunnel_gateway.os_errors import sentence
from tunnel_gateway.pki.files.keyfiles import Identity, read_identity

LIFETIME_SECONDS: Final = 30 * 60.0
MAX_TRIES: Final = 3
# A page that loads a key at every click loses its own oldest key. If all pages together have too
# many keys, a page is refused: it must not push out the keys of others.
MAX_KEYS_OF_ONE: Final = 8
MAX_KEYS: Final = 64
_ID_BYTES: Final = 16
# Pages name keys on these devices so, without loading them.
_DEVICES: Final = frozenset({"idcard", "baikey", "ckc"})

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ClosedKey:
    """The bytes of a key file that is not opened yet.

    ``friendly_name`` selects the key if the file has several. ``owner`` is shown to the user.
    """

    data: bytes = field(repr=False)
    friendly_name: str | None
    owner: str


@dataclass(slots=True, eq=False)
class _LoadedKey:
    origin: str
    closed: ClosedKey | None = field(repr=False)
    until: float
    identity: Identity | None = field(default=None, repr=False)
    tries: int = 0
    opening: asyncio.Task[Identity] | None = None
    waiters: int = 0


class Keyring:
    """The loaded keys. A key is forgotten ``lifetime`` seconds after its loading, by ``clock``."""

    def __init__(
        self,
        passwords: PasswordQueue,
        *,
        lifetime: float = LIFETIME_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._passwords = passwords
        self._lifetime = lifetime
        self._clock = clock
        self._loaded: dict[str, _LoadedKey] = {}
        self._forgetting: asyncio.Task[None] | None = None

    def load(self, caller: Caller, closed: ClosedKey) -> str:
        """Keep a key for the caller's origin, and return its identifier.

        Raises CallRefusedError: ``too_many_keys``.
        """
        self.forget_expired()
        own = [key_id for key_id, key in self._loaded.items() if key.origin == caller.origin]
        if len(own) >= MAX_KEYS_OF_ONE:
            self._forget(own[0])
        elif len(self._loaded) >= MAX_KEYS:
            raise refused("too_many_keys")
        key_id = secrets.token_hex(_ID_BYTES)
        self._loaded[key_id] = _LoadedKey(caller.origin, closed, self._clock() + self._lifetime)
        if self._forgetting is None or self._forgetting.done():
            self._forgetting = keep_running("keys", self._forget_first, lambda: bool(self._loaded))
        return key_id

    async def identity(self, caller: Caller, key_id: str, *, purpose: Purpose) -> Identity:
        """Return the key with its chain. At the first use, the user is asked for the password.

        ``purpose`` tells the user why. Raises CallRefusedError: ``key_not_found``,
        ``key_id_unsuitable`` for a device that this agent does not know, ``wrong_password`` (then
        the key is unloaded), ``key_unusable``, or a reason of ``PasswordQueue.ask``.
        """
        key = self._own_key(caller, key_id)
        if key.identity is not None:
            return key.identity
        if key.opening is None:
            key.opening = asyncio.create_task(self._open(key_id, key, purpose))
            key.waiters = 0
        return await self._wait_for(key, key.opening)

    def unload(self, caller: Caller, key_id: str) -> None:
        """Forget a key; raises CallRefusedError: ``key_not_found``."""
        self._own_key(caller, key_id)
        self._forget(key_id)

    def forget_expired(self) -> None:
        """Forget the keys whose time is over."""
        now = self._clock()
        for key_id in [key_id for key_id, key in self._loaded.items() if key.until <= now]:
            self._forget(key_id)

    async def close(self) -> None:
        """Forget and overwrite all keys, and end open questions."""
        openings = [key.opening for key in self._loaded.values() if key.opening is not None]
        for key_id in list(self._loaded):
            self._forget(key_id)
        if self._forgetting is not None:
            self._forgetting.cancel()
        await asyncio.gather(*openings, return_exceptions=True)

    def _own_key(self, caller: Caller, key_id: str) -> _LoadedKey:
        if key_id in _DEVICES:
            raise refused("key_id_unsuitable")
        self.forget_expired()
        key = self._loaded.get(key_id)
        if key is None or key.origin != caller.origin:
            raise refused("key_not_found")
        return key

    def _forget(self, key_id: str) -> None:
        key = self._loaded.pop(key_id)
        key.closed = None
        if key.identity is not None:
            key.identity.private_key.wipe()
            key.identity = None
        if key.opening is not None:
            key.opening.cancel()

    async def _forget_first(self) -> None:
        """Wait until the time of the first key is over, and forget this key."""
        first = min(key.until for key in self._loaded.values())
        await asyncio.sleep(max(0.0, first - self._clock()))
        self.forget_expired()

    async def _open(self, key_id: str, key: _LoadedKey, purpose: Purpose) -> Identity:
        try:
            while True:
                closed = key.closed
                if closed is None:
                    raise refused("key_not_found")
                identity = await self._try(closed, key, purpose)
                if identity is not None:
                    break
                key.tries += 1
                if key.tries >= MAX_TRIES:
                    key.opening = None  # else to forget the key would cancel this very opening
                    if key_id in self._loaded:
                        self._forget(key_id)
                    raise refused("wrong_password")
        finally:
            # After the last waiter has left, a later call may have begun another opening.
            if key.opening is asyncio.current_task():
                key.opening = None
        if key_id not in self._loaded:  # unloaded while the file was decrypted
            identity.private_key.wipe()
            raise refused("key_not_found")
        identity.private_key.lock()
        key.identity, key.closed = identity, None
        return identity

    @staticmethod
    async def _wait_for(key: _LoadedKey, opening: asyncio.Task[Identity]) -> Identity:
        """Wait for an opening with other calls. The last call that leaves ends the question."""
        key.waiters += 1
        try:
            await asyncio.wait({opening})
            if opening.cancelled():  # the key was unloaded meanwhile
                raise refused("key_not_found")
            return opening.result()
        finally:
            key.waiters -= 1
            if key.waiters == 0 and not opening.done():
                key.opening = None
                opening.cancel()

    async def _try(self, closed: ClosedKey, key: _LoadedKey, purpose: Purpose) -> Identity | None:
        """Ask once; returns None if the password was wrong."""
        question = Question(key.origin, closed.owner, purpose, retry=key.tries > 0)
        try:
            password = await self._passwords.ask(question)
        except (OSError, FileError) as fault:
            reason = sentence(fault) if isinstance(fault, OSError) else str(fault)
            log.warning("cannot ask for a password", reason=reason)
            raise refused("cannot_ask") from None
        try:
            return await asyncio.to_thread(
                read_identity, closed.data, bytes(password), closed.friendly_name
            )
        except WrongPasswordError:
            return None
        except (KeystoreError, InvalidKeyError, CertificateUnsuitableError) as fault:
            log.warning("a key file cannot be used", reason=str(fault))
            raise refused("key_unusable") from None
        finally:
            password[:] = bytes(len(password))

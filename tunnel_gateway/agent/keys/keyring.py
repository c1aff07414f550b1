"""The keys that pages loaded: whose they are, opened at first use, forgotten in time.

A key belongs to the origin that loaded it. Its identifier is drawn by lot, and for every other
origin it does not exist. The file is read when the key is loaded and opened when it is first
used; then the user is asked for the password, once, however many calls wait for it.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from tunnel_gateway.agent.calls import Caller
from tunnel_gateway.agent.keys.passwords import PasswordDesk
from tunnel_gateway.agent.keys.questions import Question
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
# A page that loads a key for every click pushes its own oldest out; pages together are refused.
MAX_KEYS_OF_ONE: Final = 8
MAX_KEYS: Final = 64
_ID_BYTES: Final = 16

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ClosedKey:
    """What a file holds, not yet opened.

    ``friendly_name`` picks the key in a file of several, ``owner`` is shown to the user.
    """

    data: bytes = field(repr=False)
    friendly_name: str | None
    owner: str


@dataclass(slots=True, eq=False)
class _Loaded:
    origin: str
    closed: ClosedKey | None = field(repr=False)
    until: float
    identity: Identity | None = field(default=None, repr=False)
    tries: int = 0
    opening: asyncio.Task[Identity] | None = None
    waiters: int = 0


class Keyring:
    """Loaded keys. ``clock`` gives seconds; a key is forgotten ``lifetime`` after its loading."""

    def __init__(
        self,
        desk: PasswordDesk,
        *,
        lifetime: float = LIFETIME_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._desk = desk
        self._lifetime = lifetime
        self._clock = clock
        self._loaded: dict[str, _Loaded] = {}
        self._forgetting: asyncio.Task[None] | None = None

    def load(self, caller: Caller, key: ClosedKey) -> str:
        """Keep a key for the caller's origin; returns its identifier.

        Raises CallRefusedError: ``too_many_keys``.
        """
        self.sweep()
        own = [key_id for key_id, one in self._loaded.items() if one.origin == caller.origin]
        if len(own) >= MAX_KEYS_OF_ONE:
            self._forget(own[0])
        elif len(self._loaded) >= MAX_KEYS:
            raise refused("too_many_keys")
        key_id = secrets.token_hex(_ID_BYTES)
        self._loaded[key_id] = _Loaded(caller.origin, key, self._clock() + self._lifetime)
        if self._forgetting is None or self._forgetting.done():
            self._forgetting = keep_running("keys", self._forget_first, lambda: bool(self._loaded))
        return key_id

    async def identity(
        self, caller: Caller, key_id: str, *, purpose: str = "the use of a key"
    ) -> Identity:
        """Return the key with its chain; asks for the password if it was not yet opened.

        ``purpose`` tells the user what for: "a signature", "a tunnel to example.uz". Raises
        CallRefusedError: ``key_not_found``, ``wrong_password`` (then the key is unloaded),
        ``key_unusable``, or what ``PasswordDesk.ask`` raises.
        """
        one = self._find(caller, key_id)
        if one.identity is not None:
            return one.identity
        if one.opening is None:
            one.opening = asyncio.create_task(self._open(key_id, one, purpose))
            one.waiters = 0
        return await self._opened(one, one.opening)

    def unload(self, caller: Caller, key_id: str) -> None:
        """Forget a key; raises CallRefusedError: ``key_not_found``."""
        self._find(caller, key_id)
        self._forget(key_id)

    def sweep(self) -> None:
        """Forget the keys whose time is over."""
        now = self._clock()
        for key_id in [known for known, one in self._loaded.items() if one.until <= now]:
            self._forget(key_id)

    async def close(self) -> None:
        """Forget and overwrite everything, and end open questions."""
        openings = [one.opening for one in self._loaded.values() if one.opening is not None]
        for key_id in list(self._loaded):
            self._forget(key_id)
        if self._forgetting is not None:
            self._forgetting.cancel()
        await asyncio.gather(*openings, return_exceptions=True)

    def _find(self, caller: Caller, key_id: str) -> _Loaded:
        self.sweep()
        one = self._loaded.get(key_id)
        if one is None or one.origin != caller.origin:
            raise refused("key_not_found")
        return one

    def _forget(self, key_id: str) -> None:
        one = self._loaded.pop(key_id)
        one.closed = None
        if one.identity is not None:
            one.identity.private_key.wipe()
            one.identity = None
        if one.opening is not None:
            one.opening.cancel()

    async def _forget_first(self) -> None:
        """Wait until the first key's time is over, and forget it."""
        first = min(one.until for one in self._loaded.values())
        await asyncio.sleep(max(0.0, first - self._clock()))
        self.sweep()

    async def _open(self, key_id: str, one: _Loaded, purpose: str) -> Identity:
        try:
            while True:
                closed = one.closed
                if closed is None:
                    raise refused("key_not_found")
                identity = await self._try(closed, one, purpose)
                if identity is not None:
                    break
                one.tries += 1
                if one.tries >= MAX_TRIES:
                    self._drop(key_id)
                    raise refused("wrong_password")
        finally:
            if one.opening is asyncio.current_task():
                one.opening = None
        if key_id not in self._loaded:
            identity.private_key.wipe()
            raise refused("key_not_found")
        identity.private_key.lock()
        one.identity, one.closed = identity, None
        return identity

    @staticmethod
    async def _opened(one: _Loaded, opening: asyncio.Task[Identity]) -> Identity:
        """Wait for an opening with others; when the last one leaves, its question goes too."""
        one.waiters += 1
        try:
            await asyncio.wait({opening})
            if opening.cancelled():  # the key was unloaded meanwhile
                raise refused("key_not_found")
            return opening.result()
        finally:
            one.waiters -= 1
            if one.waiters == 0 and not opening.done():
                one.opening = None
                opening.cancel()

    def _drop(self, key_id: str) -> None:
        """Forget a key from within its own opening, which must not be cancelled by that."""
        one = self._loaded.get(key_id)
        if one is not None:
            one.opening = None
            self._forget(key_id)

    async def _try(self, closed: ClosedKey, one: _Loaded, purpose: str) -> Identity | None:
        """Ask once; returns None if the password was wrong."""
        question = Question(one.origin, closed.owner, purpose, retry=one.tries > 0)
        try:
            password = await self._desk.ask(question)
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

"""Key files and keyrings for the tests of the agent's side."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path

from tests.support.pki import user
from tunnel_gateway.agent.calls import Caller
from tunnel_gateway.agent.keys.keyring import ClosedKey, Keyring
from tunnel_gateway.agent.keys.passwords import PasswordQueue
from tunnel_gateway.agent.keys.questions import Question
from tunnel_gateway.pki.certificates.alias import make_alias
from tunnel_gateway.pki.files.keyfiles import Identity, identity_to_pfx

PASSWORD = b"correct horse"
PAGE = Caller("https://example.uz", "example.uz")
OTHER = Caller("https://other.uz", "other.uz")


@functools.cache
def owner() -> Identity:
    return user()


@functools.cache
def pfx(alias: str | None = None) -> bytes:
    """The owner's key; few rounds, for it is opened often."""
    name = make_alias(owner().leaf) if alias is None else alias
    return identity_to_pfx(owner(), name, PASSWORD, os.urandom, rounds=10)


def write_pfx(folder: Path, name: str, alias: str | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.pfx"
    path.write_bytes(pfx(alias))
    return path


class User:
    """Answers at once with the next of ``answers`` (the last again and again); None cancels."""

    def __init__(self, *answers: bytes | None) -> None:
        self.answers = list(answers or [PASSWORD])
        self.asked: list[Question] = []

    async def ask(self, question: Question) -> bytearray | None:
        self.asked.append(question)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return None if answer is None else bytearray(answer)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def keyring(person: User, clock: Callable[[], float] | None = None) -> Keyring:
    return Keyring(PasswordQueue(person), clock=clock or Clock())


def closed(data: bytes | None = None) -> ClosedKey:
    return ClosedKey(pfx() if data is None else data, None, "me")

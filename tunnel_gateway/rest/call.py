"""One call as it was read, and what a method is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from tunnel_gateway.rest.languages import DEFAULT, Language
from tunnel_gateway.rest.statuses import Fields


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller, and the user for whom it calls.

    ``source`` is the address at the other end of the connection. ``user`` is the address of the
    person for whom it calls, as far as a proxy that is believed has said it, else the source.
    ``own`` is whether the application itself calls, and not a user through it or through a proxy.
    ``host`` is the site that the caller names, for the log only: anything can stand there.
    """

    source: str
    user: str = ""
    host: str = ""
    own: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """The body that a method wants.

    ``parts`` are the names of its Base64 parts, with a bar between two. If there are no parts,
    ``raw`` is how many bytes of any other body the method takes.
    """

    parts: tuple[str, ...] = ()
    raw: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """One call. ``parts`` are the decoded Base64 parts, as many as the method wants.

    A part can be as large as the limit of bodies; ``bytes`` of it is another copy.
    """

    path: str
    caller: Caller
    parts: tuple[bytes, ...] = ()
    body: bytes = b""
    query: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    language: Language = DEFAULT


class Method(Protocol):
    """One method of the API. A file of ``rest/methods`` holds one such class."""

    @property
    def path(self) -> str:
        """The whole path, without a slash at its end."""

    @property
    def verbs(self) -> tuple[str, ...]:
        """The HTTP methods that it takes: GET, POST."""

    @property
    def wanted(self) -> Wanted:
        """The body that it wants."""

    async def answer(self, call: Call) -> Fields:
        """Return the fields of a successful answer. Raises Refusal for any other one."""

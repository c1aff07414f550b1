"""One call as it was read, and what a method is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from tunnel_gateway.rest.languages import DEFAULT
from tunnel_gateway.rest.statuses import Fields
from tunnel_gateway.user_language import Language


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

    ``parts`` are the names of its Base64 parts. In a ``form`` they are fields, and ``texts`` are
    the names of its short fields. Otherwise there is a bar between two parts. ``raw`` is how many
    bytes the parts of a form may have together if they may not be as large as any body. Without
    form and parts, it is how many bytes of any other body the method takes.
    """

    parts: tuple[str, ...] = ()
    raw: int = 0
    form: bool = False
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """One call. ``parts`` are the decoded Base64 parts, as many as the method wants.

    A part can be as large as the limit of bodies; ``bytes`` of it is another copy. Of a form, a
    part that did not come is empty. ``texts`` are the short fields that came, in the body or in
    the query, and the parameter of the path. ``came`` are the names of all fields of the body, for
    the log only.
    """

    path: str
    caller: Caller
    parts: tuple[bytes, ...] = ()
    body: bytes = b""
    query: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    language: Language = DEFAULT
    texts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    came: tuple[str, ...] = ()


class Method(Protocol):
    """One method of the API. A file of ``rest/methods`` holds one such class."""

    @property
    def path(self) -> str:
        """The whole path, without a slash at its end.

        Its last part can be a parameter, such as ``{documentId}``.
        """

    @property
    def verbs(self) -> tuple[str, ...]:
        """The HTTP methods that it takes: GET, POST."""

    @property
    def wanted(self) -> Wanted:
        """The body that it wants."""

    async def answer(self, call: Call) -> Fields:
        """Return the fields of a successful answer. Raises Refusal for any other one."""

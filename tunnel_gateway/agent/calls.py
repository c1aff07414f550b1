"""A call: the page that calls, and the function that it calls."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tunnel_gateway.agent.reasons import refused
from tunnel_gateway.errors import CallRefusedError


@dataclass(frozen=True, slots=True)
class Caller:
    """The page that calls: its origin as the browser writes it, and the host in the origin.

    Examples are ``https://example.uz:8443`` and ``example.uz``. A page from another machine by
    plain http is not ``trustworthy``: anybody between may have changed it.
    """

    origin: str
    domain: str
    trustworthy: bool = field(default=True, kw_only=True)


Result = Mapping[str, object]
Handler = Callable[[Caller, Sequence[str]], Awaitable[Result]]


@dataclass(frozen=True, slots=True)
class Function:
    """One function of the API. ``plugin`` is "" if the function belongs to no plugin.

    ``handler`` gets one string for each name in ``parameters``. It returns the fields of the answer
    beside ``"success": true``, or raises CallRefusedError.
    """

    plugin: str
    name: str
    parameters: tuple[str, ...]
    description: str
    handler: Handler

    def check_count(self, arguments: Sequence[object]) -> None:
        """Raise CallRefusedError unless these are as many arguments as the function takes."""
        if len(arguments) != len(self.parameters):
            raise self._bad_arguments()

    async def __call__(self, caller: Caller, arguments: Sequence[object]) -> Result:
        """Call the handler if it takes these arguments. Raises CallRefusedError."""
        self.check_count(arguments)
        texts = [argument for argument in arguments if isinstance(argument, str)]
        if len(texts) != len(arguments):
            raise self._bad_arguments()
        return await self.handler(caller, texts)

    def _bad_arguments(self) -> CallRefusedError:
        return refused("bad_arguments", expected=", ".join(self.parameters) or "none")

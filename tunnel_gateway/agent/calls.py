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

    ``handler`` gets one string for each name in ``parameters`` and ``optional``. An optional
    argument that the page has left out is empty. The handler returns the fields of the answer
    beside ``"success": true``, or raises CallRefusedError.
    """

    plugin: str
    name: str
    parameters: tuple[str, ...]
    description: str
    handler: Handler
    optional: tuple[str, ...] = ()

    def check_count(self, arguments: Sequence[object]) -> None:
        """Raise CallRefusedError unless these are as many arguments as the function takes."""
        missing = len(self.parameters) + len(self.optional) - len(arguments)
        if not 0 <= missing <= len(self.optional):
            raise self._bad_arguments()

    async def __call__(self, caller: Caller, arguments: Sequence[object]) -> Result:
        """Call the handler if it takes these arguments. Raises CallRefusedError."""
        self.check_count(arguments)
        texts = [argument for argument in arguments if isinstance(argument, str)]
        if len(texts) != len(arguments):
            raise self._bad_arguments()
        missing = len(self.parameters) + len(self.optional) - len(texts)
        return await self.handler(caller, [*texts, *[""] * missing])

    def _bad_arguments(self) -> CallRefusedError:
        names = (*self.parameters, *(f"[{name}]" for name in self.optional))
        return refused("bad_arguments", expected=", ".join(names) or "none")


class FunctionTable:
    """The functions of one plugin, while they are put together."""

    def __init__(self, plugin: str) -> None:
        self._plugin = plugin
        self.functions: list[Function] = []

    def add(
        self,
        handler: Handler,
        description: str,
        parameters: tuple[str, ...] = (),
        optional: tuple[str, ...] = (),
    ) -> None:
        """Add a function under the handler's own name."""
        name = handler.__name__
        self.functions.append(
            Function(self._plugin, name, parameters, description, handler, optional)
        )

"""What a page may call: who calls, what is refused and why, and the shape of a function."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tunnel_gateway.errors import CallRefusedError


@dataclass(frozen=True, slots=True)
class Caller:
    """The page that calls: its origin as the browser names it, and the host in that.

    ``https://example.uz:8443`` and ``example.uz``. ``trustworthy`` unless somebody on the way
    may have changed the page: plain http from elsewhere.
    """

    origin: str
    domain: str
    trustworthy: bool = field(default=True, kw_only=True)


Result = Mapping[str, object]
Handler = Callable[[Caller, Sequence[str]], Awaitable[Result]]


@dataclass(frozen=True, slots=True)
class Function:
    """One function of the API. ``plugin`` is "" for those that belong to none.

    ``handler`` gets exactly as many arguments as ``parameters`` names, each a string; it returns
    what stands beside ``"success": true`` in the reply, or raises CallRefusedError.
    """

    plugin: str
    name: str
    parameters: tuple[str, ...]
    description: str
    handler: Handler

    async def __call__(self, caller: Caller, arguments: Sequence[object]) -> Result:
        """Call the handler if the arguments are what it takes. Raises CallRefusedError."""
        texts = [argument for argument in arguments if isinstance(argument, str)]
        if len(arguments) != len(self.parameters) or len(texts) != len(arguments):
            expected = ", ".join(self.parameters) or "none"
            raise CallRefusedError("bad_arguments", f"the arguments must be text: {expected}")
        return await self.handler(caller, texts)

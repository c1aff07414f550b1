"""The program behind a port of the agent: is it an agent of this user, an E-IMZO, or a stranger?"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus, WebSocketException

from tunnel_gateway.agent.api.dispatch import VERSION
from tunnel_gateway.agent.api.sockets import PATH
from tunnel_gateway.agent.pages.oneshot import LOOPBACK
from tunnel_gateway.observability.logs import escaped

_SECONDS: Final = 3.0
_MAX_ANSWER: Final = 64 * 1024
_MAX_SHOWN: Final = 40


class Kind(Enum):
    """The kind of an answer to ``version``; the values are for people."""

    AGENT = "an agent of this user"
    E_IMZO = "it answers as version {version}"
    SILENT = "it does not answer"
    REFUSES = "it does not serve this user"
    STRANGE = "it does not answer as E-IMZO does"


@dataclass(frozen=True, slots=True)
class PortAnswer:
    """The answer at a port, with the version that it names."""

    kind: Kind
    version: str = ""

    def __str__(self) -> str:
        return self.kind.value.format(version=self.version)


async def ask_version(port: int) -> PortAnswer:
    """Call ``version`` on the ws port, without a proxy."""
    try:
        async with asyncio.timeout(_SECONDS):
            address = f"ws://{LOOPBACK}:{port}{PATH}"
            async with connect(
                address, proxy=None, compression=None, max_size=_MAX_ANSWER
            ) as socket:
                await socket.send(json.dumps({"name": "version"}))
                answer: Any = json.loads(await socket.recv())
        if answer.get("edition") == VERSION["edition"]:
            return PortAnswer(Kind.AGENT)
        numbers = [str(answer.get(key)) for key in ("major", "minor", "patch") if key in answer]
        return PortAnswer(Kind.E_IMZO, escaped(".".join(numbers)[:_MAX_SHOWN]))
    except TimeoutError:
        return PortAnswer(Kind.SILENT)
    except InvalidStatus:
        return PortAnswer(Kind.REFUSES)
    except (OSError, ValueError, AttributeError, RecursionError, WebSocketException):
        return PortAnswer(Kind.STRANGE)

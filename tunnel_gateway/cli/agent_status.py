"""``tunnel-gateway agent status``: who has the ports of the agent, and where the agent is."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus, WebSocketException

from tunnel_gateway.agent.api.dispatch import VERSION
from tunnel_gateway.agent.api.ports import PAIRS, Ports, answers, holder_of_pair
from tunnel_gateway.agent.api.sockets import PATH
from tunnel_gateway.agent.pages.oneshot import LOOPBACK
from tunnel_gateway.observability.logs import escaped

_SECONDS: Final = 3.0
_MAX_ANSWER: Final = 64 * 1024
_MAX_SHOWN: Final = 40


def show(wanted: Ports | None) -> int:
    """Print a line for each pair of ports, or for the ``wanted`` pair; 0 if an agent answers."""
    return asyncio.run(_show((wanted,) if wanted else PAIRS))


async def _show(pairs: tuple[Ports, ...]) -> int:
    exit_code = 1
    for name, ports in zip(("first pair", "second pair"), pairs, strict=False):
        title = f"{name if len(pairs) > 1 else 'ports'} {ports}"
        taken = [port for port in (ports.ws, ports.wss) if await answers(port)]
        if not taken:
            print(f"{title}: free")
            continue
        edition = await _edition(ports.ws) if ports.ws in taken else "nothing answers on ws"
        if edition == VERSION["edition"]:
            exit_code = 0
            half = "" if len(taken) > 1 else f", but nobody listens on {ports.wss}"
            print(f"{title}: an agent of this user{half}")
        else:
            print(f"{title}: {await holder_of_pair(ports)}; {edition}")
    if exit_code:
        print("no agent answers this user: start it with tunnel-gateway agent")
    return exit_code


async def _edition(port: int) -> str:
    """Return the edition that ``version`` answers, or in words why nothing does."""
    try:
        async with asyncio.timeout(_SECONDS):
            address = f"ws://{LOOPBACK}:{port}{PATH}"
            async with connect(
                address, proxy=None, compression=None, max_size=_MAX_ANSWER
            ) as socket:
                await socket.send(json.dumps({"name": "version"}))
                answer: Any = json.loads(await socket.recv())
        if answer.get("edition") == VERSION["edition"]:
            return VERSION["edition"]
        numbers = [str(answer.get(key)) for key in ("major", "minor", "patch") if key in answer]
        return f"it answers as version {escaped('.'.join(numbers)[:_MAX_SHOWN])}"
    except TimeoutError:
        return "it does not answer"
    except InvalidStatus:
        return "it does not serve this user"
    except (OSError, ValueError, AttributeError, WebSocketException):
        return "it does not answer as E-IMZO does"

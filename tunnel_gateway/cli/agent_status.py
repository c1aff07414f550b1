"""``tunnel-gateway agent status``: who has the ports of the agent, and where the agent is."""

from __future__ import annotations

import asyncio
import os
from functools import partial

from tunnel_gateway.agent.api.port_answer import Kind, ask_version
from tunnel_gateway.agent.api.ports import PAIRS, Ports, answers, holder_of_pair
from tunnel_gateway.agent.neighbour import holder_of, user_name
from tunnel_gateway.agent.threads import in_thread


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
        answer = await ask_version(ports.ws) if ports.ws in taken else None
        if answer is not None and answer.kind is Kind.AGENT:
            half = "" if len(taken) > 1 else f", but nobody listens on {ports.wss}"
            owner = await _owner(ports)
            if owner is not None and os.getuid() != 0:  # an agent would refuse this user
                print(f"{title}: a program of user {owner} that only says that it is an agent")
                continue
            exit_code = 0
            print(f"{title}: {answer if owner is None else f'an agent of user {owner}'}{half}")
        else:
            words = "nothing answers on ws" if answer is None else answer
            print(f"{title}: {await holder_of_pair(ports)}; {words}")
    if exit_code:
        print("no agent answers this user: start it with tunnel-gateway agent")
    return exit_code


async def _owner(ports: Ports) -> str | None:
    """Name the other user who has the ports; every agent serves root, too."""
    holder = await in_thread(partial(holder_of, ports.ws))
    if holder is None or holder.user in (None, user_name(os.getuid())):
        return None
    return holder.user

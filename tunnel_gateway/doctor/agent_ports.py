"""The ports at which pages look for the agent: who has each of them, and does the agent answer?"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Final

from tunnel_gateway.agent.api.port_answer import Kind, ask_version
from tunnel_gateway.agent.api.ports import Ports, answers
from tunnel_gateway.agent.neighbour import Holder, holder_of, user_name
from tunnel_gateway.agent.threads import in_thread
from tunnel_gateway.doctor import texts
from tunnel_gateway.doctor.observation import Observation

_NOBODY: Final = Holder(None, None, None)


def shown_holder(holder: Holder) -> str:
    """Return a holder without words of a language: ``java (1234, alisher)``."""
    facts = [str(fact) for fact in (holder.process, holder.user) if fact is not None]
    return f"{holder.program or '?'} ({', '.join(facts) or '?'})"


async def check_ports(pairs: Sequence[Ports]) -> AsyncIterator[Observation]:
    """Yield an observation for each port, and one if no agent answers this user."""
    agents, full_pairs = 0, 0
    holders: list[tuple[int, Holder]] = []
    for pair in pairs:
        is_agent, is_taken = False, False
        for port in (pair.ws, pair.wss):
            if not await answers(port):
                yield texts.PORT_FREE.seen(str(port))
                continue
            is_taken = True
            # The agent has both ports of a pair or none. Only the port for http is asked.
            kind = (await ask_version(port)).kind if port == pair.ws else None
            holder = await in_thread(partial(holder_of, port)) or _NOBODY
            if kind is Kind.AGENT and _may_not_serve(holder):
                yield texts.IMPOSTOR.seen(str(port), user=holder.user)
                kind = None
            is_agent = is_agent or kind is Kind.AGENT
            if is_agent:
                yield texts.AGENT_ANSWERS.seen(str(port))
                continue
            holders.append((port, holder))
            row = texts.HOLDER_SILENT if kind is Kind.SILENT else texts.PORT_HELD
            yield row.seen(str(port), holder=shown_holder(holder))
        agents += is_agent
        full_pairs += is_taken
    if agents:
        return
    if full_pairs < len(pairs):
        yield texts.AGENT_ABSENT.seen(", ".join(map(str, pairs)))
        return
    others = [(port, holder.user) for port, holder in holders if _is_other(holder)]
    for port, user in others:
        yield texts.OTHER_USER.seen(str(port), user=user)
    if not others:
        yield texts.PORTS_TAKEN.seen(", ".join(map(str, pairs)))


def _may_not_serve(holder: Holder) -> bool:
    """Tell whether an agent would refuse this user, whom it is seen to answer; it serves root."""
    return _is_other(holder) and _uid() != 0


def _is_other(holder: Holder) -> bool:
    uid = _uid()
    own = None if uid is None else user_name(uid)
    return holder.user is not None and holder.user not in (own, "root")


def _uid() -> int | None:
    return os.getuid() if hasattr(os, "getuid") else None

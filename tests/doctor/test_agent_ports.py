"""Who has the ports of the agent: nobody, an agent, an E-IMZO, a silent program, another user."""

from __future__ import annotations

import os
import socket
import ssl
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.e_imzo import EImzo
from tests.support.loopback import LOOPBACK
from tests.support.processes import ReservedPort
from tunnel_gateway.agent.api.apikey import ApiKeys
from tunnel_gateway.agent.api.dispatch import Dispatcher
from tunnel_gateway.agent.api.ports import PortKeeper, Ports
from tunnel_gateway.agent.neighbour import Holder
from tunnel_gateway.doctor import agent_ports, texts
from tunnel_gateway.doctor.agent_ports import check_ports, shown_holder
from tunnel_gateway.doctor.observation import Observation

NOBODY = 65534


def free_pair() -> Ports:
    reserved = [ReservedPort(), ReservedPort()]
    for port in reserved:
        port.close()
    return Ports(*(port.number for port in reserved))


@pytest.fixture
def open_folder(tmp_path: Path) -> Path:
    """A folder that other users may enter."""
    tmp_path.chmod(0o755)
    return tmp_path


async def look(*pairs: Ports) -> list[Observation]:
    return [seen async for seen in check_ports(pairs)]


async def test_no_agent() -> None:
    first, second = free_pair(), free_pair()
    seen = await look(first, second)
    assert [each.row for each in seen] == [texts.PORT_FREE] * 4 + [texts.AGENT_ABSENT]


async def test_an_agent_beside_an_e_imzo(tmp_path: Path) -> None:
    first = free_pair()
    with ExitStack() as ends:
        ends.enter_context(EImzo(tmp_path, [first.ws, first.wss], name="imzo-doctor"))
        keeper = PortKeeper(
            Dispatcher([], ApiKeys()), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), Ports(0, 0)
        )
        second, _ = await keeper.start()
        try:
            seen = await look(first, second)
        finally:
            await keeper.close()
    rows = [texts.PORT_HELD] * 2 + [texts.AGENT_ANSWERS] * 2
    assert [each.row for each in seen] == rows
    assert seen[0].facts["holder"].startswith("imzo-doctor (")


async def test_both_pairs_are_taken() -> None:
    listening = [socket.create_server((LOOPBACK, 0)) for _ in range(2)]
    ports = [each.getsockname()[1] for each in listening]
    pairs = [Ports(port, free_pair().wss) for port in ports]
    try:
        seen = await look(*pairs)
    finally:
        for each in listening:
            each.close()
    rows = [texts.HOLDER_SILENT, texts.PORT_FREE]
    assert [each.row for each in seen] == [*rows, *rows, texts.PORTS_TAKEN]
    assert str(os.getpid()) in seen[0].facts["holder"]


async def test_another_user_s_program_says_that_it_is_an_agent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every agent serves root, and none serves a user who is not its own."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    keeper = PortKeeper(Dispatcher([], ApiKeys()), context, Ports(0, 0))
    pair, _ = await keeper.start()
    others = Holder("python", None, "mallory")
    monkeypatch.setattr(agent_ports, "holder_of", lambda _: others)
    rows = {}
    try:
        for asking in (0, os.getuid() or 4711):
            monkeypatch.setattr(agent_ports, "_uid", lambda asking=asking: asking)
            rows[asking] = [each.row for each in await look(pair)]
    finally:
        await keeper.close()
    as_root, as_user = rows.values()
    assert as_root == [texts.AGENT_ANSWERS] * 2
    assert as_user[0] is texts.IMPOSTOR
    assert as_user[-2:] == [texts.OTHER_USER] * 2


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
async def test_another_user_has_the_ports(open_folder: Path) -> None:
    pair = free_pair()
    with EImzo(open_folder, [pair.ws, pair.wss], name="imzo-other", user=NOBODY):
        seen = await look(pair)
    assert [each.row for each in seen[2:]] == [texts.OTHER_USER] * 2
    assert seen[2].facts["user"] == "nobody"


@pytest.mark.parametrize(
    ("holder", "shown"),
    [
        (Holder("java", 12, "alisher"), "java (12, alisher)"),
        (Holder(None, None, "alisher"), "? (alisher)"),
        (Holder(None, None, None), "? (?)"),
    ],
)
def test_a_holder_in_no_language(holder: Holder, shown: str) -> None:
    assert shown_holder(holder) == shown

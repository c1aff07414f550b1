"""The user's side, looked at in the order in which a support engineer would ask."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tunnel_gateway.agent.api.local_certificate import LocalCertificate
from tunnel_gateway.agent.api.ports import Ports
from tunnel_gateway.doctor.agent_files import (
    check_anchor,
    check_certificate,
    check_dialog,
    check_owner,
    check_settings,
    load_anchors,
    usual_settings,
)
from tunnel_gateway.doctor.agent_ports import check_ports
from tunnel_gateway.doctor.browser_permission import check_permission
from tunnel_gateway.doctor.browser_trust import check_trust
from tunnel_gateway.doctor.clock import check_clock
from tunnel_gateway.doctor.gateways import check_gateways
from tunnel_gateway.doctor.key_disks import check_keys
from tunnel_gateway.doctor.observation import Observation
from tunnel_gateway.doctor.proxies import check_proxies


@dataclass(frozen=True, slots=True)
class UserSide:
    """The files and ports of an agent, and the session of its user."""

    settings: Path | None
    run_conf: Path | None
    state: Path
    pairs: Sequence[Ports]
    environment: Mapping[str, str]
    home: Path
    on_terminal: bool


async def examine_user(user: UserSide) -> AsyncIterator[Observation]:
    """Yield what is seen, in order; nothing is changed, and no password is asked."""
    now = datetime.now(UTC)
    local = LocalCertificate(user.state)
    for seen in check_clock(now, (local.authority, local.server)):
        yield seen
    for seen in check_owner(user.state, user.environment):
        yield seen
    async for seen in check_ports(user.pairs):
        yield seen
    file = user.settings or usual_settings(user.environment, user.home)
    settings, observations = check_settings(file, user.run_conf)
    for seen in observations:
        yield seen
    yield check_dialog(user.environment, on_terminal=user.on_terminal)
    if settings is not None:
        anchors, observations = load_anchors(settings)
        for seen in (*observations, *(check_anchor(anchor, now) for anchor in anchors)):
            yield seen
        async for seen in check_gateways(settings.gateways, anchors, settings.stp_domains):
            yield seen
    async for seen in check_keys(settings.keys_dirs if settings else (), now):
        yield seen
    yield check_certificate(local, now)
    for seen in check_trust(user.home, local.authority):
        yield seen
    for seen in check_proxies(user.environment, user.home):
        yield seen
    for seen in check_permission(user.home, now):
        yield seen

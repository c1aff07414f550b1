"""The whole gateway as it is now, for whoever looks: its states as numbers, and its readiness."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from typing import Final

from tunnel_gateway.daemon.stopping import Stopping
from tunnel_gateway.errors import Limit
from tunnel_gateway.gateway.account import Stage
from tunnel_gateway.gateway.admin.probes import Probes
from tunnel_gateway.gateway.resources import Resources
from tunnel_gateway.gateway.sessions import Sessions
from tunnel_gateway.observability.lines import WRITER
from tunnel_gateway.observability.metrics import Metrics, State
from tunnel_gateway.pki.trust.validation import VerifiedPeer

VERSION: Final = version("tunnel-gateway")


@dataclass(slots=True)
class Overview:
    """What there is to look at. ``accepted`` are the domains that users accept.

    ``loaded`` is when the files in use were read, in Unix time, and ``reload_ok`` whether the last
    reload did.
    """

    resources: Callable[[], Resources]
    accepted: Callable[[], Mapping[str, VerifiedPeer]]
    sessions: Sessions
    stopping: Stopping
    probes: Probes
    loaded: float = field(default_factory=time.time)
    reload_ok: bool = True

    def reloaded(self, done: bool) -> None:
        """Note the end of a reload, and whether it did."""
        self.reload_ok = done
        if done:
            self.loaded = time.time()
        metrics = self.resources().reports.tally.metrics
        metrics.reloads.labels("ok" if done else "refused").inc()

    def not_ready(self) -> list[str]:
        """Return why no new tunnels should come here; nothing if they may."""
        return ["stopping"] if self.stopping.begun else list(self.probes.faults())

    def warnings(self) -> Iterator[str]:
        """Yield what is wrong though the gateway serves."""
        audit = self.resources().reports.audit
        if not audit.ok:
            yield f"the audit file cannot be written; {audit.waiting} records wait in memory"
        if not WRITER.ok:
            yield f"nobody reads the log; {WRITER.lost_total} lines of it were lost since the start"
        if self.resources().admission.memory.full:
            yield f"{Limit.MEMORY} is reached; new tunnels are refused"
        if not self.reload_ok:
            yield "the last reload was refused; the log says why"

    def stages(self) -> Counter[Stage]:
        """Return how many connections have come how far."""
        return Counter(session.account.stage for session in self.sessions)

    def limits(self) -> Iterator[tuple[str, int, int]]:
        """Yield the key of each limit, how much of it is taken, and the limit."""
        resources = self.resources()
        admission, config, memory = (
            resources.admission,
            resources.config,
            resources.admission.memory,
        )
        yield Limit.TUNNELS, admission.tunnels, config.limits.tunnels
        yield Limit.HANDSHAKES, admission.handshakes, config.limits.handshakes
        if memory.limit and memory.used:
            yield Limit.MEMORY, memory.used, memory.limit

    def watch(self, metrics: Metrics) -> None:
        """Let ``metrics`` show all of it."""
        for states in (
            self._loads,
            self._certificates,
            self._lists,
            self._audit,
            self._destinations,
            self._service_states,
        ):
            metrics.watch(states)

    # --- as metrics ------------------------------------------------------------------------

    def _service_states(self) -> Iterator[State]:
        stages = self.stages()
        for stage in Stage:
            yield "tunnel_gateway_connections", (stage.value,), stages[stage]
        for limit, used, most in self.limits():
            yield "tunnel_gateway_limit_used", (limit,), used
            yield "tunnel_gateway_limit", (limit,), most
        yield "tunnel_gateway_public_key_queue", (), self.resources().workers.waiting
        yield "tunnel_gateway_ready", (), not self.not_ready()
        yield "tunnel_gateway_draining", (), self.stopping.begun

    def _destinations(self) -> Iterator[State]:
        known = self.resources().destinations
        for dst_id, destination in self.resources().config.destinations.items():
            if (probed := self.probes.result(dst_id)) is not None:
                yield "tunnel_gateway_destination_up", (dst_id,), probed.up
            yield "tunnel_gateway_destination_tunnels", (dst_id,), known.tunnels(dst_id)
            if destination.tunnel_limit is not None:
                limit = destination.tunnel_limit
                yield "tunnel_gateway_destination_tunnels_limit", (dst_id,), limit
        for one in known.states():
            labels = (one.dst_id, str(one.address))
            yield "tunnel_gateway_destination_address_up", labels, one.answers

    def _audit(self) -> Iterator[State]:
        audit = self.resources().reports.audit
        if audit.enabled:
            yield "tunnel_gateway_audit_ok", (), audit.ok
            yield "tunnel_gateway_audit_waiting", (), audit.waiting
            yield "tunnel_gateway_audit_lost_total", (), audit.lost_total

    def _certificates(self) -> Iterator[State]:
        material = self.resources().material
        for domain, identity in material.domains.items():
            ends = min(one.not_after for one in identity.chain).timestamp()
            yield "tunnel_gateway_certificate_expiry_timestamp_seconds", (domain,), ends
        yield "tunnel_gateway_trust_anchors", (), len(material.trust_anchors)
        ends = min(one.not_after for one in material.trust_anchors).timestamp()
        yield "tunnel_gateway_trust_anchor_expiry_timestamp_seconds", (), ends

    def _lists(self) -> Iterator[State]:
        lists = self.resources().revocation.lists()
        yield "tunnel_gateway_revocation_lists", (), len(lists)
        if not lists:
            return
        issued = _first(one.this_update for one in lists)
        yield "tunnel_gateway_revocation_list_issue_timestamp_seconds", (), issued
        expires = _first(one.next_update for one in lists)
        yield "tunnel_gateway_revocation_list_expiry_timestamp_seconds", (), expires

    def _loads(self) -> Iterator[State]:
        yield "tunnel_gateway_last_reload_timestamp_seconds", (), self.loaded
        yield "tunnel_gateway_last_reload_ok", (), self.reload_ok
        yield "tunnel_gateway_clock_timestamp_seconds", (), time.time()
        yield "tunnel_gateway_log_lines_lost_total", (), WRITER.lost_total
        yield "tunnel_gateway_build_info", (VERSION,), 1


def _first(moments: Iterator[datetime]) -> float:
    return min(moments).timestamp()

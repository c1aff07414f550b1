"""The whole gateway as it is now: the one source of the status and of its metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from tunnel_gateway.daemon.admin.health import Health
from tunnel_gateway.daemon.stopping import Stopping
from tunnel_gateway.gateway.admin.probes import Probes
from tunnel_gateway.gateway.resources import Resources
from tunnel_gateway.gateway.session_facts import Stage
from tunnel_gateway.gateway.sessions import Sessions
from tunnel_gateway.limit_keys import Limit
from tunnel_gateway.observability.metrics import Metrics, Sample
from tunnel_gateway.pki.trust.validation import VerifiedPeer


@dataclass(slots=True)
class Overview:
    """The parts of the gateway. ``accepted`` returns the domains that users accept."""

    resources: Callable[[], Resources]
    accepted: Callable[[], Mapping[str, VerifiedPeer]]
    sessions: Sessions
    stopping: Stopping
    probes: Probes
    health: Health

    def stages(self) -> Counter[Stage]:
        """Return how many connections there are at each stage."""
        return Counter(session.facts.stage for session in self.sessions)

    def limits(self) -> Iterator[tuple[str, int, int]]:
        """Yield the key of each limit, how much of it is in use, and the limit."""
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
        """Let ``metrics`` show everything."""
        for samples in (
            self.health.samples,
            self._certificates,
            self._lists,
            self._destinations,
            self._connections,
        ):
            metrics.watch(samples)

    # --- as metrics ------------------------------------------------------------------------

    def _connections(self) -> Iterator[Sample]:
        stages = self.stages()
        for stage in Stage:
            yield "tunnel_gateway_connections", (stage.value,), stages[stage]
        for limit, used, most in self.limits():
            yield "tunnel_gateway_limit_used", (limit,), used
            yield "tunnel_gateway_limit", (limit,), most
        yield "tunnel_gateway_public_key_queue", (), self.resources().workers.waiting

    def _destinations(self) -> Iterator[Sample]:
        destinations = self.resources().destinations
        for dst_id, destination in self.resources().config.destinations.items():
            if (probed := self.probes.result(dst_id)) is not None:
                yield "tunnel_gateway_destination_up", (dst_id,), probed.up
            yield "tunnel_gateway_destination_tunnels", (dst_id,), destinations.tunnels(dst_id)
            if destination.tunnel_limit is not None:
                limit = destination.tunnel_limit
                yield "tunnel_gateway_destination_tunnels_limit", (dst_id,), limit
        for state in destinations.states():
            labels = (state.dst_id, str(state.address))
            yield "tunnel_gateway_destination_address_up", labels, state.answers

    def _certificates(self) -> Iterator[Sample]:
        material = self.resources().material
        for domain, identity in material.domains.items():
            ends = min(link.not_after for link in identity.chain).timestamp()
            yield "tunnel_gateway_certificate_expiry_timestamp_seconds", (domain,), ends
        yield "tunnel_gateway_trust_anchors", (), len(material.trust_anchors)
        ends = min(anchor.not_after for anchor in material.trust_anchors).timestamp()
        yield "tunnel_gateway_trust_anchor_expiry_timestamp_seconds", (), ends

    def _lists(self) -> Iterator[Sample]:
        lists = self.resources().revocation.lists()
        yield "tunnel_gateway_revocation_lists", (), len(lists)
        if not lists:
            return
        issued = min(crl.this_update for crl in lists).timestamp()
        yield "tunnel_gateway_revocation_list_issue_timestamp_seconds", (), issued
        expires = min(crl.next_update for crl in lists).timestamp()
        yield "tunnel_gateway_revocation_list_expiry_timestamp_seconds", (), expires

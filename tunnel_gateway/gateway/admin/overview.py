"""The tunnels as they are now: the one source of their status and of its metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunnel_gateway.gateway.admin.probes import Probes
from tunnel_gateway.gateway.resources import Resources
from tunnel_gateway.gateway.session_facts import Stage
from tunnel_gateway.gateway.sessions import Sessions
from tunnel_gateway.limit_keys import Limit
from tunnel_gateway.observability.metric_table import Sample
from tunnel_gateway.pki.trust.validation import VerifiedPeer

if TYPE_CHECKING:
    from tunnel_gateway.dataplane.plane import WorkerFigures


@dataclass(slots=True)
class Overview:
    """The parts of the gateway. ``accepted`` returns the domains that users accept."""

    resources: Callable[[], Resources]
    accepted: Callable[[], Mapping[str, VerifiedPeer]]
    sessions: Sessions
    probes: Probes

    def stages(self) -> Counter[Stage]:
        """Return how many connections there are at each stage."""
        return Counter(session.facts.stage for session in self.sessions)

    def limits(self) -> Iterator[tuple[str, int, int]]:
        """Yield the key of each limit, how much of it is in use, and the limit."""
        admission, limits = self.resources().admission, self.resources().config.limits
        yield Limit.TUNNELS, admission.tunnels, limits.tunnels
        yield Limit.HANDSHAKES, admission.handshakes, limits.handshakes

    def workers(self) -> Sequence[WorkerFigures]:
        """Return the figures of each thread that carries tunnels; none where Python does it."""
        plane = self.resources().plane
        return plane.figures() if plane is not None else ()

    # --- as metrics ------------------------------------------------------------------------

    def samples(self) -> Iterator[Sample]:
        """Yield everything that metrics show."""
        yield from self._certificates()
        yield from self._lists()
        yield from self._destinations()
        yield from self._connections()
        yield from self._workers()

    def _connections(self) -> Iterator[Sample]:
        stages = self.stages()
        for stage in Stage:
            yield "tunnel_gateway_connections", (stage.value,), stages[stage]

    def _workers(self) -> Iterator[Sample]:
        for number, figures in enumerate(self.workers()):
            worker = str(number)
            yield "tunnel_gateway_worker_tunnels", (worker,), figures.tunnels
            yield "tunnel_gateway_worker_busy_seconds_total", (worker,), figures.busy
            yield "tunnel_gateway_worker_bytes_total", (worker, "up"), figures.bytes_up
            yield "tunnel_gateway_worker_bytes_total", (worker, "down"), figures.bytes_down
            yield "tunnel_gateway_worker_wakeups_total", (worker,), figures.wakeups
            yield "tunnel_gateway_worker_turns_total", (worker,), figures.turns

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
        for domain, keys in material.domains.keys_of.items():
            ends = min(link.not_after for key in keys for link in key.chain).timestamp()
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

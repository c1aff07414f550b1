"""How the daemon is: whether new work may come, what is wrong, and the same as metrics."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import Any, Final

from tunnel_gateway.daemon.service import Service, Shared
from tunnel_gateway.limit_keys import Limit
from tunnel_gateway.observability.lines import WRITER
from tunnel_gateway.observability.metric_table import Sample

VERSION: Final = version("tunnel-gateway")


class Health:
    """The health of a daemon with these ``services``.

    ``loaded`` is when the files in use were read, in Unix time. ``reload_ok`` is whether the last
    reload succeeded.
    """

    def __init__(self, shared: Shared, services: Sequence[Service[Any]]) -> None:
        self.loaded = time.time()
        self.reload_ok = True
        self._shared = shared
        self._services = services

    def reloaded(self, done: bool) -> None:
        """Note the end of a reload, and whether it succeeded."""
        self.reload_ok = done
        if done:
            self.loaded = time.time()
        self._shared.metrics.reloads.labels("ok" if done else "refused").inc()

    def not_ready(self) -> list[str]:
        """Return why no new work should come; nothing if it may come."""
        if self._shared.stopping.begun:
            return ["stopping"]
        return [reason for service in self._services for reason in service.not_ready()]

    def warnings(self) -> Iterator[str]:
        """Yield what is wrong although the service works."""
        if not self._shared.audit.ok:
            waiting = self._shared.audit.waiting
            yield f"the audit file cannot be written; {waiting} records wait in memory"
        if not WRITER.ok:
            yield f"nobody reads the log; {WRITER.lost_total} lines of it were lost since the start"
        if self._shared.memory.full:
            yield f"{Limit.MEMORY} is reached; new tunnels and REST calls are refused"
        if not self.reload_ok:
            yield "the last reload was refused; the log says why"
        for service in self._services:
            yield from service.warnings()

    def samples(self) -> Iterator[Sample]:
        """Yield the metrics of all this."""
        yield "tunnel_gateway_last_reload_timestamp_seconds", (), self.loaded
        yield "tunnel_gateway_last_reload_ok", (), self.reload_ok
        yield "tunnel_gateway_clock_timestamp_seconds", (), time.time()
        yield "tunnel_gateway_log_lines_lost_total", (), WRITER.lost_total
        yield "tunnel_gateway_build_info", (VERSION,), 1
        yield "tunnel_gateway_ready", (), not self.not_ready()
        yield "tunnel_gateway_draining", (), self._shared.stopping.begun
        audit = self._shared.audit
        if audit.enabled:
            yield "tunnel_gateway_audit_ok", (), audit.ok
            yield "tunnel_gateway_audit_waiting", (), audit.waiting
            yield "tunnel_gateway_audit_lost_total", (), audit.lost_total

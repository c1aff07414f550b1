"""The REST service put together: made of its material, started, reloaded, drained."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from aiohttp import web

from tunnel_gateway.config.rest import RestConfig
from tunnel_gateway.daemon.admin.page import table
from tunnel_gateway.daemon.expiry import ExpiryWatch
from tunnel_gateway.daemon.resident_memory import MIB
from tunnel_gateway.daemon.service import Part, Shared
from tunnel_gateway.daemon.stopping import StopStep
from tunnel_gateway.observability.background import Loop, keep_running
from tunnel_gateway.observability.logs import get_logger
from tunnel_gateway.observability.metric_table import Sample
from tunnel_gateway.rest.assembly import Assembly
from tunnel_gateway.rest.callers import CallerRules, Callers, doubtful_proxies
from tunnel_gateway.rest.challenges import Challenges, OwnChallenges
from tunnel_gateway.rest.handling import Handler
from tunnel_gateway.rest.http_server import RestServer
from tunnel_gateway.rest.metrics_server import MetricsServer
from tunnel_gateway.rest.mobile.counted_documents import CountedDocuments
from tunnel_gateway.rest.mobile.documents import Documents, OwnDocuments
from tunnel_gateway.rest.receiving import BodyMemory
from tunnel_gateway.rest.rest_material import RestFiles, RestMaterial, certificates_in_use, port_of
from tunnel_gateway.rest.rest_metrics import CountedChallenges, RestMetrics
from tunnel_gateway.rest.routing import Routes
from tunnel_gateway.revocation.ask import Inquiries
from tunnel_gateway.transport.streams.listener import BACKLOG, bound_socket
from tunnel_gateway.transport.streams.stream import format_address
from tunnel_gateway.transport.wire.rates import Rate

log = get_logger(__name__)


class RestService:
    """The service of the daemon: `tunnel_gateway.daemon.service.Service`."""

    def __init__(
        self,
        shared: Shared,
        material: RestMaterial,
        inquiries: Inquiries | None = None,
        *,
        beside_tunnels: bool,
    ) -> None:
        config = material.config
        self._shared = shared
        self._material = material
        self._counts = RestMetrics(shared.metrics)
        self._store = _store(config)
        self._challenges = CountedChallenges(self._store, self._counts)
        self._documents = _documents(config)
        self._stores = (self._store, *((self._documents,) if self._documents else ()))
        self._assembly = Assembly(
            shared.audit,
            self._challenges,
            _counted(self._documents, self._counts),
            inquiries,
            beside_tunnels=beside_tunnels,
        )
        self._callers = Callers(_rules(config), time.monotonic)
        handler = Handler(
            routes=Routes(()),  # `start` makes the methods
            callers=self._callers,
            memory=BodyMemory(config.body.memory * MIB),
            metrics=self._counts,
            body_limit=config.body.limit * MIB,
            memory_full=lambda: shared.memory.full,
            stopping=lambda: shared.stopping.begun,
        )
        self._server = RestServer(handler, config.connections, self._callers.is_strange)
        self._prometheus = MetricsServer(shared.metrics)
        self._socket: socket.socket
        self._expiry = ExpiryWatch(lambda: certificates_in_use(self._material))
        self._watches: list[asyncio.Task[None]] = []

    def listen(self, passed: socket.socket | None) -> None:
        """Take listen.port, and the port for Prometheus. Raises CannotListenError."""
        config = self._material.config
        listen = config.listen
        if config.metrics.enabled:
            self._prometheus.listen(config.metrics)
        try:
            self._socket = passed or bound_socket(listen.ip, listen.port, shared=listen.reuseport)
            # Clients may call as soon as the log says so; the system keeps them until `start`.
            self._socket.listen(BACKLOG)
        except OSError as error:
            raise port_of(config).refusal(error) from None
        log.info(
            "rest_listening",
            address=format_address(self._socket.getsockname()[:2]),
            **({"socket": "systemd"} if passed else {}),
            trust_anchors=len(self._material.trust_anchors),
        )
        if proxies := doubtful_proxies(_rules(config)):
            log.warning("proxies_may_call_backend", proxies=proxies)
        if config.not_used:
            log.warning("keys_not_used", keys=dict(config.not_used))

    async def start(self) -> None:
        """Serve from now on."""
        self._make_methods()
        self._counts.know(self._server.handler.routes.paths)
        for store in self._stores:
            await store.start()
        await self._prometheus.start()
        await self._server.start(self._socket)
        self._watches.append(keep_running("expiry", self._expiry.round))

    def use(self, material: RestMaterial) -> None:
        """Answer calls from now on with this ``material``."""
        self._material = material
        config = material.config
        self._callers.use(_rules(config))
        self._store.configure(config.challenges.seconds, config.challenges.limit)
        if self._documents is not None:
            self._documents.configure(config.mobile.ttl, config.mobile.limit)
        handler = self._server.handler
        handler.body_limit = config.body.limit * MIB
        handler.memory.limit = config.body.memory * MIB
        self._server.limit = config.connections
        self._make_methods()
        self._expiry.look(datetime.now(UTC))

    def _make_methods(self) -> None:
        self._server.handler.routes = Routes(self._assembly.methods(self._material))

    # --- the state -------------------------------------------------------------------------

    def connections(self) -> int:
        """Return how many connections there are."""
        return len(self._server)

    def status_line(self) -> str:
        """Return the part of the REST service of the line for ``systemctl status``."""
        calls = self._server.handler.in_progress
        return f"{calls} calls in progress, {len(self._server)} REST connections"

    def not_ready(self) -> Iterator[str]:
        """Yield the reasons why nobody can sign in."""
        return self._store.faults()

    def warnings(self) -> Iterator[str]:
        """Yield what is missing although the service works."""
        if self._material.unchecked:
            yield "nobody checks the truststore for changes: set tsp.jks.file.password"
        yield from self._assembly.faults()
        if self._documents is not None:  # users with a key on a PC sign in all the same
            yield from self._documents.faults()

    def limits(self) -> Iterator[tuple[str, int, int]]:
        """Yield the key of each limit, how much of it is in use, and the limit."""
        handler = self._server.handler
        yield "listen.limit", len(self._server), self._server.limit
        yield "body.memory", handler.memory.held, handler.memory.limit

    def samples(self) -> Iterator[Sample]:
        """Yield the state as metrics."""
        yield from self._server.samples()
        for store in self._stores:
            yield from store.samples()

    def answers_prometheus(self) -> bool:
        """Tell whether there is the vendor's address for Prometheus."""
        return self._material.config.metrics.enabled

    def operators(self) -> RestOperators:
        """Return what operators are told."""
        return RestOperators(self)

    def state(self) -> dict[str, object]:
        """Return the state for operators."""
        return {
            "connections": len(self._server),
            "calls_in_progress": self._server.handler.in_progress,
            "body_memory_bytes": self._server.handler.memory.held,
            "trust_anchors": len(self._material.trust_anchors),
            "faults": list(self._store.faults()),
        }

    # --- the stop --------------------------------------------------------------------------

    async def stop_accepting(self) -> None:
        """Close the port."""
        for watch in self._watches:
            watch.cancel()
        self._socket.close()
        await self._server.stop_accepting()

    async def drain(self, seconds: float, insisted: Awaitable[object]) -> Mapping[str, object]:
        """Let calls end."""
        stopping, handler = self._shared.stopping, self._server.handler
        stopping.begin(StopStep.WAITING_FOR_CALLS, count=handler.in_progress, seconds=seconds)
        ending = asyncio.ensure_future(insisted)
        quiet = asyncio.create_task(self._server.drain(seconds))
        await asyncio.wait((ending, quiet), return_when=asyncio.FIRST_COMPLETED)
        for task in (ending, quiet):
            task.cancel()
        await asyncio.gather(ending, quiet, return_exceptions=True)
        stopping.begin(StopStep.CALLS_CUT_OFF, count=handler.in_progress)
        return {"calls_ended": not handler.in_progress}

    async def close(self) -> None:
        """Cut off what is left, and end the work beside it."""
        await self._server.close()
        await self._assembly.close()
        for store in self._stores:
            await store.close()
        await self._prometheus.close()


class RestOperators:
    """The service's part of the state for operators: `tunnel_gateway.daemon.service.Operators`."""

    def __init__(self, service: RestService) -> None:
        self._service = service

    def routes(self) -> Iterable[web.RouteDef]:
        """Return nothing: there is nothing to do for operators."""
        return ()

    def loops(self) -> Mapping[Loop, Callable[[], Awaitable[object]]]:
        """Return nothing: no work is needed for operators alone."""
        return {}

    async def state(self) -> dict[str, Any]:
        """Return the part of the REST service of the state."""
        return {"rest": self._service.state()}

    def sections(self, state: Mapping[str, Any]) -> Iterable[str]:
        """Yield the HTML of this part."""
        rows = ((name.replace("_", " "), str(value)) for name, value in state["rest"].items())
        yield from table("REST service", ("", ""), rows)


def _rules(config: RestConfig) -> CallerRules:
    frontend = config.frontend
    rate = Rate(frontend.rate, frontend.burst) if frontend.rate else None
    return CallerRules(config.backend_from, frontend.proxies, rate, config.mobile.upload_from or ())


def _store(config: RestConfig) -> Challenges:
    challenges, redis = config.challenges, config.redis
    if challenges.cache == "local":
        return OwnChallenges(challenges.seconds, challenges.limit, time.monotonic)
    # Imported here, so that a server without a Redis does not load its library.
    from tunnel_gateway.rest.kept_redis import line_to  # noqa: PLC0415
    from tunnel_gateway.rest.redis_challenges import RedisChallenges  # noqa: PLC0415

    return RedisChallenges(lambda: line_to(redis), challenges.seconds, challenges.limit)


def _counted(documents: Documents | None, counts: RestMetrics) -> CountedDocuments | None:
    return None if documents is None else CountedDocuments(documents, counts)


def _documents(config: RestConfig) -> Documents | None:
    mobile, redis = config.mobile, config.mobile_redis
    if mobile.site_id is None:
        return None
    if not redis.given:
        return OwnDocuments(mobile.ttl, mobile.limit, time.monotonic)
    from tunnel_gateway.rest.kept_redis import line_to  # noqa: PLC0415
    from tunnel_gateway.rest.mobile.redis_documents import RedisDocuments  # noqa: PLC0415

    return RedisDocuments(lambda: line_to(redis), mobile.ttl, mobile.limit)


def rest(inquiries: Inquiries, *, beside_tunnels: bool) -> Part[RestMaterial]:
    """Return the part of a daemon whose services share these ``inquiries`` about revocation."""
    made = partial(RestService, inquiries=inquiries, beside_tunnels=beside_tunnels)
    return Part(RestFiles(), made)

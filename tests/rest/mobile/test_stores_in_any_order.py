"""Both stores of documents for phones beside one plain model, in random orders and at once."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from redis import Redis

from tests.support.loopback import TIME_LIMIT
from tests.support.redis import RedisServer, redis
from tests.support.rest import until
from tunnel_gateway.limits.redis_line import RedisLine
from tunnel_gateway.rest.mobile.documents import (
    Documents,
    MobileDocument,
    OwnDocuments,
    Purpose,
)
from tunnel_gateway.rest.mobile.redis_documents import RedisDocuments

__all__ = ["redis"]

# So few ids that new documents draw those of others all the time. As many draws find a free one.
IDS = 3
LIMIT = 10_000
SERVERS = st.lists(st.integers(0, 1), min_size=1, max_size=4)
ONE = st.integers(0, 1)


@dataclass
class Model:
    """A document as it must be. ``end`` is in seconds of the model's clock."""

    end: float
    message: bytes | None = None
    used: bool = False


class Machine(RuleBasedStateMachine):
    """Two servers that share documents, beside the documents as they must be, by challenge.

    A subclass says which stores they have, and how time passes for them.
    """

    documents = Bundle("documents")

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.model: dict[str, Model] = {}
        self.runner = asyncio.Runner()
        self.patch = pytest.MonkeyPatch()
        self.ids = itertools.count()
        challenges = itertools.count()

        def token_hex(size: int) -> str:
            return f"{next(self.ids) % IDS:08x}" if size == 4 else f"{next(challenges):064x}"

        self.patch.setattr("secrets.token_hex", token_hex)
        self.servers: list[Any] = self.make_servers()

    def make_servers(self) -> list[Any]:
        raise NotImplementedError

    def let_pass(self, seconds: float) -> None:
        raise NotImplementedError

    def counted(self) -> int:
        """How many documents take memory."""
        raise NotImplementedError

    def live(self, document: MobileDocument) -> Model | None:
        return self.model.get(document.challenge)

    def at_once(self, servers: list[int], step: Callable[[Documents, int], Awaitable[bool]]) -> Any:
        async def run() -> list[bool]:
            steps = (step(self.servers[server], turn) for turn, server in enumerate(servers))
            return await asyncio.gather(*steps)

        return self.runner.run(run())

    @precondition(lambda self: len(self.model) < IDS)
    @rule(
        target=documents,
        server=ONE,
        purpose=st.sampled_from(Purpose),
        first_id=st.integers(0, IDS - 1),
        seconds=st.sampled_from([100, 300, 600]),
    )
    def begin(self, server: int, purpose: Purpose, first_id: int, seconds: int) -> MobileDocument:
        self.ids = itertools.count(first_id)
        self.servers[server].configure(seconds, LIMIT)
        document: MobileDocument = self.runner.run(self.servers[server].begin(purpose, "::1"))
        assert (document.purpose, document.message, document.used) == (purpose, None, False)
        assert document.challenge not in self.model
        self.model[document.challenge] = Model(self.now + seconds)
        return document

    @rule(document=documents, server=ONE)
    def find(self, document: MobileDocument, server: int) -> None:
        found = self.runner.run(self.servers[server].find(document.document_id.lower()))
        live = self.live(document)
        if found is None or found.challenge != document.challenge:
            assert live is None
            assert found is None or found.challenge in self.model
        else:
            assert live is not None
            assert (found.message, found.used) == (live.message, live.used)
            assert (found.document_id, found.purpose) == (document.document_id, document.purpose)

    @rule(document=documents, servers=SERVERS)
    def keep(self, document: MobileDocument, servers: list[int]) -> None:
        results = self.at_once(servers, lambda store, turn: store.keep(document, b"%d" % turn))
        self.check_keeps(document, results)

    def check_keeps(self, document: MobileDocument, results: list[bool]) -> None:
        live = self.live(document)
        may = live is not None and live.message is None and not live.used
        assert sum(results) == may
        if live is not None and may:
            live.message = b"%d" % results.index(True)

    @rule(document=documents, servers=SERVERS)
    def use(self, document: MobileDocument, servers: list[int]) -> None:
        results = self.at_once(servers, lambda store, _: store.use(document))
        live = self.live(document)
        assert sum(results) == (live is not None and live.message is not None)
        if live is not None and any(results):
            live.message, live.used = None, True

    @rule(document=documents, keepers=SERVERS, users=SERVERS)
    def keep_and_use(self, document: MobileDocument, keepers: list[int], users: list[int]) -> None:
        """A message that comes at once with sign-ins is used by one of them or waits for one."""

        def step(store: Documents, turn: int) -> Awaitable[bool]:
            if turn < len(keepers):
                return store.keep(document, b"%d" % turn)
            return store.use(document)

        results = self.at_once(keepers + users, step)
        self.check_keeps(document, results[: len(keepers)])
        live = self.live(document)
        uses = sum(results[len(keepers) :])
        assert uses <= (live is not None and live.message is not None)
        if live is not None and uses:
            live.message, live.used = None, True

    @rule(steps=st.integers(1, 7))
    def pass_time(self, steps: int) -> None:
        self.now += 50 * steps
        self.let_pass(50 * steps)
        self.model = {key: one for key, one in self.model.items() if one.end > self.now}

    @invariant()
    def only_open_documents_take_memory(self) -> None:
        assert self.counted() == len(self.model)

    def teardown(self) -> None:
        for server in self.servers:
            self.runner.run(server.close())
        self.runner.close()
        self.patch.undo()


class OwnMachine(Machine):
    """One store, which both have, with a clock in the hand."""

    def make_servers(self) -> list[Any]:
        self.clock = 1000.0
        return [OwnDocuments(300, LIMIT, lambda: self.clock)] * 2

    def let_pass(self, seconds: float) -> None:
        self.clock += seconds

    def counted(self) -> int:
        store = self.servers[0]
        ((_, _, count),) = store.samples()
        assert len(store._ends) == len(store._documents) == count
        assert store._message_bytes == sum(len(one.message or b"") for one in self.model.values())
        return int(count)


class RedisMachine(Machine):
    """Two stores in one Redis."""

    url = ""

    def make_servers(self) -> list[Any]:
        self.client = Redis.from_url(self.url)
        return [self.started(), self.started()]

    def started(self) -> RedisDocuments:
        made = RedisDocuments(lambda: RedisLine(self.url, None, TIME_LIMIT), 300, LIMIT)

        async def start() -> None:
            await made.start()
            await until(lambda: not list(made.faults()))

        self.runner.run(start())
        return made

    @rule(server=ONE)
    def restart(self, server: int) -> None:
        self.runner.run(self.servers[server].close())
        self.servers[server] = self.started()

    def let_pass(self, seconds: float) -> None:
        """Bring the end of each life nearer; Redis ends a life that is over by itself."""
        for key in self.client.scan_iter():
            self.client.pexpire(key, self.client.pttl(key) - int(1000 * seconds))

    def counted(self) -> int:
        keys = list(self.client.scan_iter())
        for key in keys:
            challenge = self.client.hget(key, "challenge")
            assert isinstance(challenge, bytes)
            left = self.model[challenge.decode()].end - self.now
            assert 0 < self.client.pttl(key) <= 1000 * left
        return len(keys)

    def teardown(self) -> None:
        super().teardown()
        self.client.flushall()
        self.client.close()


def test_own_documents_in_any_order() -> None:
    few = settings(max_examples=100, stateful_step_count=40, deadline=None)
    run_state_machine_as_test(OwnMachine, settings=few)


def test_two_servers_with_one_redis_in_any_order(redis: RedisServer) -> None:
    class Here(RedisMachine):
        url = redis.url

    few = settings(max_examples=20, stateful_step_count=30, deadline=None)
    run_state_machine_as_test(Here, settings=few)

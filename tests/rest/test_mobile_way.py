"""The whole way of a phone's signature over two servers with one Redis, in any order."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    rule,
    run_state_machine_as_test,
)
from redis import Redis

from tests.support.calls import CALLER
from tests.support.loopback import TIME_LIMIT
from tests.support.messages import DOCUMENT, signer
from tests.support.mobile import MobileSite, call, outcome, signature, upload_of
from tests.support.pki import OFFICER, user
from tests.support.redis import RedisServer, redis
from tests.support.rest import until
from tunnel_gateway.limits.redis_line import RedisLine
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.rest.call import Call
from tunnel_gateway.rest.mobile.documents import MobileDocument, Purpose
from tunnel_gateway.rest.mobile.redis_documents import RedisDocuments
from tunnel_gateway.rest.working import Threads

__all__ = ["redis"]

OTHER: Final = b"another document"
SERVER = st.integers(0, 1)
SERVERS = st.lists(SERVER, min_size=1, max_size=4)


@dataclass
class Known:
    """What must be true of a document: who has signed it, and for what."""

    document: MobileDocument
    alive: bool = True
    signed_by: Identity | None = None
    content: bytes = DOCUMENT
    used: bool = False

    @property
    def is_sign_in(self) -> bool:
        return self.document.purpose is Purpose.SIGN_IN


class Machine(RuleBasedStateMachine):
    """Two servers, and beside them plain records of what happened."""

    documents = Bundle("documents")

    def __init__(self, url: str, threads: Threads) -> None:
        super().__init__()
        self.url = url
        self.threads = threads
        self.runner = asyncio.Runner()
        self.client = Redis.from_url(url)
        self.users = (signer(), user(person=OFFICER))
        self.stores: list[RedisDocuments] = []
        self.sites: list[MobileSite] = []
        for _ in range(2):
            store = self._store()
            self.stores.append(store)
            self.sites.append(self._site(store))

    def _store(self) -> RedisDocuments:
        made = RedisDocuments(lambda: RedisLine(self.url, None, TIME_LIMIT), 600, 10_000)

        async def start() -> None:
            await made.start()
            await until(lambda: not list(made.faults()))

        self.runner.run(start())
        return made

    def _site(self, store: RedisDocuments) -> MobileSite:
        return MobileSite(self.threads, store=store, counts_guesses=False)

    @rule(target=documents, server=SERVER, purpose=st.sampled_from(Purpose))
    def begin(self, server: int, purpose: Purpose) -> Known:
        store = self.stores[server]
        return Known(self.runner.run(store.begin(purpose, CALLER.user)))

    @rule(
        known=documents,
        of=documents,
        servers=SERVERS,
        who=st.integers(0, 1),
        content=st.sampled_from([DOCUMENT, OTHER]),
    )
    def upload(self, known: Known, of: Known, servers: list[int], who: int, content: bytes) -> None:
        """The signature is that of ``of``, which often is another document."""
        identity = self.users[who]
        message = signature(of.document, identity, content)
        asked = upload_of(known.document, message, identity)
        seen = self._at_once("upload", servers, asked)
        right = of is known or not known.is_sign_in
        expected = known.alive and right and known.signed_by is None
        assert sum(status == 1 for status, _ in seen) == expected
        if expected:
            known.signed_by = identity
            known.content = of.document.challenge.encode() if of.is_sign_in else content

    @rule(known=documents, server=SERVER)
    def status(self, known: Known, server: int) -> None:
        asked = call(self.sites[server].status.path, documentId=known.document.document_id)
        ((status, _),) = self._at_once("status", [server], asked)
        signed = 1 if known.signed_by else 2
        assert status == (signed if known.alive else -2)

    @rule(known=documents, servers=SERVERS)
    def authenticate(self, known: Known, servers: list[int]) -> None:
        path = self.sites[0].authenticate.path
        asked = call(path, documentId=known.document.document_id)
        seen = self._at_once("authenticate", servers, asked)
        expected = known.alive and known.is_sign_in and known.signed_by and not known.used
        assert sum(status == 1 for status, _ in seen) == bool(expected)
        known.used = known.used or bool(expected)

    @rule(known=documents, servers=SERVERS, content=st.sampled_from([DOCUMENT, OTHER]))
    def verify(self, known: Known, servers: list[int], content: bytes) -> None:
        asked = call(self.sites[0].verify.path, content, documentId=known.document.document_id)
        seen = self._at_once("verify", servers, asked)
        right = known.alive and not known.is_sign_in and known.signed_by is not None
        right = right and known.content == content
        assert {status == 1 for status, _ in seen} == {right}

    @rule(known=documents)
    def end_a_life(self, known: Known) -> None:
        """Redis does the same when the time of a key is over."""
        self.client.pexpire(f"tunnel-gateway:mobile:{known.document.document_id}", 0)
        known.alive = False

    @rule(server=SERVER)
    def restart(self, server: int) -> None:
        self.runner.run(self.stores[server].close())
        self.stores[server] = self._store()
        self.sites[server] = self._site(self.stores[server])

    def _at_once(self, method: str, servers: list[int], asked: Call) -> list[tuple[int, str]]:
        async def ask() -> list[tuple[int, str]]:
            calls = (outcome(getattr(self.sites[one], method), asked) for one in servers)
            return await asyncio.gather(*calls)

        return self.runner.run(ask())

    def teardown(self) -> None:
        for store in self.stores:
            self.runner.run(store.close())
        self.runner.close()
        self.client.flushall()
        self.client.close()


def test_no_signature_counts_twice_or_for_another_document(
    redis: RedisServer, threads: Threads
) -> None:
    class Here(Machine):
        def __init__(self) -> None:
            super().__init__(redis.url, threads)

    few = settings(max_examples=25, stateful_step_count=30, deadline=None)
    run_state_machine_as_test(Here, settings=few)

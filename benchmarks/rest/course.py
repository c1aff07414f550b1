"""One run: the servers started, and every figure measured, round by round."""

from __future__ import annotations

import itertools
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Final, ParamSpec, TypeVar

from benchmarks import load as tunnel_load
from benchmarks.counters import resident_bytes
from benchmarks.figures import percentile
from benchmarks.measures import Scale as EchoScale
from benchmarks.programs import BenchmarkError
from benchmarks.rest import load
from benchmarks.rest.connections import CHALLENGE, WrongAnswerError, get
from benchmarks.rest.goals import Samples
from benchmarks.rest.open_documents import OpenDocuments
from benchmarks.rest.openssl import OpenSsl
from benchmarks.rest.phones import Phones
from benchmarks.rest.scale import Scale
from benchmarks.rest.site import Server, Site, counted, verifications
from benchmarks.rest.stores import Store, stores
from benchmarks.systems import Laboratory

P = ParamSpec("P")
T = TypeVar("T")

_SPAWN: Final = get_context("spawn")
_CONNECTIONS: Final = 8
_SLOW_CLIENTS: Final = 64
_MEGABYTE: Final = 1_000_000
_BESIDE_RATE: Final = 200
_SETTLE_SECONDS: Final = 1.0


class Course:
    """The servers of a run, and the measurements of one round."""

    def __init__(self, laboratory: Laboratory, scale: Scale, stack: ExitStack) -> None:
        self._laboratory = laboratory
        self._site = Site(laboratory, stack)
        self._scale = scale
        self._seen = verifications(self._site.messages(scale.users))
        self._openssl = OpenSsl(laboratory.folder / "openssl", self._site.bench)
        self._stop = _SPAWN.Event()
        self._loader = stack.enter_context(
            ProcessPoolExecutor(1, _SPAWN, initializer=load.prepare, initargs=(self._stop,))
        )
        self._echoes = stack.enter_context(ProcessPoolExecutor(1, _SPAWN))
        self._daemon = stack.enter_context(self._site.start_daemon())
        self._java = stack.enter_context(self._site.start_java())
        self._stores = stores(laboratory, stack)
        self._phones = [self._phones_with(store, stack) for store in self._stores]
        self._rate = 0.0  # of verifications by the daemon, in this round
        self._load(load.once_each, self._daemon.port, self._seen, _CONNECTIONS)
        self._warm_up()

    def steps(self) -> Iterator[tuple[str, Callable[[], dict[str, float]]]]:
        """Yield the name and the measurement of each step of a round."""
        yield "a fresh daemon, and 64 MB", self._fresh
        yield "signers seen before", self._verifications
        yield "signers never seen before", self._unseen
        yield "OpenSSL", self._of_openssl
        yield "challenges", self._challenges
        yield "half load", self._half_load
        yield "slow clients", self._slow_clients
        yield "phones", self._of_phones
        yield "tunnels", self._tunnels

    def open_documents(self, stack: ExitStack) -> OpenDocuments:
        """Return the documents for phones that are opened before the rounds and end after them.

        They have a Redis of their own, so that nothing else is in its memory.
        """
        apart = stores(self._laboratory, stack)
        return OpenDocuments(self._site, apart, self._scale, self._load, stack)

    def _phones_with(self, store: Store, stack: ExitStack) -> Phones:
        server = stack.enter_context(self._site.start_for_phones(store))
        loaders = self._loader, self._echoes
        return Phones(self._site.bench, server, store, loaders, self._scale)

    def _load(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a load in its process."""
        return self._loader.submit(function, *args, **kwargs).result()

    def _warm_up(self) -> None:
        """Let Java compile what is called often."""
        requests = itertools.islice(itertools.cycle(self._seen), self._scale.warm_up)
        self._load(load.once_each, self._java.port, list(requests), _CONNECTIONS)

    def _fresh(self) -> dict[str, float]:
        document = os.urandom(1000) * (self._scale.large // 1000)
        (request,) = verifications([self._site.bench.message(document)])
        with self._site.start_daemon() as server:
            time.sleep(_SETTLE_SECONDS)
            idle = resident_bytes(*server.pids)
            seconds = [self._load(load.large, server.port, request)]
            peak = resident_bytes(*server.pids, peak=True)
            seconds += [self._load(load.large, server.port, request) for _ in range(2)]
        return {
            "idle": idle / _MEGABYTE,
            "large": len(document) / median(seconds) / _MEGABYTE,
            "copies": (peak - idle) / len(document),
        }

    def _verifications(self) -> dict[str, float]:
        ours, rate = self._full_speed(self._daemon)
        java, java_rate = self._full_speed(self._java)
        self._rate = rate
        return {
            "seen": ours,
            "java": java,
            "times java": java / ours,
            "rate": rate,
            "java rate": java_rate,
        }

    def _full_speed(self, server: Server) -> tuple[float, float]:
        """Return the CPU-ms of a verification, and how many there are in a second."""
        with counted(server) as cost:
            sample = self._load(
                load.as_fast_as_it_goes,
                server.port,
                self._seen,
                _CONNECTIONS,
                self._scale.seconds,
            )
        count = len(sample.milliseconds)
        return 1000 * cost() / count, count / sample.seconds

    def _unseen(self) -> dict[str, float]:
        requests = verifications(self._site.messages(self._scale.users))
        with counted(self._daemon) as cost:
            self._load(load.once_each, self._daemon.port, requests, _CONNECTIONS)
        return {"unseen": 1000 * cost() / len(requests)}

    def _of_openssl(self) -> dict[str, float]:
        return {"openssl": self._openssl.cpu_milliseconds(self._scale.processes)}

    def _challenges(self) -> dict[str, float]:
        with counted(self._daemon) as cost:
            sample = self._load(
                load.as_fast_as_it_goes,
                self._daemon.port,
                [get(CHALLENGE)],
                _CONNECTIONS,
                self._scale.seconds,
            )
        return {"challenges": len(sample.milliseconds) / cost()}

    def _half_load(self) -> dict[str, float]:
        sample = self._load(
            load.at_rate,
            self._daemon.port,
            self._seen,
            4 * _CONNECTIONS,
            self._rate / 2,
            2 * self._scale.seconds,
        )
        p50, p99 = (percentile(sample.milliseconds, percent) for percent in (50, 99))
        return {"p50": p50, "p99": p99, "p99/p50": p99 / p50}

    def _slow_clients(self) -> dict[str, float]:
        port, requests = self._daemon.port, self._seen
        alone = self._load(load.once_each, port, requests, 1)
        beside = self._load(load.beside_slow_clients, port, requests, _SLOW_CLIENTS)
        return {"slowed": median(beside.milliseconds) / median(alone.milliseconds)}

    def _of_phones(self) -> dict[str, float]:
        figures: dict[str, float] = {}
        for phones in self._phones:
            figures |= phones.measure()
        return figures

    def _tunnels(self) -> dict[str, float]:
        echo_scale = EchoScale(0, self._scale.echoes, 0, 0, 0)
        server, target = self._site.start_with_tunnels()
        with server:
            self._load(load.once_each, server.port, self._seen, _CONNECTIONS)

            def echo() -> float:
                measured = self._echoes.submit(
                    tunnel_load.measure, "echo-64", target, echo_scale
                ).result()
                return measured["p99 µs"]

            alone = echo()
            self._stop.clear()
            beside = self._loader.submit(
                load.at_rate_until_stopped, server.port, self._seen, _CONNECTIONS, _BESIDE_RATE
            )
            try:
                loaded = echo()
            finally:
                self._stop.set()
            beside.result()
        return {"echo": alone, "echo beside": loaded, "echo slowed": loaded / alone}


def run(scale: Scale, rounds: int, tell: Callable[[str], None]) -> Samples:
    """Measure everything ``rounds`` times; ``tell`` gets a line before each step."""
    samples: Samples = {}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        laboratory = Laboratory(Path(folder))
        stack.callback(laboratory.close)
        try:
            tell("start and warm up")
            course = Course(laboratory, scale, stack)
            tell("many documents for phones")
            documents = course.open_documents(stack)
            for number in range(rounds):
                for name, measure in course.steps():
                    tell(f"round {number + 1} of {rounds}: {name}")
                    for figure, value in measure().items():
                        samples.setdefault(figure, []).append(value)
            tell("the end of the documents for phones")
            samples |= {name: [value] for name, value in documents.ended().items()}
        except (WrongAnswerError, OSError) as error:
            raise BenchmarkError(f"a server failed: {error}") from error
    return samples

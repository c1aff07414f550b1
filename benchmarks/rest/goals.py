"""The figures of a run, in one table, and the targets of those that have one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.figures import Figure
from benchmarks.report import Row

Samples = dict[str, list[float]]


@dataclass(frozen=True, slots=True)
class Goal:
    """One figure: its name in the samples, what it is, and its target: a bound on the median."""

    name: str
    what: str
    at_most: float | None = None
    at_least: float | None = None

    @property
    def target(self) -> str:
        """The target as text; empty for a figure that is only for comparison."""
        if self.at_most is not None:
            return f"≤ {self.at_most:,g}"
        return "" if self.at_least is None else f"≥ {self.at_least:,g}"

    def verdict(self, measured: float) -> str:
        """Tell whether the target was reached; empty for a figure without a target."""
        if not self.target:
            return ""
        too_much = self.at_most is not None and measured > self.at_most
        too_little = self.at_least is not None and measured < self.at_least
        return "MISSED" if too_much or too_little else "yes"


GOALS: Final = (
    Goal("seen", "1 KB with a stamped signer seen before, daemon's CPU-ms", at_most=1.0),
    Goal("unseen", "1 KB with a stamped signer never seen before, daemon's CPU-ms", at_most=1.6),
    Goal("java", "1 KB with a stamped signer, the Java server's CPU-ms"),
    Goal("openssl", "1 KB with a signer, CPU-ms of a process of openssl cms"),
    Goal("times java", "verifications for a CPU second, times the Java server's", at_least=3),
    Goal("rate", "verifications a second, one daemon and the load on this machine"),
    Goal("java rate", "verifications a second, the Java server and the load"),
    Goal("challenges", "challenges for a CPU second", at_least=4000),
    Goal("large", "64 MB attached, MB/s", at_least=150),
    Goal("copies", "64 MB attached, memory at the peak, times the document", at_most=3),
    Goal("p50", "verification at half load, p50 ms"),
    Goal("p99", "verification at half load, p99 ms"),
    Goal("p99/p50", "verification at half load, p99 divided by p50", at_most=5),
    Goal("slowed", "verification beside 64 slow clients, times its p50 alone", at_most=2),
    Goal("idle", "memory of the idle daemon, MB", at_most=90),
    Goal("mobile auth", "phones: auth, daemon's CPU-ms"),
    Goal("mobile auth redis", "phones: auth with a Redis, daemon's CPU-ms"),
    Goal("poll", "phones: status, daemon's CPU-ms"),
    Goal("poll redis", "phones: status with a Redis, daemon's CPU-ms"),
    Goal("upload", "phones: upload of a signer seen before, daemon's CPU-ms"),
    Goal("upload unseen", "phones: upload of a signer never seen before, daemon's CPU-ms"),
    Goal("authenticate", "phones: authenticate, daemon's CPU-ms"),
    Goal("mobile verify", "phones: verify 1 KB and get a time stamp, daemon's CPU-ms"),
    Goal("polls core", "phones: 1,000 polls and 20 uploads a second, % of a core", at_most=100),
    Goal("polls p50", "the same, a poll, p50 ms"),
    Goal("polls p99", "the same, a poll, p99 ms"),
    Goal("polls core redis", "the same with a Redis, % of a core", at_most=100),
    Goal("polls p50 redis", "the same with a Redis, a poll, p50 ms"),
    Goal("polls p99 redis", "the same with a Redis, a poll, p99 ms"),
    Goal("before daemon", "many documents for phones: memory of the daemon before, MB"),
    Goal("open daemon", "the same, while they are open"),
    Goal("after daemon", "the same, after their end"),
    Goal("again daemon", "the same, while as many are open again"),
    Goal("before daemon redis", "the same with a Redis: memory of the daemon before, MB"),
    Goal("open daemon redis", "the same with a Redis, while they are open"),
    Goal("after daemon redis", "the same with a Redis, after their end"),
    Goal("before in redis", "the same: memory of the Redis before, MB"),
    Goal("open in redis", "the same, while they are open"),
    Goal("after in redis", "the same, after their end"),
    Goal("before keys", "the same: keys in the Redis before, one for a poll"),
    Goal("open keys", "the same, while they are open"),
    Goal("after keys", "the same, after their end", at_most=1),
    Goal("echo", "p99 of an echo through a tunnel of the same daemon, µs"),
    Goal("echo beside", "p99 of the echo beside 200 verifications a second, µs"),
    Goal("echo slowed", "p99 of the echo beside 200 verifications, times that alone", at_most=2),
)


def rows(samples: Mapping[str, Sequence[float]]) -> Iterator[Row]:
    """Yield the heading, then a line for each figure that was measured."""
    yield ["figure", "target", "measured", "reached"]
    for goal in GOALS:
        if samples.get(goal.name):
            measured = Figure.of(samples[goal.name])
            yield [goal.what, goal.target, str(measured), goal.verdict(measured.median)]


def missed(samples: Mapping[str, Sequence[float]]) -> list[str]:
    """Return what was missed, one line for each target."""
    return [
        f"MISSED: {what}: {measured}, and {target} is the target"
        for what, target, measured, reached in rows(samples)
        if reached == "MISSED"
    ]

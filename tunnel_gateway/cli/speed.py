"""``tunnel-gateway speed``: measure the cryptography on this processor."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Final

from tunnel_gateway.cli import Subparsers
from tunnel_gateway.cli.command import add_command
from tunnel_gateway.cli.progress import Progress
from tunnel_gateway.gost.cipher import kernel_names
from tunnel_gateway.gost.curves import CRYPTOPRO_A, PrivateKey
from tunnel_gateway.gost.digest import digest, hmac
from tunnel_gateway.gost.frames import Frames
from tunnel_gateway.gost.key_agreement import agree
from tunnel_gateway.gost.signature import sign, verify

_DESCRIPTION: Final = """\
Measure the cryptography of the tunnel on one core of this machine, for a few seconds.

Records are measured with every kernel that the processor can run; the gateway uses the first.
The public-key operations are those of one handshake, on the curve CryptoPro-A. The numbers leave
out the other costs of a tunnel, above all the system's work for its sockets. So they are a bound
and not a promise: docs/performance.md has the numbers of whole tunnels.
"""

SECONDS_EACH: Final = 0.25
_RECORD_SIZES: Final = (64, 1024, 16384)
# One handshake of the gateway: its ephemeral key, the agreement, its signature, the user's.
_OPERATIONS_PER_HANDSHAKE: Final = ("new key", "agree", "sign", "verify")


@dataclass(frozen=True, slots=True)
class RecordSpeed:
    """How fast one kernel seals and opens records of ``size`` bytes of payload, in MB/s."""

    kernel: str
    size: int
    seal: float
    open: float


@dataclass(frozen=True, slots=True)
class DigestSpeed:
    """MB/s of the digest of a large text, and microseconds of an HMAC of 64 bytes."""

    long: float
    hmac: float


@dataclass(frozen=True, slots=True)
class Speed:
    """All that was measured; ``operations`` holds microseconds."""

    records: list[RecordSpeed]
    digest: DigestSpeed
    operations: dict[str, float]

    @property
    def gigabits(self) -> float:
        """Gbit/s that one core seals or opens in the largest records, with the best kernel."""
        best = [record for record in self.records if record.kernel == self.records[0].kernel][-1]
        return 2 / (1 / best.seal + 1 / best.open) * 8 / 1000

    @property
    def handshakes(self) -> float:
        """Handshakes a second that one core's public-key work allows."""
        return 1e6 / sum(self.operations[name] for name in _OPERATIONS_PER_HANDSHAKE)


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(
        subparsers, "speed", "measure the cryptography on this machine", _DESCRIPTION, run
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Measure and print; always 0."""
    kinds = [(kernel, size) for kernel in kernel_names() for size in _RECORD_SIZES]
    parts = len(kinds) + 2
    with Progress("measuring") as progress:
        records = []
        for kernel, size in kinds:
            records.append(_record_speed(kernel, size))
            progress.step(len(records), parts)
        digest_speed = _digest_speed()
        progress.step(parts - 1, parts)
        speed = Speed(records, digest_speed, _operations())
    if arguments.json:
        derived = {"gigabits": speed.gigabits, "handshakes": speed.handshakes}
        print(json.dumps(asdict(speed) | derived))
    else:
        _print(speed)
    return 0


def _record_speed(kernel: str, size: int) -> RecordSpeed:
    count = max(1, 2**18 // size)
    data = bytes(size * count)

    def new_key() -> Frames:
        return Frames(bytes(32), bytes(8), kernel=kernel)

    def seal(frames: Frames) -> bytearray:
        return frames.seal(2, 2, data, max_payload=size, max_frames=count)[0]

    sealing, stream = new_key(), seal(new_key())

    def open_stream() -> None:
        new_key().open(2, 2, stream, max_size=size + 9, max_frames=count)

    megabytes = len(data) / 1e6
    return RecordSpeed(
        kernel,
        size,
        megabytes / _seconds(lambda: seal(sealing)),
        megabytes / _seconds(open_stream),
    )


def _digest_speed() -> DigestSpeed:
    data, key, message = bytes(2**16), bytes(32), bytes(64)
    return DigestSpeed(
        len(data) / 1e6 / _seconds(lambda: digest(data)),
        _seconds(lambda: hmac(key, message)) * 1e6,
    )


def _operations() -> dict[str, float]:
    key, other = (PrivateKey.generate(CRYPTOPRO_A, os.urandom) for _ in range(2))
    public_key, hashed, entropy = key.public_key(), digest(b""), os.urandom(32)
    signature = sign(key, hashed, entropy)
    operations: dict[str, Callable[[], object]] = {
        "new key": lambda: PrivateKey.generate(CRYPTOPRO_A, os.urandom).public_key(),
        "agree": lambda: agree(other, public_key, 1),
        "sign": lambda: sign(key, hashed, entropy),
        "verify": lambda: verify(public_key, signature, hashed),
    }
    return {name: _seconds(operation) * 1e6 for name, operation in operations.items()}


def _seconds(operation: Callable[[], object]) -> float:
    """Return the seconds of the fastest call: a disturbance only makes a call slower."""
    fastest = float("inf")
    end = time.perf_counter() + SECONDS_EACH
    while (start := time.perf_counter()) < end:
        operation()
        fastest = min(fastest, time.perf_counter() - start)
    return fastest


def _print(speed: Speed) -> None:
    print(f"{'kernel':<10}{'record':>8}{'seal':>12}{'open':>12}")
    for record in speed.records:
        print(
            f"{record.kernel:<10}{record.size:>6} B{record.seal:>7.0f} MB/s{record.open:>7.0f} MB/s"
        )
    one_hmac = f"an HMAC of 64 B in {speed.digest.hmac:.1f} µs"
    print(f"\n{'digest':<10}{speed.digest.long:>7.0f} MB/s, {one_hmac}")
    print(f"\n{'operation':<10}{'time':>10}{'per second':>14}")
    for name, microseconds in speed.operations.items():
        print(f"{name:<10}{microseconds:>7.0f} µs{1e6 / microseconds:>14,.0f}")
    print(
        f"\nOn one core that is at most {speed.gigabits:.1f} Gbit/s through tunnels"
        f" ({speed.records[0].kernel}), or {speed.handshakes:,.0f} new tunnels a second."
    )

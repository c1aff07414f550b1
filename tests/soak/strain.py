"""``make bench-strangers``: what strangers' certificates cost, and how long a user waits for them.

First every chain of `tests.support.strangers` is validated in this process: the least processor
time of some tries. Then attackers show them to a real gateway from several addresses, 20 times a
second each, which is what tunnel.source.rate allows; a user meanwhile makes one handshake after
the other.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any, Final

from tests.soak.attacker import Attacker, listen_to_end
from tests.support.credentials import FIRST_DOMAIN, Credentials
from tests.support.peer import Peer
from tests.support.pki import NOW, authority, ders, user
from tests.support.processes import (
    COMMAND,
    LOOPBACK,
    PROJECT,
    ReservedPort,
    wait_until,
    write_config,
)
from tests.support.strangers import hostile_chains
from tunnel_gateway.errors import CertificateError
from tunnel_gateway.pki.trust.validation import ChainValidator
from tunnel_gateway.protocol.messages import Authentication

_TRIES: Final = 100
_A_SECOND: Final = 20
_SHOWN: Final = 5
# The loopback is free of limits by default: here it is any network.
_SETTINGS: Final = {"source.networks": "192.0.2.0/24 free"}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.strain", description=__doc__)
    parser.add_argument("--addresses", type=int, nargs="*", default=[0, 1, 2, 4])
    parser.add_argument("--seconds", type=float, default=20.0, help="for each (%(default)s)")
    arguments = parser.parse_args()
    _print_costs()
    with tempfile.TemporaryDirectory() as folder:
        credentials = Credentials(Path(folder) / "credentials")
        for count in arguments.addresses:
            _print_waiting(count, arguments.seconds, credentials, Path(folder) / str(count))
    return 0


def _print_costs() -> None:
    validator = ChainValidator([authority().root.leaf])
    costs = {
        name: _least(validator, lambda chain=chain: chain)  # type: ignore[misc]
        for name, chain in hostile_chains().items()
    }
    dearest = sorted(costs.items(), key=lambda cost: cost[1], reverse=True)
    print(f"{len(costs)} chains that a stranger can make; the dearest, in ms of the processor:")
    for name, seconds in dearest[:_SHOWN]:
        print(f"  {1000 * seconds:6.2f}  {name}")
    first = _least(validator, lambda: ders(user()))
    known = ders(user())
    again = _least(validator, lambda: known)
    print(f"  {1000 * first:6.2f}  a user whose certificate is new; {1000 * again:.3f} when known")


def _least(validator: ChainValidator, chain: Callable[[], list[bytes]]) -> float:
    least = float("inf")
    for _ in range(_TRIES):
        shown = chain()
        started = time.thread_time()
        with suppress(CertificateError):
            validator.verify_client(shown, NOW)
        least = min(least, time.thread_time() - started)
    return least


def _print_waiting(count: int, seconds: float, credentials: Credentials, folder: Path) -> None:
    folder.mkdir()
    raw, own = ReservedPort(), ReservedPort()
    config = folder / "config.properties"
    write_config(config, credentials, own.number, {"raw": raw.number}, _SETTINGS)
    command = (sys.executable, *COMMAND, "serve", "--config", str(config))
    gateway = subprocess.Popen(
        command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    address = (LOOPBACK, own.number)
    enough = multiprocessing.Event()
    attackers = [
        multiprocessing.Process(target=_attack, args=(address, f"127.0.1.{number + 1}", enough))
        for number in range(count)
    ]
    destination = raw.listen(128)
    try:
        wait_until(lambda: _handshake(credentials, address) is not None, "a gateway that listens")
        own.close()
        for one in attackers:
            one.start()
        time.sleep(2.0 if count else 0.0)
        before, waits, until = _cpu(gateway.pid), [], time.monotonic() + seconds
        begun = time.monotonic()
        while time.monotonic() < until:
            waits.append(_handshake(credentials, address) or float("inf"))
            time.sleep(0.2)
        share = (_cpu(gateway.pid) - before) / (time.monotonic() - begun)
    finally:
        enough.set()
        for one in attackers:
            one.join(30)
        gateway.terminate()
        gateway.wait(60)
        destination.close()
    print(
        f"{count} addresses: a user's handshake {1000 * statistics.median(waits):6.1f} ms,"
        f" at most {1000 * max(waits):6.1f}; the gateway takes {100 * share:.0f} % of a core"
    )


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def _handshake(credentials: Credentials, address: tuple[str, int]) -> float | None:
    started = time.monotonic()
    with suppress(OSError, AssertionError):
        peer = Peer(address, credentials.settings(dst_id="raw"))
        with peer.socket:
            peer.open()
            return time.monotonic() - started
    return None


def _attack(address: tuple[str, int], source: str, enough: Event) -> None:
    chains = list(hostile_chains().values())
    attacker = Attacker(address, [source], FIRST_DOMAIN)
    due = time.monotonic()
    number = 0
    while not enough.is_set():
        claim = Authentication(tuple(chains[number % len(chains)]), "raw", b"", b"").signed_part()
        threading.Thread(target=_show, args=(attacker, claim), daemon=True).start()
        number += 1
        due += 1 / _A_SECOND
        time.sleep(max(0.0, due - time.monotonic()))


def _show(attacker: Attacker, claim: bytes) -> None:
    with suppress(OSError, AssertionError, ValueError, IndexError):
        met: Any = attacker.meet()
        with met.socket as connection:
            met.prove(claim, None)
            listen_to_end(connection)


if __name__ == "__main__":
    sys.exit(main())

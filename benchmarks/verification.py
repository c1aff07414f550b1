"""``python -m benchmarks.verification``: what the verification of a signed message costs.

The figures are processor time of this process. The messages are 1 KB with one signer and one time
stamp, by an authority that is made for the run. A signer is seen, if the validator has accepted
their certificate before. The large document is verified once.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Final

from tunnel_gateway.cms.composing import stamp
from tunnel_gateway.cms.judging import document_digest, judge
from tunnel_gateway.cms.signed_data import parse_signed_data
from tunnel_gateway.cms.signing import sign_data
from tunnel_gateway.cms.stamping import answer_request
from tunnel_gateway.cms.time_stamp import NONCE_SIZE, make_request, read_answer
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.authority import TIME_STAMP_POLICY, Authority, Person
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.pki.trust.validation import ChainValidator

DOCUMENT: Final = b"x" * 1024
_PERSON: Final = Person("NAMUNAYEV NAMUNA", pinfl="10000000000001", uid="400000001")
_UNSEEN, _REPEATS = 60, 200
_LARGE: Final = 63
_MEGABYTE: Final = 1024 * 1024


class Bench:
    """An authority, its time stamps, and messages of its users."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self.authority = Authority.create(now=now, entropy=os.urandom)
        self._stamper = self.authority.issue_time_stamper(now=now, entropy=os.urandom)

    def validator(self) -> ChainValidator:
        """Return a validator that has seen the centres and the time stamp authority."""
        validator = ChainValidator([self.authority.root.leaf])
        self.verify(self.message(), validator)
        return validator

    def user(self) -> Identity:
        """Return a new user."""
        return self.authority.issue_user(_PERSON, now=self._now, entropy=os.urandom)

    def message(self, document: bytes = DOCUMENT, user: Identity | None = None) -> bytes:
        """Return the stamped message of a user, or else of a new one."""
        user = user or self.user()
        signed = sign_data(
            user.private_key,
            _chain(user),
            user.leaf.family,
            document,
            detached=False,
            signing_time=self._now,
            entropy=os.urandom,
        )
        imprint, nonce = digest(signed.signature), os.urandom(NONCE_SIZE)
        reply = answer_request(
            make_request(imprint, user.leaf.family, nonce),
            self._stamper,
            policy=TIME_STAMP_POLICY,
            time=self._now,
            entropy=os.urandom,
        )
        token = read_answer(reply, imprint, nonce)
        return stamp(signed.der, {signed.signature: token})

    def signature(self, document: bytes, user: Identity) -> bytes:
        """Return a detached message of a user, signed now and without a time stamp."""
        return sign_data(
            user.private_key,
            _chain(user),
            user.leaf.family,
            document,
            detached=True,
            signing_time=datetime.now(UTC).replace(microsecond=0),
            entropy=os.urandom,
        ).der

    def answer_stamp_request(self, request: bytes) -> bytes:
        """Return the answer of the time stamp authority, stamped now."""
        return answer_request(
            request,
            self._stamper,
            policy=TIME_STAMP_POLICY,
            time=datetime.now(UTC),
            entropy=os.urandom,
        )

    def verify(self, message: bytes, validator: ChainValidator) -> None:
        """Go through every step; raises ValueError if the message does not hold."""
        signed = parse_signed_data(message)
        verdict = judge(signed, document_digest(signed), validator, self._now)
        if verdict.failed is not None:
            raise ValueError(f"a message of this program does not hold: {verdict.failed.name}")


def _chain(identity: Identity) -> list[bytes]:
    return [certificate.der for certificate in identity.chain]


def _milliseconds(actions: Sequence[Callable[[], None]]) -> list[float]:
    times = []
    for action in actions:
        start = time.process_time()
        action()
        times.append(1000 * (time.process_time() - start))
    return times


def _peak() -> int:
    """Return the largest size of this process since `_forget_peak`, in bytes."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def measure(unseen: int, repeats: int, large: int) -> dict[str, float]:
    """Return the figures: milliseconds, megabytes a second, and copies of the large document."""
    bench = Bench(datetime.now(UTC).replace(microsecond=0))
    validator = bench.validator()
    messages = [bench.message() for _ in range(unseen)]
    new = _milliseconds([lambda one=one: bench.verify(one, validator) for one in messages])  # type: ignore[misc]
    seen = _milliseconds([lambda: bench.verify(messages[0], validator)] * repeats)
    message = bench.message(os.urandom(1024) * (large * _MEGABYTE // 1024))
    _forget_peak()
    before = _peak()
    (whole,) = _milliseconds([lambda: bench.verify(message, validator)])
    return {
        "seen signer, ms": median(seen),
        "unseen signer, ms": median(new),
        f"{large} MiB, MB/s": len(message) / 1000 / whole,
        f"{large} MiB, copies": (_peak() - before) / len(message),
    }


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--unseen", type=int, default=_UNSEEN, help="signers (default: %(default)s)"
    )
    parser.add_argument("--repeats", type=int, default=_REPEATS, help="default: %(default)s")
    parser.add_argument("--large", type=int, default=_LARGE, help="MiB (default: %(default)s)")
    arguments = parser.parse_args()
    for name, figure in measure(arguments.unseen, arguments.repeats, arguments.large).items():
        print(f"{name:20} {figure:8.2f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

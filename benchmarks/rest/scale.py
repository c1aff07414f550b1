"""How much a run does for one sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is done for one sample.

    ``users`` sign one message each, ``large`` is the size of the large document in bytes,
    ``seconds`` is how long one load lasts, ``warm_up`` how many calls the Java server answers
    before it is measured. ``processes`` of OpenSSL are started, and ``echoes`` sent through a
    tunnel. ``calls`` are made of each method for phones that is cheap, and ``documents`` for
    phones are open at once, for ``life`` seconds.
    """

    users: int
    large: int
    seconds: float
    warm_up: int
    processes: int
    echoes: int
    calls: int
    documents: int
    life: int


FULL: Final = Scale(
    users=200,
    large=64_000_000,
    seconds=4.0,
    warm_up=4000,
    processes=30,
    echoes=5000,
    calls=4000,
    documents=100_000,
    life=180,
)
QUICK: Final = Scale(
    users=60,
    large=64_000_000,
    seconds=1.5,
    warm_up=1000,
    processes=10,
    echoes=1500,
    calls=1500,
    documents=20_000,
    life=45,
)
